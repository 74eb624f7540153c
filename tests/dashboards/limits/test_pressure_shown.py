"""What the limits view counts, minute by minute: on the page, in its chart, in the CSV."""

import csv
import io
from datetime import datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from costwatch.accounts import keys
from costwatch.accounts.models import Role
from costwatch.limits.models import ProviderLimit
from costwatch.pricing.usage import CostSource
from tests.dashboards.conftest import logged_in
from tests.dashboards.page import as_read, figure, links, text
from tests.ledger.make import NOW, entry

pytestmark = pytest.mark.thorough
MINUTE = timedelta(minutes=1)
END = NOW.replace(second=0, microsecond=0)


@pytest.fixture
def editor(workspace, now):
    return logged_in(workspace, "editor@larkfield.example", Role.EDITOR)


def body(client, address="/limits", **params) -> str:
    answer = client.get(address, params)
    assert answer.status_code == 200
    return answer.content.decode()


def table(client, **params) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body(client, "/limits.csv", **params))))


def limit(workspace, provider="openai", model="", **fields) -> ProviderLimit:
    return ProviderLimit.objects.create(workspace=workspace, provider=provider, model=model, **fields)


@pytest.fixture
def traffic(send):
    """A day of calls by chance, of two providers and three models, some carrying several requests, some refused."""
    rnd, made = Random(5), []
    refusals = ("RateLimitError", "429 Too Many Requests", "ThrottlingException", "insufficient_quota", "ServerError")
    for _ in range(260):
        at = NOW - timedelta(minutes=rnd.choice((rnd.randrange(180), rnd.randrange(1500), 7, 8)), seconds=rnd.random())
        model = rnd.choice(("gpt-5.4", "gpt-5.4-mini", "claude"))
        usage = {"input_tokens": rnd.randrange(1, 999), "output_tokens": rnd.randrange(99)}
        failed = {"error": True, "error_type": rnd.choice(refusals)} if rnd.random() < 0.1 else {}
        if failed:
            usage = {"input_tokens": None, "output_tokens": None, "cost": None, "cost_source": CostSource.USAGE_UNKNOWN}
        else:
            usage["cached_input_tokens"] = usage["input_tokens"] // 4
        provider = "anthropic" if model == "claude" else "openai"
        made.append(
            entry(timestamp=at, model=model, provider=provider, requests=rnd.randrange(1, 4), **usage, **failed)
        )
    send(*made)
    return made


def counted(calls, hours, measure, cached=True, **of):
    """Minute → count, of the whole minutes of the last hours."""
    found: dict[datetime, int] = {}
    for one in calls:
        if END - timedelta(hours=hours) <= one.timestamp < END and all(getattr(one, k) == v for k, v in of.items()):
            given = (one.input_tokens or 0) - (0 if cached else one.cached_input_tokens or 0)
            out = one.output_tokens or 0
            number = {"requests": one.requests, "tokens": given + out, "input_tokens": given, "output_tokens": out}
            at = one.timestamp.replace(second=0, microsecond=0)
            found[at] = found.get(at, 0) + number[measure]
    return found


