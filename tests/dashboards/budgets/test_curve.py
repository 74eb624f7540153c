"""The way of a budget through its period."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from costwatch.budgets.outlook import Outlook
from costwatch.dashboards.budgets import curve
from costwatch.dashboards.budgets.curve import MOST_POINTS, calendar, reached, rolling, thinned
from costwatch.lib import periods
from costwatch.lib.periods import Period

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 18, 13, 32, tzinfo=UTC)
NOVEMBER = periods.period("month", NOW, BERLIN)


def days(start: datetime, end: datetime, amount: str = "4") -> list[tuple[Period, Decimal]]:
    return [(day, Decimal(amount)) for day in periods.buckets(start, end, "day", BERLIN)]


def outlook(low: str, mid: str, high: str, a_day: str = "4") -> Outlook:
    coming = [(date(2026, 11, day), Decimal(a_day)) for day in range(18, 31)]
    return Outlook(Decimal(low), Decimal(mid), Decimal(high), None, NOW, coming)


def test_the_spent_part_ends_now_with_the_sum():
    line = calendar(days(NOVEMBER.start, NOW), NOVEMBER, None, NOW, BERLIN)
    assert line.spent[0] == (NOVEMBER.start, 0)
    assert line.spent[1] == (periods.midnight(date(2026, 11, 2), BERLIN), 4)
    assert line.spent[-1] == (NOW, 72)
    assert line.ahead == []


def test_the_forecast_leads_from_what_is_spent_to_its_middle():
    line = calendar(days(NOVEMBER.start, NOW), NOVEMBER, outlook("110", "120", "140"), NOW, BERLIN)
    assert (line.ahead[0].at, line.ahead[0].mid) == (NOW, 72)
    last = line.ahead[-1]
    assert (last.at, last.low, last.mid, last.high) == (NOVEMBER.end, 110, 120, 140)
    assert [one.mid for one in line.ahead] == sorted(one.mid for one in line.ahead)
    assert all(one.low <= one.mid <= one.high for one in line.ahead)


def test_what_is_reached_at_midnight_is_reached_the_day_before():
    line = calendar(days(NOVEMBER.start, NOW), NOVEMBER, outlook("110", "120", "140"), NOW, BERLIN)
    at = line.expected(Decimal(100))
    assert at is not None
    assert periods.local_day(at, BERLIN) == date(2026, 11, 25)
    assert line.expected(Decimal(121)) is None
    assert line.expected(Decimal(72)) is None


def test_the_band_says_between_which_days():
    line = calendar(days(NOVEMBER.start, NOW), NOVEMBER, outlook("90", "120", "140"), NOW, BERLIN)
    earliest, latest = line.between(Decimal(100))
    assert latest is None
    assert earliest is not None
    assert earliest < line.expected(Decimal(100))  # type: ignore[operator]


def test_a_day_that_cost_more_than_thought_is_no_step_back():
    coming = outlook("80", "80", "80", a_day="0")
    line = calendar(days(NOVEMBER.start, NOW), NOVEMBER, coming, NOW, BERLIN)
    assert line.ahead[-1].mid == 80
    assert all(one.mid <= 80 for one in line.ahead)


def test_a_window_holds_its_last_hours():
    hours = periods.buckets(NOW - timedelta(hours=72), NOW, "hour", BERLIN)
    steps = [(hour, Decimal(1)) for hour in hours]
    line = rolling(steps, timedelta(hours=24), Decimal("23.5"), NOW)
    assert {amount for _, amount in line.spent[:-1]} == {24}
    assert line.spent[-1] == (NOW, Decimal("23.5"))
    assert line.spent[0][0] >= NOW - timedelta(hours=48)


@pytest.mark.parametrize("at", [datetime(2026, 10, 27, 12, tzinfo=UTC), datetime(2026, 3, 31, 12, tzinfo=UTC)])
def test_a_window_of_days_keeps_its_length_when_the_clocks_change(at):
    line = rolling(days(at - timedelta(days=30), at), timedelta(days=10), Decimal(40), at)
    assert {amount for _, amount in line.spent[1:]} == {40}


def test_a_window_in_which_nothing_was_spent():
    steps = days(NOW - timedelta(days=30), NOW, "0")
    assert {amount for _, amount in rolling(steps, timedelta(days=10), Decimal(0), NOW).spent} == {0}


def test_an_amount_is_reached_between_two_points():
    points = [(NOW, Decimal(0)), (NOW + timedelta(hours=4), Decimal(8))]
    assert reached(points, Decimal(2)) == NOW + timedelta(hours=1)
    assert reached(points, Decimal(9)) is None
    assert reached([], Decimal(1)) is None


@pytest.mark.parametrize("count", [1, MOST_POINTS, MOST_POINTS + 1, 366, 5_000])
def test_a_long_way_keeps_its_ends(count):
    points = [(NOW + timedelta(hours=n), Decimal(n)) for n in range(count)]
    kept = thinned(points)
    assert (kept[0], kept[-1]) == (points[0], points[-1])
    assert len(kept) <= curve.MOST_POINTS + 1
