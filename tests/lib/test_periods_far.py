"""Periods where calendars are awkward: quarters and years, the ends of Python's calendar, zones that changed."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from costwatch.lib import periods

pytestmark = pytest.mark.thorough
BERLIN, APIA, KATHMANDU = ZoneInfo("Europe/Berlin"), ZoneInfo("Pacific/Apia"), ZoneInfo("Asia/Kathmandu")
LORD_HOWE, CHATHAM, KIRITIMATI = (
    ZoneInfo("Australia/Lord_Howe"),
    ZoneInfo("Pacific/Chatham"),
    ZoneInfo("Pacific/Kiritimati"),
)


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("month", "first", "after"),
    [(1, (2026, 1), (2026, 4)), (3, (2026, 1), (2026, 4)), (4, (2026, 4), (2026, 7)), (6, (2026, 4), (2026, 7)),
     (7, (2026, 7), (2026, 10)), (9, (2026, 7), (2026, 10)), (10, (2026, 10), (2027, 1)), (12, (2026, 10), (2027, 1))],
)  # fmt: skip
def test_a_quarter_has_three_months_and_the_last_ends_with_the_year(month, first, after):
    found = periods.period("quarter", at(2026, month, 15, 12), ZoneInfo("UTC"))
    assert (found.start, found.end) == (at(*first, 1), at(*after, 1))


@pytest.mark.parametrize("year", [1999, 2000, 2024, 2026, 2028, 2100])
def test_a_year_is_as_long_as_its_days(year):
    found = periods.period("year", at(year, 6, 1), ZoneInfo("UTC"))
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    assert (found.end - found.start).days == (366 if is_leap else 365)


def test_the_last_instant_of_a_period_is_in_it_and_its_end_is_not():
    found = periods.period("month", at(2026, 11, 18), BERLIN)
    assert found.start in found and found.end - timedelta(microseconds=1) in found
    assert found.end not in found and found.start - timedelta(microseconds=1) not in found


def test_a_day_that_a_country_left_out_holds_no_time():
    """Samoa went from Thursday 29 to Saturday 31 December 2011."""
    assert periods.midnight(date(2011, 12, 30), APIA) == periods.midnight(date(2011, 12, 31), APIA)
    after = periods.buckets(at(2011, 12, 29, 12), at(2012, 1, 1), "day", APIA)
    assert [periods.local_day(found.start, APIA).day for found in after if found.end > found.start] == [29, 31, 1]
    for one, following in pairwise(after):
        assert one.end == following.start


@pytest.mark.parametrize(
    ("tz", "day", "hours"),
    [
        (BERLIN, date(2026, 3, 29), 23), (BERLIN, date(2026, 10, 25), 25), (BERLIN, date(2026, 6, 1), 24),
        (LORD_HOWE, date(2026, 10, 4), 23.5), (LORD_HOWE, date(2026, 4, 5), 24.5), (CHATHAM, date(2026, 9, 27), 23),
        (KATHMANDU, date(2026, 3, 29), 24), (KIRITIMATI, date(2026, 3, 29), 24),
    ],
)  # fmt: skip
def test_the_hours_of_a_day_fill_it_to_the_second(tz, day, hours):
    whole = periods.Period(periods.midnight(day, tz), periods.midnight(day + timedelta(days=1), tz))
    assert (whole.end - whole.start) == timedelta(hours=hours)
    found = periods.buckets(whole.start, whole.end, "hour", tz)
    assert (found[0].start, found[-1].end) == (whole.start, whole.end)
    assert sum((hour.end - hour.start for hour in found), timedelta()) == timedelta(hours=hours)
    assert all(periods.QUARTER_HOUR <= hour.end - hour.start <= periods.HOUR for hour in found)


@pytest.mark.parametrize(("instant", "lower", "upper"), [
    (at(2026, 1, 1, 0, 0), at(2026, 1, 1, 0, 0), at(2026, 1, 1, 0, 0)),
    (at(2026, 1, 1, 0, 0, 0, 1), at(2026, 1, 1, 0, 0), at(2026, 1, 1, 0, 15)),
    (at(2026, 1, 1, 0, 14, 59, 999_999), at(2026, 1, 1, 0, 0), at(2026, 1, 1, 0, 15)),
    (at(2026, 12, 31, 23, 59), at(2026, 12, 31, 23, 45), at(2027, 1, 1)),
    (datetime(2026, 1, 1, 5, 50, tzinfo=KATHMANDU), at(2026, 1, 1, 0, 0), at(2026, 1, 1, 0, 15)),
])  # fmt: skip
def test_quarter_hours_are_those_of_utc_in_any_zone(instant, lower, upper):
    assert (periods.floor(instant), periods.ceiling(instant)) == (lower, upper)
    assert periods.period("15m", instant, CHATHAM) == periods.Period(lower, lower + timedelta(minutes=15))


@pytest.mark.parametrize("kind", ["hour", "day", "week", "month", "quarter", "year"])
def test_the_period_before_ends_where_it_begins_over_every_change_of_the_clocks(kind):
    for tz in (BERLIN, LORD_HOWE, CHATHAM, KATHMANDU):
        here = periods.period(kind, at(2026, 10, 26, 12), tz, 7)
        for _ in range(60 if kind == "hour" else 12):
            before = periods.previous(here, kind, tz, 7)
            assert before.end == here.start and before.start < before.end
            assert periods.period(kind, before.start, tz, 7) == before
            here = before


@pytest.mark.parametrize(
    "name", ["", "/etc/passwd", "../../etc/passwd", "Europe/berlin", "Berlin", "UTC+1", "\0", "x" * 10_000]
)
def test_no_text_reaches_the_file_system_as_a_zone(name):
    with pytest.raises(ValueError, match="is not an IANA time zone") as refused:
        periods.zone(name)
    assert len(str(refused.value)) < 200
