"""What holds for every span of days, whatever the zone, the day and the time it is asked at."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from costwatch.dashboards import charts
from costwatch.dashboards.explore import comparing
from costwatch.dashboards.explore.comparing import CUSTOM, MONTH, PREVIOUS, WEEKS
from costwatch.dashboards.ranges import KINDS, Range, of_kind, range_of
from costwatch.lib import periods

pytestmark = pytest.mark.thorough

ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Chatham",
     "America/Sao_Paulo", "Africa/Cairo", "Pacific/Kiritimati", "Pacific/Marquesas", "Asia/Tehran"]
).map(ZoneInfo)  # fmt: skip
MOMENTS = st.datetimes(datetime(2015, 1, 10), datetime(2030, 12, 20), timezones=st.just(UTC))
DAY = timedelta(days=1)


@st.composite
def spans(draw, longest: int = 800) -> Range:
    """A span of any kind: current, past, of days of one's choice."""
    now, zone = draw(MOMENTS), draw(ZONES)
    today = periods.local_day(now, zone)
    on = today - timedelta(days=draw(st.integers(0, 900)))
    kind = draw(st.sampled_from([*KINDS, "custom"]))
    if kind != "custom":
        return of_kind(kind, on, now, zone)
    return Range(kind, on - timedelta(days=draw(st.integers(0, longest - 1))), on, now, zone)


@st.composite
def running(draw) -> Range:
    """A span that is not over."""
    now, zone = draw(MOMENTS), draw(ZONES)
    today = periods.local_day(now, zone)
    kind = draw(st.sampled_from([*KINDS, "custom"]))
    if kind != "custom":
        return of_kind(kind, today, now, zone)
    first = today - timedelta(days=draw(st.integers(0, 100)))
    return Range(kind, first, today + timedelta(days=draw(st.integers(0, 20))), now, zone)


@given(spans())
def test_a_span_reads_back_from_its_own_address(span):
    assert range_of(span.query(), span.now, span.zone) == span


@given(spans())
def test_a_span_is_all_of_its_local_days_and_nothing_else(span):
    first, last = span.start.astimezone(span.zone), (span.end - timedelta(microseconds=1)).astimezone(span.zone)
    assert (first.date(), last.date()) == (span.first, span.last)
    assert (span.start - timedelta(microseconds=1)).astimezone(span.zone).date() < span.first
    assert span.end.astimezone(span.zone).date() > span.last


@given(spans())
def test_the_neighbours_touch_it_or_end_today(span):
    before, after = span.previous(), span.next()
    assert before is not None and before.last + DAY == span.first
    if span.kind != "month":
        assert before.length == span.length
    if after is None:
        assert span.last >= span.today
    else:
        assert after.first == span.last + DAY or after.last == span.today
        assert after.last <= span.today
        assert after.first > span.first


@given(spans())
def test_going_back_and_forth_again_is_no_move_unless_today_is_reached(span):
    before = span.previous()
    assert before is not None
    again = before.next()
    assert again is not None
    assert again == span or again.last == span.today or (again.kind == "month" and again.first == span.first)


@given(spans() | running())
def test_the_same_weekdays_are_held_against_each_other_and_never_the_span_itself(span):
    then = span.compared()
    first = then.start.astimezone(span.zone).date()
    assert (span.first - first).days % 7 == 0
    assert first.weekday() == span.first.weekday()
    assert then.start < then.end
    assert then.end <= max(span.start, then.start + timedelta(microseconds=1))


@given(running())
def test_up_to_now_is_held_against_the_same_local_time_of_day(span):
    local_now = span.now.astimezone(span.zone)
    end = span.compared().end.astimezone(span.zone)
    assume(
        local_now.replace(tzinfo=None) - timedelta(hours=3) > datetime.combine(local_now.date(), datetime.min.time())
    )
    difference = (local_now.replace(tzinfo=None) - end.replace(tzinfo=None)) % DAY
    assert min(difference, DAY - difference) <= timedelta(hours=1), "an hour that the clocks skip may be in between"
    assert (local_now.date() - end.date()).days % 7 == 0


@given(spans() | running(), st.sampled_from([WEEKS, PREVIOUS, MONTH]))
def test_no_way_of_comparing_reaches_into_the_span_or_before_a_whole_span_earlier(span, way):
    then = comparing.compared(span, way)
    assert then is not None and then.start < then.end
    assert then.start < span.start
    if way == PREVIOUS:
        assert then.end <= span.start
    if way == MONTH and span.length <= 28:
        assert then.end <= span.end


@given(spans(), st.dates(date(2014, 1, 1), date(2030, 1, 1)), st.integers(0, 400))
def test_days_of_ones_choice_are_whole_days(span, first, more):
    then = comparing.compared(span, CUSTOM, (first, first + timedelta(days=more)))
    assert then is not None
    assert then.start.astimezone(span.zone).date() == first
    assert (then.end - timedelta(microseconds=1)).astimezone(span.zone).date() == first + timedelta(days=more)


@given(spans(), st.integers(1, 7))
def test_the_bars_cover_the_span_without_gap_or_overlap_and_have_names_of_their_own(span, week_start):
    places = charts.buckets_of(span, week_start)
    assert places.starts[0] <= span.start < (places.starts[1] if len(places.starts) > 1 else span.end)
    assert places.starts == sorted(set(places.starts))
    assert places.starts[-1] < span.end
    assert len(set(places.labels)) == len(places.labels) == len(places.days) == len(places.tick_labels)
    if span.bucket != "hour":
        told = [day.split("/") for day in places.days]
        assert (told[0][0], told[-1][1]) == (span.first.isoformat(), span.last.isoformat())
        for (_, end), (start, _) in pairwise(told):
            assert date.fromisoformat(end) + DAY == date.fromisoformat(start)


@given(spans() | running())
def test_exactly_the_bar_that_holds_now_is_not_over(span):
    places = charts.buckets_of(span, 1)
    ends = [*places.starts[1:], None]
    holding = [
        n
        for n, (start, end) in enumerate(zip(places.starts, ends, strict=True))
        if start <= span.now and (span.now < end if end else span.unfinished)
    ]
    assert [places.unfinished] == (holding or [None])


@given(spans() | running())
def test_words_below_the_bars_are_few_and_none_stands_twice(span):
    places = charts.buckets_of(span, 1)
    shown = charts.ticks(places, places.ticks)
    assert len(set(shown["tickvals"])) == len(shown["tickvals"])
    assert all(0 <= place < len(places.labels) for place in shown["tickvals"])
    assert len(shown["tickvals"]) == len(shown["ticktext"]) <= 10
    assert set(places.narrow_ticks) <= set(places.ticks)
