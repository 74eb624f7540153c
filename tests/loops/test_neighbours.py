"""From recorded calls to incidents about a loop's neighbours: once, however often one looks."""

import random
from datetime import timedelta

import pytest

from costwatch.accounts.models import Workspace
from costwatch.alerts import incidents, stops
from costwatch.alerts.models import Incident, Severity, State
from costwatch.ledger.fold import fold_all
from costwatch.ledger.record import record
from costwatch.loops import lessons, neighbours, watch
from tests.loops.conftest import NOW, call

pytestmark = pytest.mark.django_db


@pytest.fixture
def store(lane):
    def store(*entries) -> None:
        record(lane, list(entries))
        fold_all()

    return store


def circling(times: int, session: str = "s-1", cost: str = "0.02", **more):
    """Two agents hand a session to and fro, each turn a run of its own, the last one just now."""
    said = [("sales", "hand on"), ("support", "not mine")] * times
    return [call(f"{session}.{n}", 0, 20 * (len(said) - n), session_id=session, agent_id=agent, cost=cost,
                 **({"call_fingerprint": words} | more)) for n, (agent, words) in enumerate(said)]  # fmt: skip


def failing(times: int, *, task: str = "nightly", cost: str | None = "0.02", ago: float = 60):
    """A task that is started every minute and whose second call fails."""
    made = []
    for n in range(times):
        began = ago + 60 * (times - n)
        made += [call(f"{task}-{n}", 0, began, task=task, agent_id="cron", cost=cost, input_tokens=900),
                 call(f"{task}-{n}", 1, began - 5, task=task, agent_id="cron", cost=None, error=True,
                      input_tokens=900)]  # fmt: skip
    return made


def only() -> Incident:
    return Incident.objects.get()


def test_a_circle_across_runs_is_an_alarm_that_asks_its_session_to_stop(store, workspace):
    store(*circling(5))
    neighbours.look(NOW)
    incident = only()
    assert (incident.kind, incident.severity, incident.run_id) == ("loop", Severity.ALARM, "")
    assert incident.title == "sales and support answer each other in circles"
    assert "hand session s-1 to and fro: 8 turns in" in incident.message
    assert stops.asked(workspace.pk, {"session": "s-1"})[0].reason == "loop"
    incidents.act(incident, "resolve", "mara", NOW)
    stops.forget()
    assert not stops.asked(workspace.pk, {"session": "s-1"})


def test_looking_again_adds_to_the_same_incident(store):
    store(*circling(5))
    neighbours.look(NOW)
    neighbours.look(NOW)
    assert only().timeline.count() == 1
    store(*[one for one in circling(9, cost="0.05") if one.run_id not in {f"s-1.{n}" for n in range(10)}])
    neighbours.look(NOW)
    assert only().amount > 0


@pytest.mark.parametrize("seed", range(3))
def test_turns_and_attempts_that_come_late_and_in_any_order_give_the_same_verdict(store, lane, seed):
    calls = [*circling(6), *failing(7)]
    store(*calls)
    neighbours.look(NOW)
    expected = {one.title: (one.severity, one.amount, one.facts) for one in Incident.objects.all()}
    assert len(expected) == 2
    other = Workspace.objects.create(name="Out of order", time_zone="Europe/Berlin")
    random.Random(seed).shuffle(calls)
    for i in range(0, len(calls), 5):
        record(other.lane, calls[i : i + 5])
        fold_all()
        neighbours.look(NOW)
    late = {one.title: (one.severity, one.amount, one.facts) for one in Incident.objects.filter(workspace=other)}
    assert late == expected


def test_a_cheap_or_suspected_circle_is_a_notice_and_stops_nobody(store, workspace):
    store(*circling(5, cost="0.0001"), *circling(12, "s-2", call_fingerprint=None, output_tokens=40))
    neighbours.look(NOW)
    assert list(Incident.objects.values_list("severity", flat=True)) == ["notice", "notice"]
    assert not stops.asked(workspace.pk, {"session": "s-1"}) + stops.asked(workspace.pk, {"session": "s-2"})


def test_a_session_with_ever_new_turns_is_none(store):
    store(*[call(f"r{n}", 0, 600 - 20 * n, session_id="s", agent_id=("a", "b")[n % 2], call_fingerprint=f"{n}")
            for n in range(30)])  # fmt: skip
    assert neighbours.look(NOW) == 0


def test_a_task_that_is_started_and_fails_again_and_again_is_named_with_its_pace(store):
    store(*failing(6))
    neighbours.look(NOW)
    incident = only()
    assert incident.title == "nightly of cron: started again and again, fails"
    assert (
        "was started 6 times in a row and failed in the same way each time, about every 60 seconds" in incident.message
    )
    assert (incident.severity, incident.facts["count"], incident.stops) == ("alarm", 6, False)


def test_failures_that_cost_nothing_are_a_notice(store):
    store(*failing(6, cost=None))
    neighbours.look(NOW)
    assert only().severity == Severity.NOTICE


def test_a_task_that_went_well_in_the_end_or_is_a_batch_is_none(store, workspace):
    store(*failing(6), call("nightly-ok", 0, 30, task="nightly", agent_id="cron"))
    assert neighbours.look(NOW) == 0
    store(*failing(6, task="import"))
    lessons.teach(workspace.pk, "task", "import", "mara", NOW)
    assert neighbours.look(NOW) == 0


def test_what_has_not_gone_on_is_resolved_after_an_hour(store):
    store(*failing(6))
    neighbours.look(NOW)
    assert watch.settle(NOW + timedelta(minutes=59)) == 0
    assert watch.settle(NOW + timedelta(minutes=61)) == 1
    assert only().state == State.RESOLVED
    assert only().timeline.last().text == "It has not gone on"


def lengthening(per_week: list[int], runs: int = 20):
    """Runs of a task over the weeks before this one, so many calls each."""
    made = []
    for weeks_ago, calls in enumerate(reversed(per_week), 1):
        for n in range(runs):
            began = (7 * weeks_ago + NOW.weekday() - 2) * 86_400 + 60 * n
            made += [call(f"w{weeks_ago}-{n}", c, began - c, task="triage", agent_id="bot") for c in range(calls)]
    return made


def test_a_task_whose_runs_get_longer_week_by_week_is_named_once(store):
    store(*lengthening([2, 3, 4, 5, 6]))
    neighbours.look_at_weeks(NOW)
    neighbours.look_at_weeks(NOW + timedelta(days=1))
    incident = only()
    assert incident.title == "triage of bot: runs get longer week by week"
    assert "in the middle 2 calls in the week of" in incident.message and "6 last week" in incident.message
    assert (incident.severity, incident.facts["weeks"]) == ("notice", 5)
    assert watch.settle(NOW + timedelta(days=7)) == 0
    assert watch.settle(NOW + timedelta(days=10)) == 1


def test_weeks_of_even_length_are_none(store):
    store(*lengthening([3, 3, 4, 3, 3]))
    assert neighbours.look_at_weeks(NOW) == 0


def test_names_may_be_anything_and_empty(store):
    store(*circling(5, "s'; --<b>"), *failing(6, task=""))
    assert neighbours.look(NOW) == 2


def test_other_workspaces_are_looked_at_apart(store, workspace):
    other = Workspace.objects.create(name="Other")
    half = circling(5)
    store(*half[::2])
    record(other.lane, half[1::2])
    fold_all()
    assert neighbours.look(NOW) == 0
