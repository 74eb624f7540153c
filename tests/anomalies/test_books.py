"""The books as detectors ask them: live and preloaded answers agree; drivers, releases, sessions and tags."""

from datetime import timedelta
from decimal import Decimal

import pytest

from costwatch.anomalies.books import StoredBooks
from costwatch.anomalies.preloaded import PreloadedBooks
from costwatch.lib.periods import midnight
from tests.anomalies.conftest import call
from tests.anomalies.memory import HOUR, TOP

DAY = timedelta(days=1)


@pytest.fixture
def days(send):
    """Two weeks with every kind of label, some hours empty."""
    send(*(
        call(TOP - n * HOUR, str(1 + n % 7), agent_id=f"a{n % 3}", model=f"m{n % 2}", release=f"r{n // 100}",
             session_id=f"s{n % 40}", run_id=f"run{n % 90}", tags={"customer": f"c{n % 4}"}, user_id=f"u{n % 5}")
        for n in range(1, 330) if n % 11
    ))  # fmt: skip


def test_preloaded_answers_are_those_of_the_moment(workspace, days):
    live, loaded = StoredBooks(workspace), PreloadedBooks(workspace, TOP - 10 * DAY, TOP)
    for dimension in ("agent", "model", "release", "user", "tag.customer", ""):
        start, end = midnight((TOP - 8 * DAY).date(), live.zone), midnight((TOP - DAY).date(), live.zone)
        assert loaded.series(dimension, "day", start, end) == live.series(dimension, "day", start, end)
    start = TOP - 30 * HOUR
    assert loaded.series("agent", "hour", start, TOP) == live.series("agent", "hour", start, TOP)
    assert loaded.series("agent", "hour", start, TOP, ("a1",)) == live.series("agent", "hour", start, TOP, ("a1",))


def test_a_day_that_is_not_over_has_no_preloaded_row(workspace, days):
    loaded = PreloadedBooks(workspace, TOP - 10 * DAY, TOP)
    today = midnight(TOP.date(), loaded.zone)
    assert today not in loaded.series("agent", "day", today - DAY, TOP)["a1"]


def test_drivers_add_up_to_the_difference_in_each_dimension(workspace, days):
    books = StoredBooks(workspace)
    found = books.drivers("agent", "a1", TOP - 24 * HOUR, TOP)
    hours = books.series("agent", "hour", TOP - 24 * HOUR, TOP, ("a1",))["a1"]
    before = books.series("agent", "hour", TOP - 8 * DAY, TOP - 7 * DAY, ("a1",))["a1"]
    spent, usual = (sum((sums.cost for sums in part.values()), Decimal(0)) for part in (hours, before))
    for dimension in ("model", "task", "user", "release", "tag.customer"):
        own = [driver for driver in found if driver.dimension == dimension]
        assert sum(driver.now for driver in own) == spent
        assert sum(driver.usual for driver in own) == usual / 4


def test_releases_are_dated_by_their_first_day(workspace, days):
    found = StoredBooks(workspace).releases(TOP - 14 * DAY, TOP)
    assert set(found) == {"a0", "a1", "a2"}
    assert sorted(found["a1"], key=found["a1"].get) == ["r3", "r2", "r1", "r0"]


def test_costs_are_those_of_each_run_and_session(workspace, days):
    books = StoredBooks(workspace)
    for each in ("run", "session"):
        costs = books.costs("a1", each, TOP - 14 * DAY, TOP)
        assert {cost.release for cost in costs} == {"r0", "r1", "r2", "r3"}
        spent = books.series("agent", "day", TOP - 20 * DAY, TOP, ("a1",))["a1"]
        assert sum(cost.usd for cost in costs) == sum(sums.cost for sums in spent.values())


def test_sessions_that_reach_a_value_are_counted_once(workspace, days):
    found = StoredBooks(workspace).reach("agent", TOP - 14 * DAY, TOP)
    assert found.sessions == 40
    assert {value: count for value, (count, _) in found.by_value.items()} == {"a0": 40, "a1": 40, "a2": 40}
    assert StoredBooks(workspace).reach("model", TOP - 14 * DAY, TOP).by_value["m0"][0] == 20


def test_tags_with_a_choice_are_watched(workspace, days, send):
    assert StoredBooks(workspace).tags == ["tag.customer"]
