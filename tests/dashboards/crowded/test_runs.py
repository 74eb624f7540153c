"""The list of runs, its CSV and each run's page, against sums of the calls themselves."""

import csv
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from zoneinfo import ZoneInfo

import pytest

from costwatch.dashboards.addresses import run_url
from costwatch.ledger.fold import fold_all
from costwatch.pricing.usage import CostSource
from tests.dashboards.crowded import field
from tests.dashboards.page import links, row, rows, text
from tests.ledger.make import NOW, entry

pytestmark = pytest.mark.thorough
BERLIN = ZoneInfo("Europe/Berlin")
EVER = "first=2026-08-01&last=2026-11-18"


def body(client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def table(client, query: str = EVER) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(body(client, f"/runs.csv?{query}"))))


def midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), BERLIN)


@pytest.fixture
def runs(calls):
    """Run id → its calls in order of time."""
    found = field.by(calls, lambda one: one.run_id)
    return {name: own for name, own in found.items() if name}


def test_the_csv_holds_every_run_with_the_sums_of_its_calls(client, runs):
    found = {line["run_id"]: line for line in table(client)}
    assert found.keys() == runs.keys()
    for name, own in runs.items():
        line = found[name]
        assert Decimal(line["cost_usd"]) == field.cost(own), name
        assert (int(line["calls"]), int(line["errors"])) == (len(own), sum(one.error for one in own))
        assert int(line["unpriced_calls"]) == field.unpriced(own)
        assert int(line["input_tokens"]) == sum(one.input_tokens or 0 for one in own)
        assert int(line["output_tokens"]) == sum(one.output_tokens or 0 for one in own)
        assert datetime.fromisoformat(line["started"]) == own[0].timestamp
        assert float(line["duration_s"]) == (own[-1].timestamp - own[0].timestamp).total_seconds()
        assert line["agent"].lstrip("'") == (own[0].agent_id or "")
        assert (line["task"], line["release"]) == (own[0].task or "", own[0].release or "")


KEYS = {
    "cost": lambda own: field.cost(own),
    "calls": len,
    "errors": lambda own: sum(one.error for one in own),
    "started": lambda own: own[0].timestamp,
    "last": lambda own: own[-1].timestamp,
    "duration": lambda own: own[-1].timestamp - own[0].timestamp,
}


@pytest.mark.parametrize("direction", ["", "-"])
@pytest.mark.parametrize("sort", KEYS)
def test_every_order_is_that_of_what_is_told(client, runs, sort, direction):
    found = [KEYS[sort](runs[line["run_id"]]) for line in table(client, f"{EVER}&sort={direction}{sort}")]
    assert found == sorted(found, reverse=bool(direction))
    assert len(found) == len(runs)


@pytest.mark.parametrize(
    ("query", "means"),
    [
        ("agent=triage", lambda own: own[0].agent_id == "triage"),
        ("agent=", lambda own: own[0].agent_id is None),
        ("agent!=triage&agent!=", lambda own: own[0].agent_id not in ("triage", None)),
        ("user=..&user=u-1", lambda own: own[0].user_id in ("..", "u-1")),
        ("tag.customer=Lark", lambda own: own[0].tags == {"customer": "Lark"}),
        ("environment=prod&task=refund", lambda own: (own[0].environment, own[0].task) == ("prod", "refund")),
        ("release=triage@2", lambda own: own[0].release == "triage@2"),
        ("session=s-7", lambda own: own[0].session_id == "s-7"),
        ("run=r-5", lambda own: own[0].run_id == "r-5"),
        ("agent=nobody", lambda own: False),
    ],
)
def test_conditions_choose_the_runs_that_they_say(client, runs, query, means):
    expected = {name for name, own in runs.items() if means(own)}
    assert {line["run_id"] for line in table(client, f"{EVER}&{query}")} == expected


@pytest.mark.parametrize(
    ("first", "last"), [("2026-11-18", "2026-11-18"), ("2026-10-25", "2026-10-25"), ("2026-10-01", "2026-10-31")]
)
def test_a_run_belongs_to_the_days_on_which_it_made_its_last_call(client, runs, first, last):
    start, end = midnight(date.fromisoformat(first)), midnight(date.fromisoformat(last) + timedelta(days=1))
    expected = {name for name, own in runs.items() if start <= own[-1].timestamp.astimezone(UTC) < end}
    assert {line["run_id"] for line in table(client, f"first={first}&last={last}")} == expected
    assert expected


@pytest.mark.parametrize("sort", ["-cost", "cost", "-calls", "started", "-last"])
def test_pages_in_any_order_hold_each_run_once(client, runs, sort):
    seen, address = [], f"/runs?{EVER}&sort={sort}"
    while address:
        html = body(client, address)
        seen += [cells[0] for cells in rows(html)[1:]]
        address = next((link for link in links(html) if "cursor=" in link), None)
    assert sorted(seen) == sorted(runs)
    assert seen == [line["run_id"] for line in table(client, f"{EVER}&sort={sort}")]


