"""The score of the forecasts is that of the formula, over the last three months that are over and were forecast."""

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from costwatch.accounts.models import Workspace
from costwatch.forecasts.accuracy import LEAST, accuracy
from costwatch.forecasts.models import IssuedForecast
from costwatch.ledger.fold import fold_all
from costwatch.ledger.record import record
from tests.ledger.make import entry

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
NOW = datetime(2026, 11, 5, 12, tzinfo=UTC)
MONTHS = [date(2026, month, 1) for month in (7, 8, 9, 10, 11)]


def issued(workspace, month, day, mid, low=None, high=None, rate=None):
    return IssuedForecast.objects.create(
        workspace=workspace, month=month, day=month.replace(day=day), issued_at=NOW, spent=0, mid=mid,
        low=mid if low is None else low, high=mid if high is None else high, run_rate=rate, method="weekday",
    )  # fmt: skip


def spend(workspace, *costs):
    """One call in the middle of each month from July on, None: none."""
    record(workspace.lane, [
        entry(timestamp=datetime(2026, 7 + n, 15, 12, tzinfo=UTC), cost=cost)
        for n, cost in enumerate(costs) if cost is not None
    ])  # fmt: skip
    fold_all()


def check(found, rows, actual):
    """A score against the formula, over the rows that have a run-rate."""
    counted = [row for row in rows if row.run_rate is not None]
    total = sum(actual[row.month] for row in counted)
    assert found.days == len(counted)
    assert found.error == sum(abs(row.mid - actual[row.month]) for row in counted) / total
    assert found.naive == sum(abs(row.run_rate - actual[row.month]) for row in counted) / total
    assert found.in_band == Decimal(sum(row.low <= actual[row.month] <= row.high for row in counted)) / len(counted)


@pytest.mark.parametrize("seed", range(4))
def test_the_score_is_that_of_the_formula_in_all_and_by_part_of_the_month(workspace, seed):
    dice = random.Random(seed)
    actual = {month: Decimal(dice.randrange(50, 900)) for month in MONTHS}
    spend(workspace, *map(str, actual.values()))
    rows = []
    for month in MONTHS[:4]:
        for day in sorted(dice.sample(range(1, 31), dice.randrange(LEAST, 29))):
            mid = Decimal(dice.randrange(100, 900))
            rate = None if day == 1 else Decimal(dice.randrange(1, 2_000))
            rows.append(issued(workspace, month, day, mid, mid / 2, mid * 2, rate))
    counted = [row for row in rows if row.month != MONTHS[0]]  # July is more than three months ago
    found = accuracy(workspace, NOW)
    assert (found.first, found.last) == (MONTHS[1], MONTHS[3])
    check(found.whole, counted, actual)
    parts = {"first ten days": range(1, 11), "middle ten days": range(11, 21), "last days": range(21, 32)}
    assert [name for name, _ in found.stages] == [
        name for name, days in parts.items()
        if any(row.day.day in days and row.run_rate is not None for row in counted)
    ]  # fmt: skip
    for name, score in found.stages:
        check(score, [row for row in counted if row.day.day in parts[name]], actual)
    assert sum(score.days for _, score in found.stages) == found.whole.days


@pytest.mark.parametrize(("days", "told"), [(LEAST - 1, False), (LEAST, True)])
def test_a_month_that_was_forecast_on_a_few_days_says_nothing(workspace, days, told):
    spend(workspace, None, None, "100", "100")
    for day in range(2, 2 + days):
        issued(workspace, MONTHS[3], day, Decimal(110), rate=Decimal(90))
    found = accuracy(workspace, NOW)
    assert (found is not None) is told


def test_a_month_in_which_nothing_was_spent_is_a_miss_of_all_that_was_forecast(workspace):
    spend(workspace, None, None, "100", None)
    for month, mid in ((MONTHS[2], 100), (MONTHS[3], 40)):
        for day in range(2, 8):
            issued(workspace, month, day, Decimal(mid), rate=Decimal(100))
    found = accuracy(workspace, NOW)
    assert (found.first, found.last, found.whole.days) == (MONTHS[2], MONTHS[3], 12)
    assert found.whole.error == Decimal("0.4")  # nothing in September, 40 of 100 in October
    assert found.whole.naive == 1
    assert found.whole.in_band == Decimal("0.5")
    assert [name for name, _ in found.stages] == ["first ten days"]


def test_a_part_of_the_month_that_only_a_month_without_spend_was_forecast_in_has_no_share_to_tell(workspace):
    spend(workspace, None, None, "100", None)
    for day in range(2, 8):
        issued(workspace, MONTHS[2], day, Decimal(100), rate=Decimal(100))
        issued(workspace, MONTHS[3], day + 20, Decimal(40), rate=Decimal(100))
    found = accuracy(workspace, NOW)
    assert [name for name, _ in found.stages] == ["first ten days"]
    assert found.whole.error == Decimal("0.4")


def test_without_any_spend_in_the_months_nothing_can_be_said(workspace):
    for day in range(2, 20):
        issued(workspace, MONTHS[3], day, Decimal(40), rate=Decimal(1))
    assert accuracy(workspace, NOW) is None


def test_months_are_those_of_the_zone(workspace):
    Workspace.objects.filter(pk=workspace.pk).update(time_zone="America/New_York")
    workspace.refresh_from_db()
    late = datetime(2026, 11, 1, 3, 59, tzinfo=UTC)  # the last minute of October there
    record(workspace.lane, [entry(timestamp=late, cost="7"), entry(timestamp=late + timedelta(minutes=2), cost="90")])
    for day in range(2, 12):
        issued(workspace, MONTHS[3], day, Decimal(7), rate=Decimal(14))
    found = accuracy(workspace, NOW)
    assert (found.whole.error, found.whole.naive, found.whole.in_band) == (0, 1, 1)
    assert accuracy(workspace, late) is None  # October is not over


def test_forecasts_of_other_workspaces_are_theirs(workspace):
    spend(workspace, None, None, None, "100")
    other = Workspace.objects.create(name="Other", time_zone="Europe/Berlin")
    for day in range(2, 12):
        issued(other, MONTHS[3], day, Decimal(1), rate=Decimal(1))
    assert accuracy(workspace, NOW) is None
    assert accuracy(other, NOW) is None
