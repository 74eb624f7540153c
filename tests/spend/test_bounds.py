"""How much of a range is looked at: its newest whole days that hold at most so many events, of one day whole hours."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costwatch.accounts.models import Workspace
from costwatch.ledger.fold import fold_all
from costwatch.ledger.record import record
from costwatch.lib import periods
from costwatch.spend.bounds import bounded
from costwatch.spend.filters import EARLIEST, LATEST, SpendFilter
from tests.ledger.make import entry

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
KATHMANDU = periods.zone("Asia/Kathmandu")  # 5:45 ahead: neither midnights nor hours are those of UTC
FIRST = datetime(2026, 11, 9, 18, 15, tzinfo=UTC)  # a midnight there
NUMBERS = count(1)
WHOLE = SpendFilter(FIRST, FIRST + timedelta(days=6))


@pytest.fixture
def workspace(db):
    return Workspace.objects.create(name="W", time_zone="Asia/Kathmandu")


def at(day, hour=0, minute=0):
    return FIRST + timedelta(days=day, hours=hour, minutes=minute)


def calls(*times, **fields):
    return [entry(timestamp=moment, **fields) for moment in times]


@pytest.fixture
def three_days(workspace):
    """2, 3 and 4 calls on three days, the last day not folded."""
    record(workspace.lane, calls(at(0, 1), at(0, 23), at(2), at(2, 12), at(2, 23, 59)))
    fold_all()
    record(workspace.lane, calls(at(4, 0, 30), at(4, 1, 10), at(4, 1, 20), at(4, 23, 59)))


@pytest.mark.parametrize(
    ("most", "start"),
    [(9, at(0)), (8, at(2)), (7, at(2)), (6, at(4)), (4, at(4)), (3, at(4, 1)), (2, at(4, 23)), (1, at(4, 23))],
)
def test_the_newest_days_that_fit_are_kept_or_the_newest_hours_of_one_that_does_not(workspace, three_days, most, start):
    assert bounded(workspace, WHOLE, most) == SpendFilter(start, WHOLE.end)


@pytest.mark.parametrize("most", [9, 3, 1])
@pytest.mark.parametrize("of_all", [True, False])
def test_a_range_of_centuries_is_looked_at_like_one_that_ends_with_its_calls(workspace, three_days, most, of_all):
    ever = SpendFilter(EARLIEST, LATEST, {"agent": ("triage",)})
    found = bounded(workspace, ever, most, of_all=of_all)
    assert found.start == (EARLIEST if most == 9 else bounded(workspace, WHOLE, most).start)
    assert found.end == (LATEST if of_all else at(5))


def test_an_hour_with_too_many_is_looked_at_all_the_same(workspace):
    record(workspace.lane, calls(at(0, 1), at(3, 7, 1), at(3, 7, 2), at(3, 7, 3)))
    assert bounded(workspace, WHOLE, 2).start == at(3, 7)


def test_a_range_that_begins_within_its_only_day_is_never_made_longer(workspace, three_days):
    late = SpendFilter(at(4, 1, 15), WHOLE.end)
    assert bounded(workspace, late, 100) == late
    assert bounded(workspace, late, 2) == late  # 01:20 and 23:59
    assert bounded(workspace, late, 1).start == at(4, 23)


def test_a_range_without_calls_is_looked_at_whole(workspace):
    assert bounded(workspace, WHOLE, 1) == WHOLE


def test_conditions_stay_and_all_calls_count_against_the_bound(workspace, three_days):
    record(workspace.lane, calls(at(4, 5), agent_id="rare"))
    rare = SpendFilter(WHOLE.start, WHOLE.end, {"agent": ("rare",)})
    assert bounded(workspace, rare, 5) == SpendFilter(at(4), WHOLE.end, {"agent": ("rare",)})
    assert bounded(workspace, rare, 4).start == at(4, 1)


def test_where_only_the_filtered_calls_are_read_only_they_count_and_the_last_day_with_one_ends_the_range(workspace):
    record(workspace.lane, calls(*(at(1, hour) for hour in range(3)), agent_id="old"))
    record(workspace.lane, calls(*(at(5, 0, minute) for minute in range(20)), agent_id="new"))
    old = SpendFilter(WHOLE.start, WHOLE.end, {"agent": ("old",)})
    assert bounded(workspace, old, 3, of_all=False) == SpendFilter(WHOLE.start, at(2), {"agent": ("old",)})
    assert bounded(workspace, old, 2, of_all=False) == SpendFilter(at(1, 1), at(2), {"agent": ("old",)})
    unknown = SpendFilter(WHOLE.start, WHOLE.end, {"agent": ("nobody",)})
    assert bounded(workspace, unknown, 1, of_all=False) == unknown


def test_runs_are_counted_where_they_begin(workspace):
    record(workspace.lane, calls(at(0, 2), run_id="a") + calls(at(0, 3), run_id="b"))
    record(workspace.lane, calls(*(at(3, hour) for hour in range(5)), run_id="b") + calls(at(3, 6), run_id="c"))
    assert bounded(workspace, WHOLE, 3, "runs").start == at(0)
    assert bounded(workspace, WHOLE, 2, "runs").start == at(3)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.integers(0, 6 * 24 * 60 - 1), min_size=1, max_size=12),
    st.integers(1, 15),
    st.integers(0, 3 * 24 * 60),
)
def test_what_is_looked_at_is_the_newest_part_that_fits_and_no_day_more_would(workspace, minutes, most, begin):
    other = Workspace.objects.create(name=f"Other {next(NUMBERS)}", time_zone="Asia/Kathmandu")  # for each example
    times = [FIRST + timedelta(minutes=minute) for minute in minutes]
    record(other.lane, calls(*times))
    asked = SpendFilter(FIRST + timedelta(minutes=begin), WHOLE.end)
    found = bounded(other, asked, most)
    inside = [moment for moment in times if moment >= asked.start]
    days = Counter(periods.local_day(moment, KATHMANDU) for moment in inside)
    kept = [moment for moment in inside if moment >= found.start]
    assert found.end == asked.end and found.start >= asked.start
    if len(inside) <= most:
        assert found == asked
        return
    kept_days = {periods.local_day(moment, KATHMANDU) for moment in kept}
    if days[max(days)] <= most:  # whole days
        assert len(kept) <= most
        assert Counter(periods.local_day(moment, KATHMANDU) for moment in kept) == {d: days[d] for d in kept_days}
        before = max(day for day in days if day not in kept_days)
        assert len(kept) + days[before] > most
    else:
        assert kept_days == {max(days)}
        hours = {moment.astimezone(KATHMANDU).hour for moment in kept}
        assert len(kept) <= most or len(hours) == 1
