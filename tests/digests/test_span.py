"""The periods of digests: whole local days, weeks and months, and when each is due."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from costwatch.digests import span as spans

BERLIN, KATHMANDU = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kathmandu")
NOW = datetime(2026, 11, 25, 13, tzinfo=UTC)


@pytest.mark.parametrize(("kind", "first", "last", "label"), [
    ("daily", date(2026, 11, 24), date(2026, 11, 24), "Tue 24 Nov 2026"),
    ("weekly", date(2026, 11, 16), date(2026, 11, 22), "16–22 Nov 2026"),
    ("monthly", date(2026, 10, 1), date(2026, 10, 31), "October 2026"),
])  # fmt: skip
def test_the_latest_period_is_the_last_whole_one(kind, first, last, label):
    found = spans.latest(kind, NOW, BERLIN, 1)
    assert (found.first, found.last, found.label) == (first, last, label)


def test_a_week_over_the_end_of_a_month_names_both():
    assert spans.on("weekly", date(2026, 10, 28), BERLIN, 1).label == "26 Oct – 1 Nov 2026"
    assert spans.on("weekly", date(2026, 11, 25), BERLIN, 7).label == "22–28 Nov 2026"


def test_days_are_local_ones_also_with_the_clocks_put_back():
    found = spans.on("daily", date(2026, 10, 25), BERLIN, 1)
    assert (found.end - found.start).total_seconds() == 25 * 3600
    assert spans.on("daily", date(2026, 11, 25), KATHMANDU, 1).start == datetime(2026, 11, 24, 18, 15, tzinfo=UTC)


@pytest.mark.parametrize(("zone", "hour", "at"), [
    (BERLIN, 8, datetime(2026, 11, 23, 7, tzinfo=UTC)),
    (BERLIN, 0, datetime(2026, 11, 22, 23, tzinfo=UTC)),
    (KATHMANDU, 8, datetime(2026, 11, 23, 2, 15, tzinfo=UTC)),
])  # fmt: skip
def test_it_is_due_at_its_hour_of_the_day_after(zone, hour, at):
    assert spans.due(spans.latest("weekly", NOW, zone, 1), hour, zone) == at


def test_the_period_before_joins_without_a_gap():
    this = spans.latest("monthly", NOW, BERLIN, 1)
    assert spans.before(this, BERLIN, 1).end == this.start
