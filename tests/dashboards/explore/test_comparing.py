"""What a span is compared with: like with like, and never more than has passed."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from costwatch.dashboards.explore.comparing import CUSTOM, MONTH, NOTHING, PREVIOUS, WEEKS, checked, compared
from costwatch.dashboards.ranges import BadRange, Range, of_kind

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 18, 13, 32, 7, tzinfo=UTC)


def span(first: str, last: str, now: datetime = NOW) -> Range:
    return Range("custom", date.fromisoformat(first), date.fromisoformat(last), now, BERLIN)


def days(found) -> tuple[str, str]:
    """First day, and the local moment where it ends."""
    start, end = (at.astimezone(BERLIN) for at in (found.start, found.end))
    return f"{start:%Y-%m-%d %H:%M}", f"{end:%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("first", "last", "way", "start", "end", "label"),
    [("2026-11-01", "2026-11-18", WEEKS, "2026-10-11 00:00", "2026-10-28 14:32", "11–28 Oct"),
     ("2026-11-01", "2026-11-18", MONTH, "2026-10-01 00:00", "2026-10-18 14:32", "1–18 Oct"),
     ("2026-11-01", "2026-11-18", PREVIOUS, "2026-10-14 00:00", "2026-10-31 14:32", "14–31 Oct"),
     ("2026-11-02", "2026-11-08", PREVIOUS, "2026-10-26 00:00", "2026-11-02 00:00", "26 Oct – 1 Nov"),
     ("2026-10-01", "2026-10-31", PREVIOUS, "2026-09-01 00:00", "2026-10-01 00:00", "1–30 Sep"),
     ("2026-07-01", "2026-09-30", PREVIOUS, "2026-04-01 00:00", "2026-07-01 00:00", "1 Apr – 30 Jun"),
     ("2026-10-01", "2026-10-31", MONTH, "2026-09-01 00:00", "2026-10-01 00:00", "1–30 Sep"),
     ("2026-03-31", "2026-03-31", MONTH, "2026-02-28 00:00", "2026-03-01 00:00", "28 Feb"),
     ("2026-03-29", "2026-03-30", MONTH, "2026-02-28 00:00", "2026-03-01 00:00", "28 Feb"),
     ("2026-01-01", "2026-01-10", MONTH, "2025-12-01 00:00", "2025-12-11 00:00", "1–10 Dec 2025"),
     ("2026-11-18", "2026-11-18", PREVIOUS, "2026-11-17 00:00", "2026-11-17 14:32", "17 Nov")],
)  # fmt: skip
def test_each_way_finds_its_days(first, last, way, start, end, label):
    found = compared(span(first, last), way)
    assert (*days(found), found.label) == (start, end, label)


def test_a_chosen_span_is_taken_whole():
    found = compared(span("2026-11-01", "2026-11-18"), CUSTOM, (date(2025, 11, 1), date(2025, 11, 30)))
    assert (*days(found), found.label) == ("2025-11-01 00:00", "2025-12-01 00:00", "1–30 Nov 2025")


def test_nothing_is_compared_with_nothing_and_with_days_not_chosen_yet():
    assert compared(span("2026-11-01", "2026-11-18"), NOTHING) is None
    assert compared(span("2026-11-01", "2026-11-18"), CUSTOM) is None


def test_the_month_to_date_may_end_before_the_day_it_began_on():
    """On 31 March the month before has 28 days: all of them."""
    now = datetime(2026, 3, 31, 10, tzinfo=UTC)
    found = compared(of_kind("month", date(2026, 3, 31), now, BERLIN), MONTH)
    assert days(found) == ("2026-02-01 00:00", "2026-03-01 00:00")


def test_the_same_time_is_local_time_over_a_change_of_the_clocks():
    now = datetime(2026, 10, 26, 8, 30, tzinfo=UTC)  # 09:30 in winter time
    found = compared(span("2026-10-26", "2026-10-26", now), PREVIOUS)
    assert days(found) == ("2026-10-25 00:00", "2026-10-25 09:30")


def test_chosen_days_must_be_in_order_and_within_ten_years():
    with pytest.raises(BadRange):
        checked(date(2026, 2, 1), date(2026, 1, 1))
    with pytest.raises(BadRange):
        checked(date(2010, 1, 1), date(2026, 1, 1))
