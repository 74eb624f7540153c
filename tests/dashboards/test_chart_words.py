"""What stands below and on the bars of a chart: hours, days, weeks, months, named as clock and calendar do."""

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from costwatch.dashboards import charts
from costwatch.dashboards.ranges import Range

pytestmark = pytest.mark.thorough
NOW = datetime(2026, 11, 18, 13, 32, 7, tzinfo=UTC)


def places(first: str, last: str, bucket: str = "", zone: str = "Europe/Berlin", week_start: int = 1) -> charts.Buckets:
    span = Range("custom", date.fromisoformat(first), date.fromisoformat(last), NOW, ZoneInfo(zone))
    return charts.buckets_of(span, week_start, bucket)


@pytest.mark.parametrize(
    ("first", "last", "bucket", "count", "label", "last_label"),
    [
        ("2026-11-18", "2026-11-18", "", 24, "00:00", "23:00"),
        ("2026-11-17", "2026-11-18", "", 48, "Tue 00:00", "Wed 23:00"),
        ("2026-11-16", "2026-11-18", "15m", 288, "Mon 00:00", "Wed 23:45"),
        ("2026-11-12", "2026-11-18", "hour", 168, "Thu 00:00", "Wed 23:00"),
        ("2026-11-11", "2026-11-18", "hour", 192, "Wed 11 Nov 00:00", "Wed 18 Nov 23:00"),
        ("2026-11-16", "2026-11-18", "", 3, "Mon 16 Nov", "Wed 18 Nov"),
        ("2026-01-23", "2026-11-18", "day", 300, "Fri 23 Jan", "Wed 18 Nov"),
        ("2026-01-22", "2026-11-18", "day", 301, "Thu 22 Jan 2026", "Wed 18 Nov 2026"),
        ("2026-08-18", "2026-11-18", "", 14, "week of 17 Aug 2026", "week of 16 Nov 2026"),
        ("2024-01-15", "2026-11-18", "", 35, "January 2024", "November 2026"),
    ],
)
def test_a_bar_is_named_by_what_tells_it_from_the_others(first, last, bucket, count, label, last_label):
    found = places(first, last, bucket)
    assert (len(found.labels), found.labels[0], found.labels[-1]) == (count, label, last_label)


@pytest.mark.parametrize(
    ("first", "last", "bucket", "words", "narrow"),
    [
        ("2026-11-18", "2026-11-18", "", "Wed 18 Nov,03:00,06:00,09:00,12:00,15:00,18:00,21:00",
         "Wed 18 Nov,06:00,12:00,18:00"),
        ("2026-11-17", "2026-11-18", "", "Tue 17 Nov,06:00,12:00,18:00,Wed 18 Nov,06:00,12:00,18:00",
         "Tue 17 Nov,12:00,Wed 18 Nov,12:00"),
        ("2026-11-16", "2026-11-18", "15m", "Mon 16 Nov,12:00,Tue 17 Nov,12:00,Wed 18 Nov,12:00",
         "Mon 16 Nov,Tue 17 Nov,Wed 18 Nov"),
        ("2026-11-13", "2026-11-17", "hour", "Fri 13 Nov,Sat 14 Nov,Sun 15 Nov,Mon 16 Nov,Tue 17 Nov",
         "Fri 13 Nov,Sun 15 Nov,Tue 17 Nov"),
        ("2026-11-15", "2026-11-17", "", "Sun 15 Nov,Mon 16 Nov,Tue 17 Nov", "Sun 15 Nov,Mon 16 Nov,Tue 17 Nov"),
        ("2026-11-01", "2026-11-08", "",
         "Sun 1 Nov,Mon 2 Nov,Tue 3 Nov,Wed 4 Nov,Thu 5 Nov,Fri 6 Nov,Sat 7 Nov,Sun 8 Nov",
         "Sun 1 Nov,Tue 3 Nov,Thu 5 Nov,Sat 7 Nov"),
        ("2026-10-01", "2026-10-31", "", "Mon 5 Oct,Mon 12 Oct,Mon 19 Oct,Mon 26 Oct", "Mon 5 Oct,Mon 19 Oct"),
        ("2026-08-19", "2026-11-18", "", "Mon 24 Aug,Mon 7 Sep,Mon 21 Sep,Mon 5 Oct,Mon 19 Oct,Mon 2 Nov,today",
         "Mon 24 Aug,Mon 21 Sep,Mon 19 Oct,today"),
        ("2026-05-01", "2026-11-18", "", "27 Apr,25 May,22 Jun,20 Jul,17 Aug,14 Sep,12 Oct,9 Nov",
         "27 Apr,22 Jun,17 Aug,12 Oct"),
        ("2024-01-01", "2026-11-18", "", "Jan 2024,Jun 2024,Nov 2024,Apr 2025,Sep 2025,Feb 2026,Jul 2026",
         "Jan 2024,Nov 2024,Sep 2025,Jul 2026"),
    ],
)  # fmt: skip
def test_a_few_words_stand_below_and_half_of_them_on_a_phone(first, last, bucket, words, narrow):
    found = places(first, last, bucket)
    assert charts.ticks(found, found.ticks)["ticktext"] == words.split(",")
    assert charts.ticks(found, found.narrow_ticks)["ticktext"] == narrow.split(",")


