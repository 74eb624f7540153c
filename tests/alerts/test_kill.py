"""The kill switch: a stop that a person ordered, by whatever names and in whatever order, and how it ends."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from costwatch.accounts.models import Workspace
from costwatch.alerts import incidents, kill, stops
from costwatch.alerts.kill import BadStop, NotLifted
from costwatch.alerts.models import Incident, Stop
from costwatch.alerts.scopes import NARROW_FIRST
from tests.alerts.test_incidents import REPORT

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
NOW = datetime(2026, 11, 18, 13, 32, tzinfo=UTC)
DAY = timedelta(days=1)
LONG = {"agent": "agent_id", "user": "user_id", "session": "session_id", "run": "run_id"}


def order(workspace, scope, message="Too dear.", until=NOW + DAY, now=NOW):
    return kill.order(workspace.pk, scope, message, until, "mara", now)


@pytest.mark.parametrize("seed", range(6))
def test_one_scope_is_one_stop_however_it_is_written(workspace, seed):
    dice = random.Random(seed)
    names = dice.sample([*NARROW_FIRST, "tag.customer", "tag.team"], dice.randrange(1, 5))
    scope = {name: dice.sample(["a", "b", "", "ü"], dice.randrange(1, 4)) for name in names}
    first = order(workspace, scope)
    shuffled = [
        (LONG.get(n, n) if dice.random() < 0.5 else n, dice.sample(v, len(v)) + v[:1]) for n, v in scope.items()
    ]
    dice.shuffle(shuffled)
    assert order(workspace, dict(shuffled)).pk == first.pk
    assert first.scope == {name: sorted(values) for name, values in sorted(scope.items())}
    other = order(workspace, {**scope, names[0]: [*scope[names[0]], "another"]})
    assert other.pk != first.pk


@pytest.mark.parametrize(("scope", "words"), [
    ({"provider": ["p"], "run": ["r"]}, "run r of provider p"),
    ({"key": ["ci"], "agent": ["a"]}, "agent a of API key ci"),
    ({"session": ["s"], "user": ["u"]}, "session s of user u"), ({"tag.b": ["x"], "tag.a": ["y"]}, "a y of b x"),
    ({"user": ["", "u"]}, "users none, u"), ({"key": [""]}, "calls without API key"),
    ({"tag.team": [""]}, "calls without team"),
    ({"tag.team": ["x", "y"]}, "team x, y"), ({"model": ["m", "n"], "task": ["t"]}, "task t of models m, n"),
    ({"environment": ["prod"], "release": ["v1"]}, "environment prod of release v1"),
    ({"user": ["1", "2", "3"]}, "users 1, 2, 3"), ({"user": ["1", "2", "3", "4"]}, "users 1, 2, 3 and 1 more"),
    ({}, "everybody in this workspace"),
])  # fmt: skip
def test_whom_it_is_about_is_said_the_narrowest_first(scope, words):
    assert kill.whom(scope) == words


@pytest.mark.parametrize(("until", "good"), [
    (NOW, False), (NOW + timedelta(microseconds=1), True), (NOW + 30 * DAY, True),
    (NOW + 30 * DAY + timedelta(microseconds=1), False), (NOW.replace(tzinfo=None) + DAY, False), (None, False),
])  # fmt: skip
def test_it_ends_ahead_and_within_thirty_days(workspace, until, good):
    if good:
        assert order(workspace, {}, until=until).until == until
    else:
        with pytest.raises(BadStop) as problem:
            order(workspace, {}, until=until)
        assert problem.value.field == "until"


@pytest.mark.parametrize(
    ("message", "kept"), [(" why ", "why"), ("x" * 500, "x" * 500), ("a\nb", "a\nb"), ("ü💥", "ü💥")]
)
def test_the_reason_is_kept_as_it_was_said(workspace, message, kept):
    assert order(workspace, {"agent": "a"}, message).message == kept


def test_ordered_again_it_has_the_new_reason_end_and_place(workspace):
    first = order(workspace, {"agent": "a"})
    later = NOW + timedelta(hours=1)
    again = order(workspace, {"agent": "a"}, "Still.", until=NOW + 2 * DAY, now=later)
    assert (again.pk, again.message, again.until, again.placed_at) == (first.pk, "Still.", NOW + 2 * DAY, later)
    same = order(workspace, {"agent": "a"}, "Still.", until=NOW + 2 * DAY, now=later + timedelta(hours=1))
    assert same.placed_at == later  # nothing is new


def test_lifted_it_is_listed_no_more_and_lifting_twice_is_once(workspace):
    stop = order(workspace, {"agent": "a"})
    order(workspace, {"agent": "b"})
    assert kill.lift(stop, NOW)
    assert not kill.lift(stop, NOW)
    assert [one.scope for one in kill.listing(workspace.pk, NOW)] == [{"agent": ["b"]}]
    assert order(workspace, {"agent": "a"}).pk == stop.pk
    assert kill.listing(workspace.pk, NOW).count() == 2


@pytest.mark.parametrize(
    ("at", "count"), [(NOW, 2), (NOW + DAY - timedelta(microseconds=1), 2), (NOW + DAY, 1), (NOW + 3 * DAY, 0)]
)
def test_what_has_ended_by_itself_is_not_listed(workspace, at, count):
    order(workspace, {"agent": "a"})
    order(workspace, {"agent": "b"}, until=NOW + 2 * DAY)
    assert kill.listing(workspace.pk, at).count() == count


def test_the_list_is_of_one_workspace_and_one_reason_newest_first(workspace):
    other = Workspace.objects.create(name="Other")
    order(other, {})
    made = [order(workspace, {"agent": str(n)}, now=NOW + timedelta(minutes=n)).pk for n in range(3)]
    stops.place(workspace.pk, {"run": ["r"]}, "budget", "b", key="b", now=NOW)
    rows = kill.listing(workspace.pk, NOW)
    assert [one.pk for one in kill.listing(workspace.pk, NOW, "kill")] == made[::-1]
    assert [one.reason for one in rows] == ["kill", "kill", "budget", "kill"]
    second = rows[1]
    assert [one.pk for one in kill.after(rows, second.placed_at, second.pk)] == [one.pk for one in rows[2:]]


def test_what_a_loop_or_a_budget_asks_for_ends_with_these(workspace):
    incidents.open_or_update(workspace.pk, REPORT, NOW)
    stops.place(workspace.pk, {"agent": ["a"]}, "budget", "b", key="b", now=NOW)
    said = {}
    for stop in Stop.objects.all():
        with pytest.raises(NotLifted) as refused:
            kill.lift(stop, NOW)
        said[stop.reason] = str(refused.value)
    assert "resolve its incident" in said["loop"] and "change its budget" in said["budget"]
    assert Stop.objects.filter(lifted_at=None).count() == 2


def test_a_session_in_a_loop_is_asked_to_stop_as_a_session(workspace, monkeypatch):
    monkeypatch.setattr(stops, "FRESH_FOR", 0.0)
    report = replace(REPORT, run_id="", facts={"session": "s-1"})
    number = incidents.open_or_update(workspace.pk, report, NOW)
    assert [one.whom for one in stops.asked(workspace.pk, {"session": "s-1", "run": "r"})] == [{"session": "s-1"}]
    assert stops.asked(workspace.pk, {"session": "s-2"}) == []
    incidents.settle(Incident.objects.get(pk=number), NOW, "over")
    assert stops.asked(workspace.pk, {"session": "s-1"}) == []


def test_an_incident_of_neither_run_nor_session_stops_nobody(workspace):
    incidents.open_or_update(workspace.pk, replace(REPORT, run_id=""), NOW)
    assert not Stop.objects.exists()
