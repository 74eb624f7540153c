"""The runs that a filter means, in any order and page, are those of going through all calls."""

from collections import defaultdict
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costwatch.ledger.models import Run
from costwatch.spend.filters import SpendFilter
from costwatch.spend.runs import ORDERS, run, runs
from tests.spend.talks import talks
from tests.spend.test_exactness import first_of_run
from tests.spend.test_sessions_exact import filters
from tests.spend.usage import selected, sums_of, value_of

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
per_data = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SORTS = {
    "cost": lambda row: row.sums.cost,
    "calls": lambda row: row.sums.calls,
    "errors": lambda row: row.sums.errors,
    "started": lambda row: row.first_at,
    "last": lambda row: row.last_at,
    "duration": lambda row: row.last_at - row.first_at,
}


def by_run(entries):
    """run → its calls in order of time."""
    found = defaultdict(list)
    for e in sorted(entries, key=lambda e: e.timestamp):
        if e.run_id:
            found[e.run_id].append(e)
    return found


def meant(calls, filter):
    """Runs that were active in the range and have a call in it for which the conditions hold."""
    matching = {e.run_id for e in selected([e for own in calls.values() for e in own], filter)}
    conditions = filter.include or filter.exclude
    return {
        name
        for name, own in calls.items()
        if own[-1].timestamp >= filter.start and own[0].timestamp < filter.end and (name in matching or not conditions)
    }


@pytest.mark.parametrize(("seed", "folded"), [(1, 1_000), (2, 0), (3, 60)])
def test_the_list_is_that_of_going_through_all_calls(workspace, stored, seed, folded):
    entries = stored(talks(seed), folded)
    calls, begins = by_run(entries), first_of_run(entries)
    numbers = dict(Run.objects.values_list("run_id", "id"))

    @per_data
    @given(filters(), st.sampled_from(ORDERS), st.integers(1, 8))
    def ask(filter, order, limit):
        whole = runs(workspace, filter, order, limit=1_000)
        assert {row.run_id for row in whole.items} == meant(calls, filter)
        assert whole.next_cursor is None
        for row in whole.items:
            own = calls[row.run_id]
            assert row.sums == sums_of(own, begins)
            assert (row.first_at, row.last_at, row.duration) == (
                own[0].timestamp, own[-1].timestamp, own[-1].timestamp - own[0].timestamp
            )  # fmt: skip
        value = SORTS[order.removeprefix("-")]
        assert whole.items == sorted(
            whole.items, key=lambda row: (value(row), numbers[row.run_id]), reverse=order.startswith("-")
        )
        pages, cursor = [], None
        while True:
            page = runs(workspace, filter, order, cursor, limit)
            pages += page.items
            assert len(page.items) == limit or page.next_cursor is None
            cursor = page.next_cursor
            if cursor is None:
                break
        assert pages == whole.items

    ask()


@pytest.mark.parametrize("folded", [0, 1_000])
def test_a_run_has_the_labels_of_its_first_call_and_the_first_user_and_session_that_are_named(
    workspace, stored, folded
):
    entries = talks(4)
    for e in entries[::3]:
        e.user_id = e.session_id = None
    calls = by_run(stored(sorted(entries, key=lambda e: e.timestamp), folded))
    for name, own in calls.items():
        found = run(workspace, name)
        assert found.labels["agent"] == value_of(own[0], "agent")
        assert found.labels["model"] == own[0].model
        assert found.user == next((e.user_id for e in own if e.user_id), "")
        assert found.session == next((e.session_id for e in own if e.session_id), "")


def test_a_page_of_runs_is_not_moved_by_calls_that_arrive_for_others(workspace, stored):
    entries = stored(talks(5), 1_000)
    wanted = runs(workspace, filters_of_all(entries), "started", limit=1_000).items
    page = runs(workspace, filters_of_all(entries), "started", limit=5)
    latest = max(e.timestamp for e in entries)
    more = talks(6, count=3)
    for e in more:
        e.timestamp = latest + timedelta(minutes=1)
    stored(more)
    rest = runs(workspace, filters_of_all(entries), "started", page.next_cursor, 1_000)
    assert page.items + rest.items == wanted


def filters_of_all(entries):
    times = [e.timestamp for e in entries]
    return SpendFilter(min(times), max(times) + timedelta(microseconds=1))
