"""What is usual: medians by hour of the week, drawn towards the hour of the day; bursts; DST; too little history."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from costwatch.anomalies.state import SENSITIVITIES
from costwatch.anomalies.usual import profile

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 9, 7, tzinfo=BERLIN).astimezone(UTC)
HOUR, WEEK = timedelta(hours=1), timedelta(weeks=1)
NORMAL = SENSITIVITIES["normal"]


def hourly(weeks, amount, start=MONDAY):
    """amount(local time) for each hour."""
    moments = (start + n * HOUR for n in range(weeks * 168))
    return {at: Decimal(amount(at.astimezone(BERLIN))) for at in moments if amount(at.astimezone(BERLIN))}


def test_an_hour_is_measured_by_the_same_hour_of_the_week():
    amounts = hourly(6, lambda at: 9 if at.weekday() == 0 and at.hour == 9 else 1)
    known = profile(amounts, MONDAY + 6 * WEEK, BERLIN, "hour")
    assert known.at(MONDAY + 6 * WEEK + 9 * HOUR).mid == Decimal("5.8")  # (6 × 9 + 4 × 1) / 10
    assert known.at(MONDAY + 6 * WEEK + 10 * HOUR).mid == 1


def test_one_wild_week_moves_nothing():
    amounts = hourly(8, lambda at: 2)
    calm = profile(amounts, MONDAY + 8 * WEEK, BERLIN, "hour").at(MONDAY + 8 * WEEK)
    amounts |= {MONDAY + 3 * WEEK + n * HOUR: Decimal(500) for n in range(24)}
    assert profile(amounts, MONDAY + 8 * WEEK, BERLIN, "hour").at(MONDAY + 8 * WEEK) == calm


def test_hours_without_spend_count_as_zeros():
    amounts = hourly(8, lambda at: 4 if at.weekday() == 2 else 0)
    known = profile(amounts, MONDAY + 8 * WEEK, BERLIN, "hour")
    assert known.at(datetime(2026, 11, 2, 12, tzinfo=BERLIN).astimezone(UTC)).mid == 0
    assert known.at(datetime(2026, 11, 4, 12, tzinfo=BERLIN).astimezone(UTC)).mid > 2


def test_what_bursts_now_and_then_is_measured_by_its_bursts():
    amounts = hourly(8, lambda at: 1)
    for n, (day, hour) in enumerate([(3, 4), (11, 15), (25, 9), (40, 22)]):
        amounts[MONDAY + timedelta(days=day, hours=hour)] = Decimal(50 + n)
    bound = profile(amounts, MONDAY + 8 * WEEK, BERLIN, "hour").at(MONDAY + 8 * WEEK + 7 * HOUR).bound(NORMAL)
    assert 70 < bound < 80  # half as much again as what occurred on two days


def test_a_spike_at_night_is_unusual_for_what_is_as_dear_by_day():
    amounts = hourly(8, lambda at: 40 if 8 <= at.hour < 18 else 1)
    known = profile(amounts, MONDAY + 8 * WEEK, BERLIN, "hour")
    assert known.at(MONDAY + 8 * WEEK + 3 * HOUR).bound(NORMAL) < 5
    assert known.at(MONDAY + 8 * WEEK + 12 * HOUR).bound(NORMAL) >= 80


def test_a_higher_sensitivity_has_a_lower_bound():
    amounts = hourly(8, lambda at: 3 + at.day % 3)
    usual = profile(amounts, MONDAY + 8 * WEEK, BERLIN, "hour").at(MONDAY + 8 * WEEK)
    low, normal, high = (usual.bound(SENSITIVITIES[name]) for name in ("low", "normal", "high"))
    assert high < normal < low


@pytest.mark.parametrize(("bucket", "days"), [("hour", 14), ("day", 28)])
def test_too_little_history_says_nothing(bucket, days):
    start = MONDAY
    amounts = {start + timedelta(days=n): Decimal(1) for n in range(days)}
    assert profile(amounts, start + timedelta(days=days) - HOUR, BERLIN, bucket) is None
    assert profile(amounts, start + timedelta(days=days), BERLIN, bucket) is not None
    assert profile({}, start, BERLIN, bucket) is None


def test_the_hour_of_the_week_is_a_local_one_over_a_change_of_the_clocks():
    amounts = hourly(10, lambda at: 7 if at.hour == 9 else 1)  # the clocks go back on 25 October
    nine = datetime(2026, 11, 16, 9, tzinfo=BERLIN)
    known = profile(amounts, MONDAY + 10 * WEEK, BERLIN, "hour")
    assert known.at(nine.astimezone(UTC)).mid == 7
    assert known.at(nine.astimezone(UTC) + HOUR).mid == 1


def test_days_are_measured_by_their_weekday():
    days = [datetime(2026, 9, 7, tzinfo=BERLIN) + timedelta(days=n) for n in range(56)]
    amounts = {at.astimezone(UTC): Decimal(10 if at.weekday() < 5 else 2) for at in days}
    known = profile(amounts, datetime(2026, 11, 2, tzinfo=BERLIN).astimezone(UTC), BERLIN, "day")
    assert known.at(datetime(2026, 11, 2, tzinfo=BERLIN).astimezone(UTC)).mid == 10
    assert known.at(datetime(2026, 11, 7, tzinfo=BERLIN).astimezone(UTC)).mid == 2