def test_today_is_the_last_word_and_its_neighbours_make_room_on_both_widths():
    found = places("2026-11-11", "2026-11-18")
    words = charts.ticks(found, found.ticks)["ticktext"]
    assert words == ["Wed 11 Nov", "Thu 12 Nov", "Fri 13 Nov", "Sat 14 Nov", "Sun 15 Nov", "Mon 16 Nov", "Tue 17 Nov",
                     "today"]  # fmt: skip


def test_days_to_come_keep_their_words():
    found = places("2026-11-16", "2026-11-20")
    told = charts.ticks(found, found.ticks)
    assert dict(zip(told["tickvals"], told["ticktext"], strict=True)) == {
        0: "Mon 16 Nov", 1: "Tue 17 Nov", 2: "today", 3: "Thu 19 Nov", 4: "Fri 20 Nov"}  # fmt: skip


@pytest.mark.parametrize(
    ("day", "zone", "labels"),
    [
        ("2026-10-25", "Europe/Berlin", ["01:00", "02:00", "02:00 again", "03:00"]),
        ("2026-03-29", "Europe/Berlin", ["00:00", "01:00", "03:00", "04:00"]),
        ("2026-04-05", "Australia/Lord_Howe", ["00:00", "01:00", "01:30", "02:00"]),
        ("2026-10-04", "Australia/Lord_Howe", ["00:00", "01:00", "02:30", "03:00"]),
    ],
)  # fmt: skip
def test_hours_are_those_that_the_clock_shows(day, zone, labels):
    found = places(day, day, zone=zone).labels
    begin = found.index(labels[0])
    assert found[begin : begin + 4] == labels


@pytest.mark.parametrize(("week_start", "days"), [(1, "2026-11-16/2026-11-18"), (7, "2026-11-15/2026-11-18"),
                                                  (6, "2026-11-14/2026-11-18")])  # fmt: skip
def test_weeks_begin_on_the_day_of_the_workspace(week_start, days):
    found = places("2026-11-01", "2026-11-18", "week", week_start=week_start)
    assert found.days[-1] == days
    assert found.days[0].startswith("2026-11-01/")


@pytest.mark.parametrize(
    ("bucket", "unfinished", "today"), [("15m", 58, None), ("hour", 14, None), ("day", 0, 0), ("week", 0, None)]
)
def test_the_bar_that_is_filling_is_known_and_named_today_only_where_it_is_a_day(bucket, unfinished, today):
    found = places("2026-11-18", "2026-11-18", bucket)
    assert (found.unfinished, found.today) == (unfinished, today)


def test_an_outline_is_drawn_only_above_what_is_there_and_the_axis_holds_it():
    found = places("2026-11-17", "2026-11-19")
    series = [charts.Series("a", "s1", [Decimal(5), Decimal(4), Decimal(0)])]
    assert charts.stacked(found, series, Decimal(4))["layout"].get("shapes") is None
    layout = charts.stacked(found, series, Decimal(9))["layout"]
    assert (layout["shapes"][0]["y0"], layout["shapes"][0]["y1"]) == (4, 9)
    assert layout["yaxis"]["range"][1] == pytest.approx(9 * 1.08)
    assert charts.heights(series, found, Decimal(9)) == [5, 9, 0]
    assert charts.heights(series, found, Decimal(1)) == [5, 4, 0]


def test_a_pace_has_its_amount_beside_it_and_room_for_that():
    found = places("2026-11-17", "2026-11-18")
    told = charts.stacked(found, [charts.Series("a", "s1", [Decimal(1), Decimal(1)])], None, Decimal("1234.5"))
    assert told["layout"]["annotations"][0]["text"] == "pace<br>$\N{WORD JOINER}1,234"
    assert told["layout"]["margin"] == {"r": 52}
    assert "r" not in told["narrow"]["margin"]