def nearest_rank(amounts: list[Decimal], share: int) -> Decimal:
    """The smallest that so many per cent of all do not exceed."""
    ordered = sorted(amounts)
    return ordered[-(-len(ordered) * share // 100) - 1]


def test_the_percentiles_are_those_of_the_runs_of_the_period(client, runs):
    fold_all()
    costs = [field.cost(own) for own in runs.values() if any(one.cost is not None for one in own)]
    said = text(body(client, f"/runs?{EVER}"))
    assert f"Runs ended {len(costs)} in this period" in said
    assert f"Median run ${nearest_rank(costs, 50):.2f}" in said
    assert f"99 % cost at most ${nearest_rank(costs, 99):.2f}" in said


@pytest.mark.parametrize("number", [0, *range(1, 170, 12)])
def test_the_page_of_a_run_tells_its_calls_and_nothing_else(client, runs, number):
    name = f"r-{number}"
    if name not in runs:
        assert client.get(run_url(name)).status_code == 404
        return
    own = runs[name]
    html = body(client, f"{run_url(name)}?calls=all")
    said = text(html)
    numbered = [cells for cells in rows(html) if cells[0].isdigit()]
    assert [int(cells[0]) for cells in numbered] == list(range(1, len(own) + 1))
    priced, calls = [one for one in own if one.cost is not None], f"{len(own)} call{'s' * (len(own) > 1)}"
    assert len(priced) == sum("$" in cells[-2] for cells in numbered)
    assert f"This run cost {f'${field.cost(own):.2f}' if priced else 'an unknown amount'} in {calls}" in said
    unpriced, errors = field.unpriced(own), sum(one.error for one in own)
    bound = sum(one.upper_bound for one in own)
    unknown = len(own) - len(priced) - unpriced
    assert (f"{unpriced} of {calls} unpriced: at most ${bound:.2f} more" in said) == bool(unpriced)
    assert (f"{unknown} of {calls} of unknown usage" in said) == bool(unknown)
    assert (f"{errors} of {calls} failed" in said) == bool(errors and not unpriced and not unknown)
    assert ("All calls priced" in said) == (not errors and len(priced) == len(own))
    assert {f"/calls/{one.event_id}" for one in own} <= set(links(html))


def test_the_calls_of_a_run_stand_with_their_own_cost_and_the_sum_up_to_them(client, runs):
    name, own = max(runs.items(), key=lambda item: (len(item[1]), field.cost(item[1])))
    html = body(client, run_url(name))
    head = next(cells for cells in rows(html) if "Cumulative" in cells)
    place = head.index("Cost")
    running = Decimal(0)
    for number, one in enumerate(own, 1):
        cells = row(html, str(number))
        running += one.cost or 0
        if one.cost is not None:
            assert abs(Decimal(cells[place].strip("$")) - one.cost) < Decimal("0.0001")
        assert abs(Decimal(cells[-1].strip("$")) - running) < Decimal("0.0001")


def test_the_usual_cost_is_the_mean_of_the_agents_runs_in_the_four_weeks_before(client, runs, calls):
    lately = NOW - timedelta(days=20)
    name, own = next((n, o) for n, o in runs.items() if o[0].agent_id == "reasoning" and o[0].timestamp > lately)
    begun = own[0].timestamp
    mates = field.between(field.of(calls, "agent", "reasoning"), begun - timedelta(days=28), begun)
    begins = {run for run, theirs in runs.items() if theirs[0] in mates}
    average = field.cost(mates) / len(begins)
    assert f"run of reasoning in the four weeks before cost ${average:.2f}" in text(body(client, run_url(name)))


def test_calls_of_unknown_usage_are_not_said_to_be_priced(client, send):
    unknown = {"cost": None, "cost_source": CostSource.USAGE_UNKNOWN, "input_tokens": None, "output_tokens": None}
    at = {"session_id": "talk", "run_id": "odd"}
    send(entry("odd-1", minutes=-3, **at, **unknown), entry("odd-2", minutes=-2, **at, cost="0.25"))
    for address in ("/runs/odd", "/sessions/talk"):
        said = text(body(client, address))
        assert "1 of 2 calls of unknown usage" in said
        assert "All calls priced" not in said
    assert "Per call $0.250" in text(body(client, "/runs/odd")), "of those whose cost is known"


@pytest.mark.parametrize("source", [CostSource.UNPRICED, CostSource.USAGE_UNKNOWN])
def test_where_no_cost_is_known_none_is_told(client, send, source):
    send(entry("none-1", minutes=-2, run_id="none", session_id="none", cost=None, cost_source=source))
    for address in ("/runs/none", "/sessions/none"):
        html = body(client, address)
        assert "cost an unknown amount in 1 call" in text(html)
        assert "$0.0" not in html
