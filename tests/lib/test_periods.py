"""Calendar periods: every instant in exactly one of them, in every zone, over every DST change."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from costwatch.lib import periods
from costwatch.lib.periods import Period, buckets, midnight, period, previous, zone

BERLIN, NEW_YORK, KATHMANDU = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York"), ZoneInfo("Asia/Kathmandu")
HARD_ZONES = (
    "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe",
    "Australia/Adelaide", "Pacific/Chatham", "America/St_Johns", "Africa/Cairo", "Asia/Beirut", "America/Havana",
    "America/Nuuk", "Atlantic/Azores", "Asia/Almaty", "Pacific/Kiritimati", "Pacific/Pago_Pago", "America/Asuncion",
    "Africa/Casablanca", "America/Santiago", "Antarctica/Troll",
)  # fmt: skip
some_zone = st.sampled_from(HARD_ZONES).map(ZoneInfo)
instants = st.datetimes(datetime(2024, 1, 1), datetime(2030, 12, 31), timezones=st.just(UTC))
kinds = st.sampled_from(periods.KINDS)
week_starts = st.sampled_from([1, 6, 7])


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "start", "end"),
    [
        ("15m", "2026-11-18T13:30", "2026-11-18T13:45"),
        ("hour", "2026-11-18T13:00", "2026-11-18T14:00"),
        ("day", "2026-11-17T23:00", "2026-11-18T23:00"),
        ("week", "2026-11-15T23:00", "2026-11-22T23:00"),
        ("month", "2026-10-31T23:00", "2026-11-30T23:00"),
        ("quarter", "2026-09-30T22:00", "2026-12-31T23:00"),
        ("year", "2025-12-31T23:00", "2026-12-31T23:00"),
    ],
)
def test_each_kind_of_period_begins_and_ends_in_the_zone(kind, start, end):
    assert period(kind, utc("2026-11-18T13:32:07"), BERLIN) == Period(utc(start), utc(end))


def test_the_day_of_a_dst_change_has_23_or_25_hours():
    spring, autumn = period("day", utc("2026-03-29T12:00"), BERLIN), period("day", utc("2026-10-25T12:00"), BERLIN)
    assert spring.end - spring.start == timedelta(hours=23)
    assert autumn.end - autumn.start == timedelta(hours=25)


def test_a_day_begins_at_one_o_clock_where_dst_skips_midnight():
    cairo = ZoneInfo("Africa/Cairo")
    start = midnight(date(2026, 4, 24), cairo)
    assert start.astimezone(cairo).isoformat() == "2026-04-24T01:00:00+03:00"
    assert (start - timedelta(microseconds=1)).astimezone(cairo).date() == date(2026, 4, 23)


def test_a_day_begins_at_the_first_of_two_midnights():
    havana = ZoneInfo("America/Havana")
    day = period("day", utc("2026-11-01T12:00"), havana)
    assert day.start == utc("2026-11-01T04:00")
    assert day.end - day.start == timedelta(hours=25)


def test_november_in_utc_is_still_october_in_new_york():
    assert period("month", utc("2026-11-01T03:30"), NEW_YORK).end == utc("2026-11-01T04:00")


@pytest.mark.parametrize(("week_start", "first"), [(1, "2026-11-16"), (6, "2026-11-14"), (7, "2026-11-15")])
def test_a_week_begins_on_the_chosen_day(week_start, first):
    assert period("week", utc("2026-11-18T12:00"), ZoneInfo("UTC"), week_start).start == utc(first)


def test_the_week_of_a_sunday_that_begins_weeks_begins_that_day():
    assert period("week", utc("2026-11-15T12:00"), ZoneInfo("UTC"), 7).start == utc("2026-11-15")


def test_hours_and_days_of_a_45_minute_zone_begin_at_quarter_hours():
    assert period("hour", utc("2026-11-18T13:32"), KATHMANDU).start == utc("2026-11-18T13:15")
    assert period("day", utc("2026-11-18T13:32"), KATHMANDU).start == utc("2026-11-17T18:15")


def test_the_hour_that_comes_twice_makes_two_buckets():
    hours = buckets(utc("2026-10-25T00:00"), utc("2026-10-25T02:00"), "hour", BERLIN)
    assert [h.start.astimezone(BERLIN).isoformat() for h in hours] == [
        "2026-10-25T02:00:00+02:00",
        "2026-10-25T02:00:00+01:00",
    ]


def test_the_month_before_march_is_february_and_before_january_december():
    march = period("month", utc("2028-03-31T12:00"), BERLIN)
    assert previous(march, "month", BERLIN) == Period(utc("2028-01-31T23:00"), utc("2028-02-29T23:00"))
    assert previous(period("month", utc("2026-01-15T12:00"), BERLIN), "month", BERLIN).start == utc("2025-11-30T23:00")


def test_buckets_at_the_edges_are_whole_although_the_range_is_not():
    days = buckets(utc("2026-11-01T12:00"), utc("2026-11-03T00:00:00.000001"), "day", ZoneInfo("UTC"))
    assert [d.start.day for d in days] == [1, 2, 3]


def test_an_empty_range_has_no_buckets():
    assert buckets(utc("2026-11-01"), utc("2026-11-01"), "day", BERLIN) == []


@given(instants, some_zone, kinds, week_starts)
def test_every_instant_lies_in_its_own_period(now, tz, kind, week_start):
    assert now in period(kind, now, tz, week_start)


@given(instants, some_zone, st.sampled_from(["day", "week", "month", "quarter", "year"]), week_starts)
def test_the_previous_period_ends_where_this_one_begins(now, tz, kind, week_start):
    this = period(kind, now, tz, week_start)
    assert previous(this, kind, tz, week_start).end == this.start


@given(instants, st.timedeltas(timedelta(0), timedelta(days=40)), some_zone, kinds, week_starts)
@settings(max_examples=300, deadline=None)
def test_buckets_cover_a_range_without_gap_or_overlap(start, length, tz, kind, week_start):
    end = start + length
    found = buckets(start, end, kind, tz, week_start)
    if start == end:
        assert found == []
        return
    assert found[0].start <= start and found[-1].end >= end
    assert found[0].end > start and found[-1].start < end
    assert all(a.end == b.start for a, b in pairwise(found))
    assert all(p.start < p.end for p in found)
    assert all(p.start.timestamp() % 900 == 0 for p in found)


@pytest.mark.parametrize("name", HARD_ZONES)
@pytest.mark.parametrize("kind", ["day", "week", "month", "quarter", "year"])
def test_the_periods_from_2024_to_2030_add_up_to_all_of_the_time(name, kind):
    tz = ZoneInfo(name)
    start, end = midnight(date(2024, 1, 1), tz), midnight(date(2031, 1, 1), tz)
    found = buckets(start, end, kind, tz)
    inside = [min(p.end, end) - max(p.start, start) for p in found]
    assert sum(inside, timedelta()) == end - start
    expected = {"day": 2557, "week": 366, "month": 84, "quarter": 28, "year": 7}
    assert len(found) == expected[kind]


@given(instants, some_zone)
@settings(max_examples=300)
def test_a_day_holds_exactly_the_instants_of_its_date(now, tz):
    day = periods.local_day(now, tz)
    inside = Period(midnight(day, tz), midnight(day + timedelta(days=1), tz))
    assert now in inside


@given(instants)
def test_quarter_hours_are_rounded_down_and_up_around_an_instant(now):
    assert periods.floor(now) <= now <= periods.ceiling(now)
    assert periods.ceiling(now) - periods.floor(now) in (timedelta(0), periods.QUARTER_HOUR)


@pytest.mark.django_db
@pytest.mark.parametrize("name", HARD_ZONES)
def test_postgresql_puts_instants_on_the_same_local_day(name):
    """The daily rollups are cut by PostgreSQL's copy of the zone rules, the ranges of a query by Python's."""
    tz = ZoneInfo(name)
    days = [d.start for d in buckets(utc("2024-01-01"), utc("2029-01-01"), "day", tz)]
    edges = [edge + shift for edge in days for shift in (timedelta(0), timedelta(microseconds=-1))]
    with connection.cursor() as cursor:
        cursor.execute("SELECT (i AT TIME ZONE %s)::date FROM unnest(%s::timestamptz[]) i", [name, edges])
        assert [day for (day,) in cursor.fetchall()] == [periods.local_day(edge, tz) for edge in edges]


@pytest.mark.parametrize(
    "name", ["/etc/localtime", "../UTC", "Europe/Nowhere", "", "A/" * 5000, "\0", "localtime", "utc+1"]
)
def test_a_name_that_is_no_iana_zone_is_refused_in_a_short_sentence(name):
    with pytest.raises(ValueError, match="is not an IANA time zone") as refusal:
        zone(name)
    assert len(str(refusal.value)) < 400


def test_links_to_zones_are_zones_too():
    assert zone("Asia/Calcutta").key == "Asia/Calcutta"
    assert zone("UTC").key == "UTC"


def test_a_kind_of_period_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="fortnight"):
        period("fortnight", utc("2026-01-01"), BERLIN)