@pytest.mark.parametrize("hours", [1, 3, 12, 24])
@pytest.mark.parametrize("cached", [True, False])
def test_the_csv_tells_of_each_limit_what_the_minutes_held(client, workspace, traffic, hours, cached):
    sizes = {"requests": 4, "tokens": 900, "input_tokens": 700, "output_tokens": 90}
    limit(workspace, cached_counts=cached, **sizes)
    limit(workspace, model="gpt-5.4", cached_counts=cached, **sizes)
    found = table(client, hours=hours)
    for model in ("", "gpt-5.4"):
        of = {"provider": "openai"} | ({"model": model} if model else {})
        for line in (one for one in found if (one["provider"], one["model"]) == ("openai", model)):
            minutes = counted(traffic, hours, line["measure"], cached, **of)
            most = sizes[line["measure"]]
            assert int(line["limit_per_minute"]) == most
            assert int(line["peak_per_minute"]) == max(minutes.values())
            assert minutes[datetime.fromisoformat(line["peak_at"])] == max(minutes.values())
            assert int(line["minutes_near"]) == sum(count >= 0.8 * most for count in minutes.values())
            assert int(line["minutes_at_limit"]) == sum(count >= most for count in minutes.values())
            everything = sorted([*minutes.values(), *[0] * (hours * 60 - len(minutes))])
            assert int(line["p95_per_minute"]) == everything[-(-len(everything) * 95 // 100) - 1]


@pytest.mark.parametrize("hours", [1, 24])
def test_refused_requests_are_those_that_a_limit_refused(client, traffic, hours):
    for line in table(client, hours=hours):
        refused = [
            one for one in traffic
            if one.model == line["model"] and one.error and one.error_type != "ServerError"
            and END - timedelta(hours=hours) <= one.timestamp < END
        ]  # fmt: skip
        assert int(line["throttled_requests"]) == sum(one.requests for one in refused)


def test_the_minute_under_way_is_not_there_yet_and_the_one_before_is(client, send):
    send(entry(timestamp=END, requests=9), entry(timestamp=END - MINUTE, requests=2))
    assert {line["peak_per_minute"] for line in table(client) if line["measure"] == "requests"} == {"2"}


def test_limits_stand_before_models_that_none_is_known_of_the_tightest_first(client, workspace, traffic):
    limit(workspace, "anthropic", requests=1)
    limit(workspace, "openai", "gpt-5.4", requests=1000)
    order = [(line["provider"], line["model"]) for line in table(client, hours=24) if line["measure"] == "requests"]
    assert order == [("anthropic", ""), ("openai", "gpt-5.4"), ("openai", "gpt-5.4-mini")], "claude's provider has one"


def test_a_limit_of_a_key_counts_what_was_sent_with_it(client, workspace, send):
    key, _ = keys.create_key(workspace, "batch jobs", ["ingest"])
    send(*(entry(minutes=-9, api_key_id=key.pk if n < 3 else None) for n in range(8)))
    limit(workspace, "openai", key="batch jobs", requests=6)
    limit(workspace, "openai", requests=16)
    peaks = {line["key"]: line["peak_per_minute"] for line in table(client) if line["measure"] == "requests"}
    assert peaks == {"batch jobs": "3", "": "8"}
    assert "batch jobs" in text(body(client))


def test_a_row_is_chosen_for_the_chart_and_keeps_the_hours(client, workspace, traffic):
    one = limit(workspace, "openai", "gpt-5.4", requests=4)
    html = body(client, hours=24)
    address = next(link for link in links(html) if f"show={one.pk}" in link)
    assert "hours=24" in address
    chosen = client.get(address).content.decode()
    minutes = counted(traffic, 24, "requests", provider="openai", model="gpt-5.4")
    bars = figure(chosen)["data"][0]
    begin, highest = END - timedelta(hours=24), {}
    for at, count in minutes.items():  # 180 bars at most: eight minutes each, the highest of them
        place = begin + (at - begin) // (8 * MINUTE) * (8 * MINUTE)
        highest[place] = max(highest.get(place, 0), count)
    berlin = {f"{at.astimezone(ZoneInfo('Europe/Berlin')):%Y-%m-%d %H:%M:%S}": n for at, n in highest.items()}
    assert dict(zip(bars["x"], bars["y"], strict=True)) == berlin
    near, full = {"--warn"} if 4 * 0.8 <= 3 else set(), "--bad"
    for count, colour in zip(bars["y"], bars["marker"]["color"], strict=True):
        assert colour == (full if count >= 4 else "--ink") or colour in near
    assert figure(chosen)["layout"]["shapes"][0]["y0"] == 4, "the line of the limit"


def test_a_limit_far_above_the_traffic_has_no_line_that_would_flatten_the_bars(client, workspace, send):
    limit(workspace, "openai", requests=1000)
    send(entry(minutes=-5))
    drawn = figure(body(client))
    assert drawn["layout"]["shapes"] == []
    assert drawn["layout"]["yaxis"]["range"][1] < 2


@pytest.mark.parametrize(
    ("requests", "state", "left"),
    [(10, "ok", "60 %"), (5, "warn", "20 %"), (4, "bad", "0 %"), (2, "bad", "−100 %")],
)
def test_the_room_that_was_left_has_the_colour_of_its_state(client, workspace, send, requests, state, left):
    limit(workspace, "openai", requests=requests)
    send(*(entry(minutes=-5) for _ in range(4)))
    assert f'<span class="state {state}">{left}</span>' in as_read(body(client))


def test_the_form_is_filled_with_the_limit_that_a_link_names(editor, workspace, send):
    send(entry(minutes=-5))
    limit(workspace, "openai", "gpt-5.4-mini", requests=4, output_tokens=900)
    html = body(editor)
    address = next(link for link in links(html) if link.endswith("#set") and "requests=4" in link)
    form = editor.get(address.partition("#")[0]).content.decode()
    for value in ("openai", "gpt-5.4-mini", "4", "900"):
        assert f'value="{value}"' in form


def test_several_models_of_one_provider_with_a_limit_for_all_have_no_rows_of_their_own(client, workspace, traffic):
    limit(workspace, "openai", requests=5)
    assert {(line["provider"], line["model"]) for line in table(client)} == {("openai", ""), ("anthropic", "claude")}
