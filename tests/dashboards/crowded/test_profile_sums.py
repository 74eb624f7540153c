"""Profile pages against sums of the calls themselves: every number on them, for every kind of name."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from costwatch.dashboards.addresses import profile_url
from costwatch.ledger.fold import fold_all
from tests.dashboards.crowded import field
from tests.dashboards.page import figure, rows, text
from tests.ledger.make import NOW

pytestmark = pytest.mark.thorough
BERLIN = ZoneInfo("Europe/Berlin")
ALL = [
    ("agent", "triage"), ("agent", field.HOSTILE), ("user", "u-1"), ("user", ".."), ("user", "ü ber/.."),
    ("task", "refund"), ("task", field.HOSTILE), ("model", "gpt-5.4"), ("model", "a/b?c#d"), ("release", "triage@2"),
    ("provider", "self hosted"), ("environment", "prod"), ("tag.customer", "Orbit & Sons"),
]  # fmt: skip
PARTS = {
    "agent": ("model", "task", "user"), "user": ("agent", "task", "model"), "task": ("model", "agent", "user"),
    "model": ("agent", "task", "release"), "release": ("agent", "model", "task"),
}  # fmt: skip
OTHERS = ("agent", "model", "task")
SPANS = {
    "period=month": (date(2026, 11, 1), date(2026, 11, 18)),
    "period=7d": (date(2026, 11, 12), date(2026, 11, 18)),
    "first=2026-09-15&last=2026-10-26": (date(2026, 9, 15), date(2026, 10, 26)),  # the clocks go back on 25 October
}


def midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), BERLIN).astimezone(UTC)


def page(client, dimension: str, value: str, query: str) -> str:
    address = profile_url(dimension, value)
    answer = client.get(f"{address}{'&' if '?' in address else '?'}{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def dollars(cost: Decimal) -> str:
    return f"${cost:,.2f}"


def exact(html: str, name: str) -> Decimal:
    """The figure of a name with all its digits, as its title has them."""
    found = re.search(rf'<dt>{name}</dt><dd class="value m" title="\$([\d.,]+)">', html)
    assert found, name
    return Decimal(found[1].replace(",", ""))


@pytest.mark.parametrize("query", SPANS)
@pytest.mark.parametrize(("dimension", "value"), ALL)
def test_the_figures_are_those_of_its_calls(client, calls, dimension, value, query):
    first, last = SPANS[query]
    own = field.of(field.between(calls, midnight(first), midnight(last + timedelta(days=1))), dimension, value)
    html = page(client, dimension, value, query)
    said = text(html)
    if not own:
        assert f"No calls of this {'customer' if dimension.startswith('tag') else dimension}" in said
        return
    cost, priced = field.cost(own), [one for one in own if one.cost is not None]
    assert exact(html, "Spend") == cost
    assert f"{len(own)} call{'s' * (len(own) > 1)}" in said
    assert (f"{field.unpriced(own)} unpriced" in said) == bool(field.unpriced(own))
    tokens = sum((one.input_tokens or 0) + (one.output_tokens or 0) for one in own)
    assert f'title="{tokens:,}"' in html
    errors = sum(one.error for one in own)
    assert f"Errors {errors} " in said
    if errors:
        assert f"{errors / len(own) * 100:.1f} % of the calls" in said
    if priced and cost / len(priced) >= 1:
        assert f"Per call ${cost / len(priced):.2f} " in said


@pytest.mark.parametrize("query", list(SPANS)[::2])
@pytest.mark.parametrize(("dimension", "value"), ALL)
def test_each_part_adds_up_to_the_whole(client, calls, dimension, value, query):
    first, last = SPANS[query]
    own = field.of(field.between(calls, midnight(first), midnight(last + timedelta(days=1))), dimension, value)
    html = page(client, dimension, value, query)
    for part in PARTS.get(dimension, OTHERS):
        section = html[html.index(f'aria-labelledby="h-{part}"') :].partition("</section>")[0]
        told = {cells[0]: cells for cells in rows(section)[1:]}
        groups = field.by(own, lambda one, part=part: field.value_of(one, part))
        assert len(told) == len(groups), (part, "no more than eight each, so each has its row")
        for name, mine in groups.items():
            cells = told[name or "Not attributed"]
            priced = [one for one in mine if one.cost is not None]
            assert cells[2] == (dollars(field.cost(mine)) if priced else "unpriced")
            assert cells[4] == str(len(mine))
    if any(one.cost for one in own):
        drawn = sum(sum(trace["y"]) for trace in figure(html)["data"] if trace["type"] == "bar")
        assert drawn == pytest.approx(float(field.cost(own)))


@pytest.mark.parametrize(("dimension", "value"), ALL[::3])
def test_the_change_is_against_the_same_weekdays_before(client, calls, dimension, value):
    """Of 1 to 18 November 14:32: four weeks earlier, up to the same time there."""
    start, end = midnight(date(2026, 10, 4)), datetime(2026, 10, 21, 14, 32, 7, 123456, BERLIN)
    before = field.cost(field.of(field.between(calls, start, end), dimension, value))
    now = field.of(field.between(calls, midnight(date(2026, 11, 1)), NOW + timedelta(days=1)), dimension, value)
    said = text(page(client, dimension, value, "period=month"))
    assert f"vs {dollars(before)}, 4–21 Oct" in said
    if before:
        change = (field.cost(now) - before) / before
        if Decimal("0.005") <= abs(change) < 10:
            assert f"{'▲' if change > 0 else '▼'} {abs(change) * 100:,.0f} % vs" in said


@pytest.mark.parametrize(("dimension", "value"), [one for one in ALL if one[0] not in ("model", "provider")])
def test_the_dearest_runs_stand_first_with_all_their_calls(client, calls, dimension, value):
    fold_all()
    runs = {name: own for name, own in field.by(calls, lambda one: one.run_id).items() if name}
    ended = [
        (field.cost(own), name)
        for name, own in runs.items()
        if (field.value_of(own[0], dimension) or "") == value
        and own[-1].timestamp >= midnight(date(2026, 9, 15))
        and any(one.cost is not None for one in own)
    ]
    html = page(client, dimension, value, "first=2026-09-15&last=2026-11-18")
    section = html[html.index('id="h-runs"') :].partition("</section>")[0]
    shown = re.findall(r'title="(r-\d+)"', section)
    assert shown == [name for _, name in sorted(ended, reverse=True)[:5]]
    costs = sorted(cost for cost, _ in ended)
    median = costs[-(-len(costs) // 2) - 1]
    assert f"Median run ${median:.2f}" in text(html)


def test_further_conditions_narrow_it(client, calls):
    own = field.of(field.of(calls, "agent", "triage"), "model", "gpt-5.4")
    html = page(client, "agent", "triage", "first=2026-08-01&last=2026-11-18&model=gpt-5.4")
    assert exact(html, "Spend") == field.cost(own)
    html = page(client, "user", "..", "first=2026-08-01&last=2026-11-18&model!=gpt-5.4")
    rest = [one for one in field.of(calls, "user", "..") if one.model != "gpt-5.4"]
    assert exact(html, "Spend") == field.cost(rest)


@pytest.mark.parametrize(("dimension", "value"), ALL)
def test_page_and_api_say_the_same(client, dimension, value):
    asked = {"from": "2026-11-01", "to": "2026-11-19", dimension: value}
    total = client.get("/api/v1/spend", asked).json()["total"]
    assert exact(page(client, dimension, value, "period=month"), "Spend") == Decimal(total["cost_usd"])


def test_a_name_whose_address_is_a_parameter_is_no_filter_of_its_own_page(client):
    html = page(client, "user", "..", "model=gpt-5.4")
    assert "Remove filter model is gpt-5.4" in html
    assert "Remove filter user" not in html
