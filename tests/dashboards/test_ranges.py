"""Spans of days: what they hold, what they are compared with, where previous and next lead."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from costwatch.dashboards.ranges import KINDS, BadRange, Range, of_kind, of_preset, range_of

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 18, 13, 32, 7, tzinfo=UTC)


def span(now: datetime = NOW, zone: ZoneInfo = BERLIN, **params: str) -> Range:
    return range_of(params, now, zone)


@pytest.mark.parametrize(
    ("params", "first", "last"),
    [({}, "2026-11-01", "2026-11-18"), ({"period": "today"}, "2026-11-18", "2026-11-18"),
     ({"period": "7d"}, "2026-11-12", "2026-11-18"), ({"period": "30d"}, "2026-10-20", "2026-11-18"),
     ({"period": "month", "on": "2026-10-07"}, "2026-10-01", "2026-10-31"),
     ({"period": "today", "on": "2026-10-07"}, "2026-10-07", "2026-10-07"),
     ({"period": "7d", "on": "2026-10-07"}, "2026-10-01", "2026-10-07"),
     ({"period": "7d", "on": "2027-10-07"}, "2026-11-12", "2026-11-18"),
     ({"first": "2026-02-01", "last": "2026-02-03"}, "2026-02-01", "2026-02-03"),
     ({"first": "2026-02-01"}, "2026-02-01", "2026-02-01")],
)  # fmt: skip
def test_an_address_means_days(params, first, last):
    found = span(**params)
    assert (found.first, found.last) == (date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize("kind", KINDS)
def test_a_span_reads_back_from_its_own_address(kind):
    for found in (span(period=kind), span(period=kind, on="2026-09-30")):
        assert span(**found.query()) == found


def test_what_is_usual_is_left_out_of_the_address():
    assert span().query() == {}
    assert span(period="7d").query() == {"period": "7d"}
    assert span(period="month", on="2026-10-01").query() == {"period": "month", "on": "2026-10-31"}
    assert span(first="2026-02-01", last="2026-02-03").query() == {"first": "2026-02-01", "last": "2026-02-03"}


@pytest.mark.parametrize("kind", [*KINDS, "custom"])
def test_previous_and_next_are_neighbours_without_gap(kind):
    params = {"first": "2026-11-10", "last": "2026-11-12"} if kind == "custom" else {"period": kind}
    here = span(**params)
    before = here.previous()
    assert before and before.last == here.first - timedelta(days=1)
    after = before.next()
    assert after and after.first == before.last + timedelta(days=1)
    assert (here.kind in KINDS and after == here) or after.length == here.length
    assert span().next() is None


def test_next_of_a_span_that_would_reach_into_the_future_ends_today():
    late = span(first="2026-11-10", last="2026-11-16").next()
    assert late and (late.first, late.last) == (date(2026, 11, 12), date(2026, 11, 18))


def test_the_calendar_has_a_beginning():
    assert span(first="1990-01-01", last="1990-01-03").previous() is None


@pytest.mark.parametrize(
    ("params", "label", "start", "end"),
    [({}, "4–21 Oct", "2026-10-03T22:00", "2026-10-21T12:32:07"),
     ({"period": "today"}, "11 Nov", "2026-11-10T23:00", "2026-11-11T13:32:07"),
     ({"period": "7d"}, "5–11 Nov", "2026-11-04T23:00", "2026-11-11T13:32:07"),
     ({"period": "30d"}, "15 Sep – 14 Oct", "2026-09-14T22:00", "2026-10-14T12:32:07"),
     ({"period": "month", "on": "2026-10-31"}, "27 Aug – 26 Sep", "2026-08-26T22:00", "2026-09-26T22:00"),
     ({"first": "2026-11-02", "last": "2026-11-03"}, "26–27 Oct", "2026-10-25T23:00", "2026-10-27T23:00")],
)  # fmt: skip
def test_compared_are_the_same_weekdays_up_to_the_same_local_time(params, label, start, end):
    here = span(**params)
    then = here.compared()
    assert then.label == label
    assert (then.start, then.end) == tuple(datetime.fromisoformat(t).replace(tzinfo=UTC) for t in (start, end))
    assert then.start.astimezone(BERLIN).weekday() == here.start.astimezone(BERLIN).weekday()
    assert then.end <= here.start


def test_at_midnight_the_compared_span_is_not_empty():
    found = span(now=datetime(2026, 11, 17, 23, tzinfo=UTC), period="today").compared()
    assert found.start < found.end


def test_only_the_span_that_holds_today_is_current_and_unfinished():
    assert span().is_current and span().unfinished
    old = span(period="month", on="2026-10-01")
    assert not old.is_current and not old.unfinished
    assert not span(first="2026-11-01", last="2026-11-18").is_current
    assert span(first="2026-11-01", last="2026-11-18").unfinished


@pytest.mark.parametrize(
    ("days", "bucket"), [(1, "hour"), (2, "hour"), (3, "day"), (92, "day"), (93, "week"), (800, "month")]
)
def test_longer_spans_have_longer_bars(days, bucket):
    last = date(2026, 11, 18)
    assert Range("custom", last - timedelta(days=days - 1), last, NOW, BERLIN).bucket == bucket


def test_days_are_local_in_zones_with_odd_offsets():
    kathmandu = of_kind("today", date(2026, 11, 18), NOW, ZoneInfo("Asia/Kathmandu"))
    assert kathmandu.start == datetime(2026, 11, 17, 18, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    "params",
    [{"period": "week"}, {"on": "18.11.2026", "period": "today"}, {"first": "2026-11-31"}, {"first": "1066-10-14"},
     {"first": "2026-11-02", "last": "2026-11-01"}, {"first": "2000-01-01", "last": "2026-11-01"}],
)  # fmt: skip
def test_a_span_that_cannot_be_shown_is_refused_with_a_sentence(params):
    with pytest.raises(BadRange, match=r"must"):
        span(**params)


@pytest.mark.parametrize(("params", "preset"), [
    ({"period": "today", "on": "2026-11-17"}, "yesterday"), ({"first": "2026-11-17"}, "yesterday"),
    ({"period": "today"}, "today"), ({"period": "30d"}, "30d"), ({}, "month"),
    ({"first": "2026-11-18"}, ""), ({"period": "today", "on": "2026-11-16"}, ""),
])  # fmt: skip
def test_a_span_knows_the_preset_that_means_it(params, preset):
    assert span(**params).preset == preset


def test_yesterday_is_an_address_of_its_day():
    assert of_preset("yesterday", NOW, BERLIN).query() == {"period": "today", "on": "2026-11-17"}
