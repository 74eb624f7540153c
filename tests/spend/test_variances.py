"""The variance out of the books: prices of the workspace, whose spend changed, and that it all adds up."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.core.cache import cache

from costwatch.pricing import book
from costwatch.pricing import catalogue as catalogues
from costwatch.pricing.specs import Catalogue, Component, LineKey, Version
from costwatch.spend import variances
from costwatch.spend.filters import SpendFilter
from costwatch.spend.rates import rates_of
from costwatch.spend.variances import variance
from tests.ledger.make import NOW, entry
from tests.spend.usage import generated

BERLIN = ZoneInfo("Europe/Berlin")
OCTOBER = SpendFilter(datetime(2026, 9, 30, 22, tzinfo=UTC), datetime(2026, 10, 31, 23, tzinfo=UTC))
NOVEMBER = SpendFilter(datetime(2026, 10, 31, 23, tzinfo=UTC), datetime(2026, 11, 30, 23, tzinfo=UTC))
DEARER_FROM = datetime(2026, 11, 15, 23, tzinfo=UTC)


def components(factor):
    units = {"input": 2, "cache_read": 1, "cache_write_5m": 4, "output": 8}
    return tuple(Component(unit, Decimal(price) * factor) for unit, price in units.items())


@pytest.fixture(autouse=True)
def prices(db):
    """'steady' costs the same for ever, 'risen' twice as much from 16 November on."""
    steady, risen = LineKey("acme", "steady"), LineKey("acme", "risen")
    lines = {
        steady: [Version(None, None, components(1))],
        risen: [Version(None, DEARER_FROM, components(1)), Version(DEARER_FROM, None, components(2))],
    }
    catalogues.store(Catalogue(lines, []), "test", "1", NOW)
    book.forget()
    cache.clear()
    yield
    book.forget()


def call(at, agent="triage", model="steady", tokens=1_000_000, run=None, **fields):
    """A priced call with prompt tokens only."""
    made = entry(timestamp=at, model=model, provider="acme", agent_id=agent, input_tokens=tokens, output_tokens=0,
                 run_id=run, **fields)  # fmt: skip
    priced = book.current().price(made)
    made.cost, made.cost_source = priced.cost, priced.source
    return made


def october(n, **fields):
    return call(datetime(2026, 10, 5, 12, tzinfo=UTC) + timedelta(hours=n), **fields)


def november(n, **fields):
    return call(datetime(2026, 11, 20, 12, tzinfo=UTC) + timedelta(hours=n), **fields)


def test_rates_are_those_of_the_workspace_by_kind_of_token(workspace, stored):
    stored([october(0)])
    days = [date(2026, 11, 14), date(2026, 11, 15), date(2026, 11, 16), date(2026, 11, 17)]
    found = rates_of(workspace.lane, ["steady", "risen", "unheard-of"], days, BERLIN)
    million = Decimal(1_000_000)
    steady = found["steady"]
    assert [rate * million for rate in (steady.input, steady.cached, steady.written, steady.output)] == [2, 1, 4, 8]
    assert found["risen"].input * million == 3, "two days at $2, two at $4"
    assert found["unheard-of"] is None


def test_each_part_names_its_cause_and_all_add_up(workspace, stored):
    stored([
        *(october(n, run=f"o-{n}") for n in range(10)),
        *(november(n, run=f"n-{n}") for n in range(15)),
        *(october(n, agent="lookup") for n in range(4)),
        *(november(n, agent="lookup", tokens=1_500_000) for n in range(4)),
        november(1, agent="newcomer"),
    ])  # fmt: skip
    found = variance(workspace, OCTOBER, NOVEMBER, NOW + timedelta(days=9), "agent")
    parts = {part.value: {k: v for k, v in part.effects.items() if v} for part in found.parts}
    assert parts == {"triage": {"runs": 10}, "lookup": {"input": 4}, "newcomer": {"runs": 2}}
    assert [part.value for part in found.parts] == ["triage", "lookup", "newcomer"]
    assert (found.before.cost, found.after.cost, found.change) == (28, 44, 16)
    assert sum(found.effects.values()) == 16


def test_a_price_that_rose_within_a_span_counts_for_its_days(workspace, stored):
    stored([october(1, model="risen"), november(1, model="risen")])
    whole_november = variance(workspace, OCTOBER, NOVEMBER, NOVEMBER.end)
    half = NOVEMBER.within(DEARER_FROM, NOVEMBER.end)
    assert variance(workspace, OCTOBER, half, NOVEMBER.end).effects["price"] == 2
    assert whole_november.effects["price"] + whole_november.effects["other"] == 2
    assert whole_november.effects["price"] == 1, "the mean of the month's days is $3"


def test_days_that_are_still_to_come_have_no_price_yet(workspace, stored):
    stored([october(1, model="risen"), call(datetime(2026, 11, 3, tzinfo=UTC), model="risen")])
    before_the_rise = datetime(2026, 11, 10, tzinfo=UTC)
    assert not any(variance(workspace, OCTOBER, NOVEMBER, before_the_rise).effects.values())


def test_what_was_not_priced_then_is_no_price_rise(workspace, stored):
    silent = october(1)
    silent.cost = None
    stored([silent, november(1)])
    found = {k: v for k, v in variance(workspace, OCTOBER, NOVEMBER, NOVEMBER.end).effects.items() if v}
    assert found == {"other": 2}


@pytest.mark.parametrize("by", ["", "agent", "model", "task", "environment", "tag.team", "key"])
def test_parts_add_up_whatever_the_grouping(workspace, stored, by):
    stored(generated(3, 200))
    spans = [SpendFilter(datetime(2026, month, 1, tzinfo=UTC), datetime(2026, month + 1, 1, tzinfo=UTC)) for month in (10, 11)]  # fmt: skip  # noqa: E501
    found = variance(workspace, *spans, NOW, by)
    assert sum((part.change for part in found.parts), Decimal(0)) == found.change == sum(found.effects.values())
    for part in found.parts:
        assert sum(part.effects.values()) == part.change
    for measure in ("calls", "runs", "input_tokens", "cost"):
        assert sum(getattr(part.after, measure) for part in found.parts) == getattr(found.after, measure)


def test_of_very_many_values_those_that_matter_have_a_part_and_the_rest_has_one(workspace, stored, monkeypatch):
    monkeypatch.setattr(variances, "OWN_PARTS", 3)
    stored([
        *(october(n, agent=f"a-{n}", tokens=1_000_000 - n) for n in range(9)),
        *(november(n, agent=f"a-{n}", tokens=(2 if n == 7 else 1) * (1_000_000 - n)) for n in range(9)),
    ])  # fmt: skip
    found = variance(workspace, OCTOBER, NOVEMBER, NOVEMBER.end, "agent")
    assert "a-7" in [part.value for part in found.parts]
    rest = found.parts[-1]
    assert rest.value is None and rest.count == 9 - (len(found.parts) - 1)
    assert rest.change == 0 and not any(rest.effects.values())
    assert sum(part.change for part in found.parts) == found.change


def test_a_filter_holds_for_both_spans(workspace, stored):
    stored([october(1), november(1), november(2, agent="lookup")])
    spans = [SpendFilter(span.start, span.end, {"agent": ("triage",)}) for span in (OCTOBER, NOVEMBER)]
    assert variance(workspace, *spans, NOVEMBER.end).change == 0


def test_nothing_at_all_has_no_parts(workspace):
    found = variance(workspace, OCTOBER, NOVEMBER, NOVEMBER.end, "agent")
    assert found.change == 0 and found.parts == []


def test_of_long_spans_the_prices_of_some_days_stand_for_all():
    ten_years = SpendFilter(datetime(2016, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))
    days = variances._days(ten_years, NOW, BERLIN)
    assert 31 < len(days) <= variances.PRICED_DAYS
    assert days[0] == date(2016, 1, 1) and days[-1] > date(2025, 10, 1)
    month = variances._days(NOVEMBER, NOVEMBER.end, BERLIN)
    assert len(month) == 30, "of a month all of them"
