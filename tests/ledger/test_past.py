"""Sessions, attempts and weeks, as the watch over the neighbours of a loop reads them out of the books."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from statistics import median

import pytest
from django.db import connection

from costwatch.accounts.models import Workspace
from costwatch.ledger import past
from costwatch.ledger.fold import fold_all
from costwatch.ledger.models import Run
from costwatch.ledger.record import record
from tests.ledger.make import NOW, entry

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
HOUR = timedelta(hours=1)
LONG_AGO = NOW - timedelta(days=30)


def store(lane, *entries):
    record(lane, entries)
    fold_all()


def session_calls(lane, fresh=NOW - HOUR, since=LONG_AGO, fewest=2):
    with connection.cursor() as cursor:
        return past.session_calls(cursor, lane, fresh, since, fewest)


def attempts(lane, fresh=NOW - HOUR, since=LONG_AGO):
    with connection.cursor() as cursor:
        return past.attempts(cursor, lane, fresh, since)


def weeks(lane, zone="Europe/Berlin", since=LONG_AGO, until=NOW):
    with connection.cursor() as cursor:
        return past.weeks(cursor, lane, zone, since, until)


def test_a_session_is_told_by_its_calls_that_went_well_in_their_order(lane):
    store(
        lane,
        entry("b", run_id="r2", session_id="s", minutes=2, agent_id="writer", call_fingerprint="f", output_tokens=7,
              step=4, cost="0.25"),
        entry("a", run_id="r1", session_id="s", minutes=1, agent_id=None, output_tokens=None, cost=None),
        entry("failed", run_id="r2", session_id="s", minutes=3, error=True),
        entry("elsewhere", run_id="r3", session_id="other", minutes=3),
    )  # fmt: skip
    first, second = session_calls(lane)
    assert first[1:] == ("s", "", "r1", first.at, None, 0, None, "a")
    assert second[1:] == ("s", "writer", "r2", (NOW + timedelta(minutes=2)).timestamp(), "f", 7, Decimal("0.25"), "b")
    assert first.number == second.number and first.at < second.at


def test_calls_of_the_same_moment_are_in_the_order_of_their_steps_and_then_of_their_ids(lane):
    steps = {"z": 1, "y": 2, "x": 2, "w": None}
    store(lane, *(entry(name, run_id="r", session_id="s", step=step) for name, step in steps.items()))
    assert [call.event_id for call in session_calls(lane, fewest=1)] == ["w", "z", "x", "y"]


@pytest.mark.parametrize(("fewest", "told"), [(1, {"one", "two", "three"}), (2, {"two", "three"}), (3, {"three"})])
def test_only_sessions_with_enough_runs_are_told(lane, fewest, told):
    for number, name in enumerate(["one", "two", "three"], 1):
        store(lane, *(entry(run_id=f"{name}-{n}", session_id=name) for n in range(number)))
    assert {call.session_id for call in session_calls(lane, fewest=fewest)} == told


def test_a_session_is_told_whole_if_one_of_its_runs_went_on_lately(lane):
    for session, times in (("live", (-500, 0)), ("quiet", (-500, -90))):
        names = [f"{session}-{n}" for n in range(2)]
        store(lane, *(entry(n, run_id=n, session_id=session, minutes=m) for n, m in zip(names, times, strict=True)))
    assert [call.event_id for call in session_calls(lane)] == ["live-0", "live-1"]
    assert [call.event_id for call in session_calls(lane, since=NOW - HOUR)] == ["live-1"]
    assert session_calls(lane, fresh=NOW + HOUR) == []


def test_of_a_very_long_session_the_newest_calls_are_told(lane):
    more = past.MOST_CALLS + 3
    store(lane, *(entry(f"e{n:03}", run_id=f"r{n % 2}", session_id="s", minutes=n / 100) for n in range(more)))
    told = [call.event_id for call in session_calls(lane)]
    assert told == [f"e{n:03}" for n in range(3, more)]


def run(name, *, at=0, failed=False, calls=1, cost="1", **fields):
    """A run of so many calls; `failed`: its last one did."""
    return [
        entry(f"{name}-{n}", run_id=name, minutes=at + n, cost=cost, task="refund", error=failed and n == calls - 1,
              input_tokens=100, **fields)
        for n in range(calls)
    ]  # fmt: skip


def test_attempts_are_the_runs_of_an_agent_and_task_that_failed_lately(lane):
    store(lane, *run("well", at=-300), *run("bad", at=-9, failed=True, calls=3), *run("other", at=-8, agent_id="calm"))
    well, bad = attempts(lane)
    assert (well.run_id, well.failed, well.calls) == ("well", False, 1)
    assert (bad.agent, bad.task, bad.run_id, bad.failed) == ("triage", "refund", "bad", True)
    assert (bad.calls, bad.input_tokens, bad.cost) == (3, 300, 3)
    assert (bad.at, bad.end) == ((NOW - timedelta(minutes=9)).timestamp(), (NOW - timedelta(minutes=7)).timestamp())
    assert well.pair == bad.pair
    assert bad.number == Run.objects.get(run_id="bad").pk


def test_a_failure_before_the_last_call_is_no_failed_run_but_makes_its_task_one_to_look_at(lane):
    calls = [entry("x", run_id="r", error=True, minutes=0), entry("y", run_id="r", minutes=1)]
    store(lane, *calls)
    (only,) = attempts(lane)
    assert (only.failed, only.task) == (False, "")


def test_of_calls_of_one_moment_the_last_step_decides_whether_a_run_failed(lane):
    store(lane, entry("a", run_id="r", step=2, error=True), entry("b", run_id="r", step=1))
    store(lane, entry("c", run_id="s", step=2), entry("d", run_id="s", step=1, error=True))
    assert {one.run_id: one.failed for one in attempts(lane)} == {"r": True, "s": False}


def test_what_failed_long_ago_is_not_looked_at(lane):
    store(lane, *run("old", at=-120, failed=True), *run("new", at=-5))
    assert attempts(lane) == []
    assert [one.run_id for one in attempts(lane, fresh=NOW - 3 * HOUR)] == ["old", "new"]
    assert [one.run_id for one in attempts(lane, fresh=NOW - 3 * HOUR, since=NOW - timedelta(minutes=150))] == [
        "old", "new",
    ]  # fmt: skip


def test_of_very_many_attempts_the_newest_are_told_in_the_order_in_which_they_began(lane):
    more = past.MOST_RUNS + 2
    store(lane, *(call for n in range(more) for call in run(f"r{n:02}", at=n / 10, failed=n == more - 1)))
    assert [one.run_id for one in attempts(lane)] == [f"r{n:02}" for n in range(2, more)]


def test_weeks_begin_on_the_monday_of_the_zone_and_tell_the_middle_run(lane):
    monday = datetime(2026, 11, 8, 23, tzinfo=UTC)  # midnight in Berlin
    sizes = {-30: (2, "1"), 0: (1, "4"), 60: (3, "1"), 120: (2, "2.5"), 60 * 24 * 6: (8, "0.5")}
    for minutes, (calls, cost) in sizes.items():
        begun = monday + timedelta(minutes=minutes)
        store(lane, *(entry(run_id=f"r{minutes}", timestamp=begun + timedelta(seconds=n), cost=cost)
                      for n in range(calls)))  # fmt: skip
    before, week = weeks(lane)
    assert (before.monday, before.runs, before.calls, before.cost) == (date(2026, 11, 2), 1, 2, 2)
    assert (week.monday, week.runs) == (date(2026, 11, 9), 4)
    assert week.calls == median([1, 3, 2, 8]) == 2.5
    assert week.cost == 4  # of 3, 4, 4, 5 the lower middle one
    in_utc = weeks(lane, "UTC")
    assert [(one.monday, one.runs) for one in in_utc] == [(date(2026, 11, 2), 2), (date(2026, 11, 9), 3)]


def test_weeks_tell_the_runs_that_began_between_the_two_moments_by_agent_and_task(lane):
    store(lane, *run("early", at=-3_000), *run("in", at=-500), *run("task", at=-400, agent_id="b"), *run("late"))
    found = weeks(lane, since=NOW - timedelta(minutes=2_999), until=NOW)
    assert sorted((one.agent, one.task, one.runs) for one in found) == [("b", "refund", 1), ("triage", "refund", 1)]


def test_nothing_is_told_of_another_workspace(lane):
    other = Workspace.objects.create(name="Other").lane
    store(other, *run("theirs", at=-5, failed=True, session_id="s"), *run("too", at=-4, failed=True, session_id="s"))
    assert (session_calls(lane), attempts(lane), weeks(lane)) == ([], [], [])
    assert len(session_calls(other)) == 0  # calls that failed say nothing of a circle
    assert (len(attempts(other)), len(weeks(other))) == (2, 1)
