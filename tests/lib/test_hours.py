"""Hours on a clock that is put forward or back: by an hour, by half of one, at any minute of the day."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from costwatch.lib.periods import buckets, midnight, period

pytestmark = pytest.mark.thorough
QUARTER = timedelta(minutes=15)


def hours(day: str, zone: str) -> list[tuple[str, int]]:
    """(what the clock shows where it begins, its minutes) of the hours of a local day."""
    tz, on = ZoneInfo(zone), date.fromisoformat(day)
    found = buckets(midnight(on, tz), midnight(on + timedelta(days=1), tz), "hour", tz)
    return [(f"{p.start.astimezone(tz):%H:%M}", int((p.end - p.start).total_seconds() // 60)) for p in found]


@pytest.mark.parametrize(
    ("day", "zone", "around"),
    [
        ("2026-10-04", "Australia/Lord_Howe", [("01:00", 60), ("02:30", 30), ("03:00", 60)]),
        ("2026-04-05", "Australia/Lord_Howe", [("01:00", 60), ("01:30", 30), ("02:00", 60)]),
        ("2026-03-29", "Europe/Berlin", [("01:00", 60), ("03:00", 60), ("04:00", 60)]),
        ("2026-10-25", "Europe/Berlin", [("02:00", 60), ("02:00", 60), ("03:00", 60)]),
        ("2026-11-18", "Asia/Kathmandu", [("01:00", 60), ("02:00", 60), ("03:00", 60)]),
    ],
)  # fmt: skip
def test_an_hour_is_what_the_clock_calls_one_and_a_change_ends_it(day, zone, around):
    found = hours(day, zone)
    begin = found.index(around[0])
    assert found[begin : begin + 3] == around
    assert found[0][0] == "00:00" and found[-1] == ("23:00", 60)


@pytest.mark.parametrize(
    "zone", ["Australia/Lord_Howe", "Europe/Berlin", "America/Havana", "Pacific/Chatham", "Africa/Cairo", "Asia/Beirut"]
)
def test_every_quarter_of_an_hour_of_two_years_lies_in_its_own_hour_and_they_follow_each_other(zone):
    """Around every change of the clocks, half a day to both sides."""
    tz = ZoneInfo(zone)
    at, changes = datetime(2025, 1, 1, tzinfo=UTC), []
    while at.year < 2027:
        if at.astimezone(tz).utcoffset() != (at + timedelta(hours=1)).astimezone(tz).utcoffset():
            changes.append(at)
        at += timedelta(hours=1)
    assert len(changes) == 4
    for change in changes:
        moments = [change + n * QUARTER for n in range(-48, 48)]
        found = [period("hour", moment, tz) for moment in moments]
        for moment, hour in zip(moments, found, strict=True):
            assert hour.start <= moment < hour.end
            assert hour.start.astimezone(tz).utcoffset() == (hour.end - QUARTER).astimezone(tz).utcoffset()
        for one, other in pairwise(dict.fromkeys(found)):
            assert one.end == other.start
        assert buckets(moments[0], moments[-1] + QUARTER, "hour", tz) == list(dict.fromkeys(found))
