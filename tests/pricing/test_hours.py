"""Prices by the hour of the day: windows, weekdays, holidays, zones; and prices over the years."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costwatch.pricing.calculate import PriceAt
from costwatch.pricing.schedules import Schedule
from costwatch.pricing.specs import ScheduleSpec, Version
from costwatch.pricing.timeline import Timeline
from costwatch.pricing.usage import CostSource
from tests.pricing.small import book_of, call, said

pytestmark = pytest.mark.thorough
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))


def active(moment: str, zone="UTC", windows=(("09:00", "17:00"),), **more) -> bool:
    return Schedule(ScheduleSpec("s", zone, tuple(windows), **more)).active(datetime.fromisoformat(moment))


@pytest.mark.parametrize(
    ("clock", "inside"),
    [("08:59:59.999999", False), ("09:00:00", True), ("16:59:59.999999", True), ("17:00:00", False)],
)
def test_a_window_begins_with_its_first_minute_and_ends_before_its_last(clock, inside):
    assert active(f"2026-11-18T{clock}+00:00") is inside


@pytest.mark.parametrize(
    ("clock", "inside"),
    [("21:59", False), ("22:00", True), ("23:59", True), ("00:00", True), ("05:59", True), ("06:00", False)],
)
def test_a_window_may_go_over_midnight(clock, inside):
    assert active(f"2026-11-18T{clock}:00+00:00", windows=[("22:00", "06:00")]) is inside


def test_a_window_that_ends_where_it_begins_is_never():
    assert not any(active(f"2026-11-18T{hour:02}:00:00+00:00", windows=[("09:00", "09:00")]) for hour in range(24))


@pytest.mark.parametrize(
    ("moment", "zone", "inside"),
    [
        ("2026-11-18T03:15:00+00:00", "Asia/Kathmandu", True),  # 09:00 at +05:45
        ("2026-11-18T03:14:59+00:00", "Asia/Kathmandu", False),
        ("2026-11-18T03:30:00+00:00", "Asia/Kolkata", True),
        ("2026-03-28T08:00:00+00:00", "Europe/Berlin", True),  # 09:00 in winter
        ("2026-03-30T07:00:00+00:00", "Europe/Berlin", True),  # 09:00 in summer
        ("2026-03-28T07:00:00+00:00", "Europe/Berlin", False),
        ("2026-11-18T09:00:00+09:00", "UTC", False),  # the offset of the call is not the zone of the schedule
    ],
)
def test_hours_are_those_of_the_zone_on_that_day(moment, zone, inside):
    assert active(moment, zone) is inside


@pytest.mark.parametrize(
    ("moment", "inside"),
    [
        ("2026-11-20T15:59:00+00:00", True),  # Friday 23:59 in Shanghai
        ("2026-11-20T16:00:00+00:00", False),  # Saturday there, Friday in UTC
        ("2026-11-22T15:59:00+00:00", False),
        ("2026-11-22T16:00:00+00:00", True),  # Monday there
        ("2026-10-01T04:00:00+00:00", False),  # a Thursday, and a holiday
        ("2026-09-30T16:00:00+00:00", False),  # the holiday has begun there
        ("2026-09-30T15:59:59+00:00", True),
    ],
)
def test_weekdays_and_holidays_are_local_days(moment, inside):
    days = {"weekdays": (0, 1, 2, 3, 4), "holidays": frozenset({"2026-10-01"})}
    assert active(moment, "Asia/Shanghai", [("00:00", "12:00"), ("12:00", "00:00")], **days) is inside


@given(MOMENTS, st.sampled_from(["UTC", "Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe"]),
       st.integers(0, 1439), st.integers(0, 1439))  # fmt: skip
def test_a_window_and_the_rest_of_the_day_make_the_day(moment, zone, first, last):
    a, b = (f"{minute // 60:02}:{minute % 60:02}" for minute in (first, last))
    inside, outside = (
        Schedule(ScheduleSpec("s", zone, (window,))).active(moment) for window in ((a, b), (b, a))
    )  # fmt: skip
    assert inside + outside == (a != b)
    local = moment.astimezone(ZoneInfo(zone))
    if first < last:
        minute = local.hour * 60 + local.minute
        assert inside == (first <= minute < last)


NIGHT = ScheduleSpec("night", "UTC", (("22:00", "06:00"),))
NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)


def test_in_its_hours_a_line_has_their_prices_and_outside_the_common_ones():
    book = book_of({("acme", "m"): {"input": 4}, ("acme", "m", "", "standard", "night"): {"input": 1}},
                   schedules=[NIGHT])  # fmt: skip
    costs = [book.price(call(10**6, 0, timestamp=NOON + timedelta(hours=h))).cost for h in (0, 9, 10, 17, 18)]
    assert costs == [4, 4, 1, 1, 4]


def test_hours_hold_for_the_dates_and_the_tier_that_they_are_stated_for():
    lines = {
        ("acme", "m"): {"input": 4},
        ("acme", "m", "", "batch"): {"input": 2},
        ("acme", "m", "", "standard", "night"): [Version(NOON, NOON + timedelta(days=30), said(input=1))],
    }
    book = book_of(lines, schedules=[NIGHT])
    at = [NOON + timedelta(hours=12, days=days) for days in (-1, 0, 29, 30)]
    assert [book.price(call(10**6, 0, timestamp=moment)).cost for moment in at] == [4, 1, 1, 4]
    assert {book.price(call(10**6, 0, timestamp=moment, batch=True)).cost for moment in at} == {2}


def test_of_two_sets_of_hours_each_has_its_prices():
    lunch = ScheduleSpec("lunch", "UTC", (("12:00", "13:00"),))
    lines = {("acme", "m"): {"input": 4}, ("acme", "m", "", "standard", "night"): {"input": 1},
             ("acme", "m", "", "standard", "lunch"): {"input": 9}}  # fmt: skip
    book = book_of(lines, schedules=[NIGHT, lunch])
    costs = [book.price(call(10**6, 0, timestamp=NOON + timedelta(hours=h))).cost for h in (0, 1, 10)]
    assert costs == [9, 4, 1]


@st.composite
def histories(draw):
    """Prices of one model over the years, with gaps: [(start, end, USD)]."""
    bounds = sorted(draw(st.lists(MOMENTS, min_size=2, max_size=8, unique=True)))
    starts = [None, *bounds] if draw(st.booleans()) else list(bounds)
    ends = [*starts[1:], None]
    spans = [(a, b, price + 1) for price, (a, b) in enumerate(zip(starts, ends, strict=True))]
    gone = draw(st.sets(st.integers(0, len(spans) - 1), max_size=len(spans) - 1))
    return [span for i, span in enumerate(spans) if i not in gone]


@settings(max_examples=150)
@given(histories(), st.lists(MOMENTS, max_size=5), st.randoms())
def test_at_every_moment_the_price_whose_dates_are_around_it_holds_and_none_in_a_gap(spans, moments, chance):
    versions = [Version(start, end, said(input=usd)) for start, end, usd in spans]
    chance.shuffle(versions)
    book = book_of({("acme", "m"): versions})
    edges = [moment for start, end, _ in spans for moment in (start, end) if moment]
    for moment in (*moments, *edges, *(edge - timedelta(microseconds=1) for edge in edges)):
        around = [usd for a, b, usd in spans if (a is None or a <= moment) and (b is None or moment < b)]
        priced = book.price(call(10**6, 0, timestamp=moment))
        assert [priced.cost] == (around or [None])
        assert (priced.source is CostSource.UNPRICED) == (not around)


@settings(max_examples=100)
@given(histories(), MOMENTS, st.integers(0, 1000))
def test_a_history_cut_to_some_days_says_the_same_within_them_and_nothing_outside(spans, start, days):
    end = start + timedelta(days=days)
    whole = Timeline([(a, b, PriceAt(usd, said(input=usd))) for a, b, usd in spans])
    cut = Timeline(whole.within(start, end))
    for moment in (start, start + (end - start) / 2, end - timedelta(microseconds=1)):
        if start <= moment < end:
            assert cut.at(moment) is whole.at(moment)
    assert cut.at(start - timedelta(microseconds=1)) is None and cut.at(end) is None
