"""A month's outlook keeps its promises whatever was spent: order, sums, and when an amount is reached."""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costwatch.accounts.models import Workspace
from costwatch.ledger.fold import fold_all
from costwatch.ledger.record import record
from costwatch.spend.filters import SpendFilter
from costwatch.spend.outlooks import daily, month_outlook, workspace_outlook
from tests.ledger.make import entry

pytestmark = pytest.mark.thorough
DAY = timedelta(days=1)
money = st.decimals(0, 500, places=12)


@st.composite
def months(draw):
    """Some whole days before a day, and what it has cost so far."""
    today = draw(st.dates(date(2024, 1, 1), date(2027, 12, 31)))
    amounts = draw(st.lists(st.one_of(money, st.just(Decimal(0))), min_size=31, max_size=91))
    past = [(today - DAY * n, amount) for n, amount in zip(range(len(amounts), 0, -1), amounts, strict=True)]
    return past, draw(money), today


@given(months())
def test_what_is_spent_is_what_the_days_of_the_month_cost_to_the_last_digit(given_month):
    past, so_far, today = given_month
    found = month_outlook(past, so_far, today)
    assert (found.first, found.last) == (
        today.replace(day=1),
        today.replace(day=monthrange(today.year, today.month)[1]),
    )
    assert found.before_today == sum(
        amount for day, amount in past if (day.year, day.month) == (today.year, today.month)
    )
    assert found.spent == found.before_today + so_far
    if today.day > 1:
        assert abs(found.rate - found.before_today / (today.day - 1) * found.last.day) <= Decimal("0.005")
    else:
        assert found.rate is None


@given(months())
def test_the_total_is_never_below_what_is_spent_and_lies_in_its_band(given_month):
    found = month_outlook(*given_month)
    if found.total is None:
        assert found.running == [] and found.reached_on(found.spent + 1) is None
        return
    cent = Decimal("0.01")
    assert found.spent - cent <= found.total.low <= found.total.mid <= found.total.high
    days = [day for day, _ in found.running]
    assert days == [found.today + DAY * n for n in range((found.last - found.today).days + 1)]
    sums = [amount for _, amount in found.running]
    assert sums == sorted(sums) and sums[0] >= found.spent
    assert abs(sums[-1] - found.total.mid) <= cent


@given(months(), st.decimals(0, 20_000, places=2))
def test_an_amount_is_reached_on_the_first_day_by_which_the_month_has_cost_it(given_month, amount):
    found = month_outlook(*given_month)
    day = found.reached_on(amount)
    if amount <= found.spent or not found.running or found.running[-1][1] < amount:
        assert day is None
    else:
        assert dict(found.running)[day] >= amount
        assert all(running < amount for before, running in found.running if before < day)


@pytest.mark.django_db
@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"])
def test_days_and_months_are_those_of_the_zone_also_when_its_clocks_change(zone):
    workspace = Workspace.objects.create(name="W", time_zone=zone)
    start = datetime(2026, 9, 20, 0, 5, tzinfo=UTC)
    entries = [entry(timestamp=start + timedelta(minutes=97 * n), cost=str(1 + n % 7)) for n in range(700)]
    record(workspace.lane, entries[:400])
    fold_all()
    record(workspace.lane, entries[400:])
    tz = ZoneInfo(zone)
    costs = {}
    for e in entries:
        day = e.timestamp.astimezone(tz).date()
        costs[day] = costs.get(day, Decimal(0)) + e.cost
    span = SpendFilter(datetime(2026, 9, 25, tzinfo=tz), datetime(2026, 11, 4, tzinfo=tz))
    assert daily(workspace, span) == [
        (date(2026, 9, 25) + DAY * n, costs[date(2026, 9, 25) + DAY * n]) for n in range(40)
    ]
    now = datetime(2026, 10, 18, 9, tzinfo=UTC)
    today = now.astimezone(tz).date()
    found = workspace_outlook(workspace, now)
    assert found.today == today
    assert found.before_today == sum(cost for day, cost in costs.items() if today.replace(day=1) <= day < today)
    assert found.spent_today == costs[today]
