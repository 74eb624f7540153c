"""A month's outlook: what it has cost up to now and the forecast of its other days."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from costwatch.spend.filters import SpendFilter
from costwatch.spend.outlooks import daily, history, month_outlook, workspace_outlook
from tests.ledger.make import entry

NOW = datetime(2026, 11, 18, 13, tzinfo=UTC)


def days(stored, amounts):
    """One call at noon on each of the days before today, of triage and lookup in turn."""
    first = datetime(2026, 11, 18, 11, tzinfo=UTC) - timedelta(days=len(amounts))
    return stored([
        entry(timestamp=first + timedelta(days=n), cost=amount, agent_id="triage" if n % 2 else "lookup")
        for n, amount in enumerate(amounts)
    ])  # fmt: skip


def test_every_day_of_a_span_is_told_also_those_without_spend(workspace, stored):
    stored([entry(timestamp=NOW - timedelta(days=2), cost="3")])
    span = SpendFilter(datetime(2026, 11, 14, 23, tzinfo=UTC), datetime(2026, 11, 17, 23, tzinfo=UTC))
    assert daily(workspace, span) == [
        (date(2026, 11, 15), Decimal(0)),
        (date(2026, 11, 16), Decimal(3)),
        (date(2026, 11, 17), Decimal(0)),
    ]


def test_the_month_is_what_is_spent_and_the_forecast_of_the_rest(workspace, stored):
    days(stored, ["10"] * 60)
    stored([entry(timestamp=NOW - timedelta(hours=1), cost="4")])
    found = workspace_outlook(workspace, NOW)
    assert (found.first, found.last) == (date(2026, 11, 1), date(2026, 11, 30))
    assert (found.before_today, found.spent_today, found.spent) == (170, 4, 174)
    assert found.total.mid == 300 and found.rate == 300
    assert found.coming.daily[0][0] == NOW.date() and found.coming.daily[-1][0] == date(2026, 11, 30)


def test_too_little_data_still_tells_what_is_spent(workspace, stored):
    days(stored, ["10"] * 5)
    found = workspace_outlook(workspace, NOW)
    assert found.total is None and found.spent == 50


def test_a_history_can_be_that_of_a_part_of_the_spend(workspace, stored):
    days(stored, ["10"] * 20)
    past = history(workspace, NOW.date(), {"agent": ("triage",)})
    assert sum(amount for _, amount in past) == 100
    assert len(past) == 91 and past[-1][0] == date(2026, 11, 17)


def test_on_the_first_day_all_of_the_month_is_forecast():
    first = date(2026, 11, 1)
    past = [(first - timedelta(days=n), Decimal(10)) for n in range(60, 0, -1)]
    found = month_outlook(past, Decimal(2), first)
    assert found.before_today == 0 and found.rate is None and found.total.mid == 300
