"""Days and times as people read them."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from costwatch.lib import dates

BERLIN = ZoneInfo("Europe/Berlin")


def test_a_day_has_its_weekday_and_the_year_where_it_is_asked_for():
    assert dates.day(date(2026, 11, 5)) == "Thu 5 Nov"
    assert dates.day(date(2026, 11, 5), year=True) == "Thu 5 Nov 2026"


def test_a_time_is_told_in_the_zone_it_comes_in():
    assert dates.day_and_time(datetime(2026, 11, 18, 9, 5, 59, tzinfo=BERLIN)) == "Wed 18 Nov 09:05"


@pytest.mark.parametrize(
    ("at", "zone", "said"),
    [
        (datetime(2026, 11, 30, 23, 0, tzinfo=UTC), "Europe/Berlin", "Tue 1 Dec 2026 00:00 Europe/Berlin"),
        (datetime(2026, 11, 30, 23, 0, tzinfo=UTC), "America/New_York", "Mon 30 Nov 2026 18:00 America/New_York"),
        (datetime(2026, 11, 30, 23, 0, tzinfo=UTC), "Asia/Kathmandu", "Tue 1 Dec 2026 04:45 Asia/Kathmandu"),
        (datetime(2026, 12, 31, 23, 30, tzinfo=BERLIN), "UTC", "Thu 31 Dec 2026 22:30 UTC"),
    ],
)
def test_an_instant_is_told_on_the_day_it_is_in_the_zone_which_is_named(at, zone, said):
    assert dates.in_zone(at, ZoneInfo(zone)) == said


def test_the_hour_that_comes_twice_is_the_one_of_the_instant():
    first, second = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert dates.in_zone(first, BERLIN) == dates.in_zone(second, BERLIN) == "Sun 25 Oct 2026 02:30 Europe/Berlin"
