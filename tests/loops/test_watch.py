"""From recorded calls to incidents: once, whatever runs twice, in whatever order and portions they come."""

import random
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from costwatch.alerts import incidents
from costwatch.alerts.models import Incident, Severity, State
from costwatch.ledger.fold import fold_all
from costwatch.ledger.models import FeedReader, FoldedBatch
from costwatch.ledger.record import record
from costwatch.loops import lessons, memory, watch
from costwatch.loops.models import UsualRun, WatchedRun
from tests.loops.conftest import NOW, call, looping, working

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
REPEAT = {"tool": "get_order", "call_fingerprint": "order 7", "input_fingerprint": "pending"}


def only() -> Incident:
    return Incident.objects.get()


def test_a_loop_becomes_an_incident_that_says_what_when_and_how_dear(send):
    send(*looping(9))
    incident = only()
    assert (incident.kind, incident.severity, incident.state) == ("loop", "alarm", "open")
    assert (incident.subject, incident.run_id, incident.stops) == ("triage", "r-loop", True)
    assert incident.title == "triage: caught in a loop"
    assert "triage repeated get_order with the same arguments and the same result" in incident.message
    assert incident.facts["tool"] == "get_order"
    assert incident.facts["rule"] == "repeat"
    assert Decimal(incident.facts["repeats_cost_usd"]) == incident.amount > 0


def test_calls_that_all_came_at_once_have_no_pace_and_a_slow_cheap_loop_has_one_above_zero(send):
    send(*(call("r-fill", n, 600 - n / 100, **REPEAT) for n in range(20)))
    assert only().severity == Severity.CRITICAL
    assert only().facts["pace_usd_per_hour"] is None
    assert "/h" not in only().message and "$0.30 spent on repeats." in only().message
    Incident.objects.all().delete()
    send(*(call("r-slow", n, 6_000 - 300 * n, **REPEAT | {"cost": "0.000001"}) for n in range(9)))
    assert 0 < Decimal(only().facts["pace_usd_per_hour"]) < Decimal("0.0001")
    assert "about $0.0000" in only().message


def test_work_that_brings_something_new_is_no_incident(send):
    send(*working(30))
    assert not Incident.objects.exists()


def test_the_incident_is_opened_by_the_event_that_decided_at_its_own_time(send):
    calls = looping(9)
    send(*calls)
    incident = only()
    deciding = next(c for c in calls if c.event_id == incident.opened_by_event)
    assert incident.opened_at == deciding.timestamp
    assert 4 <= deciding.step <= 6


def test_a_notice_that_becomes_an_alarm_is_opened_anew_and_keeps_its_history(send):
    calls = looping(9)
    for one in calls:
        send(one)
    incident = only()
    assert [entry.action for entry in incident.timeline.all()] == ["opened", "raised"]
    at_once = incident.opened_by_event
    Incident.objects.all().delete()
    WatchedRun.objects.all().delete()
    FeedReader.objects.update(position=0)
    watch.watch_all(NOW, 10)
    assert only().opened_by_event == at_once


def test_the_time_in_the_message_is_that_of_the_workspace(send, workspace):
    workspace.time_zone = "Asia/Kathmandu"
    workspace.save()
    send(*looping(9))
    since = NOW - timedelta(seconds=600) + timedelta(seconds=5) + timedelta(hours=5, minutes=45)
    assert f"since {since:%H:%M}" in only().message


def test_looking_twice_or_with_a_lost_place_opens_nothing_twice(send):
    send(*looping(9))
    watch.watch_all(NOW, 10)
    before = (only().pk, only().timeline.count())
    FeedReader.objects.update(position=0)
    watch.watch_all(NOW, 10)
    assert (only().pk, only().timeline.count()) == before


def test_what_a_killed_look_did_is_undone_and_done_by_the_next(send, lane):
    send(*looping(9), look=False)
    fold_all()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        watch.watch(NOW)
        1 / 0  # noqa: B018
    assert not Incident.objects.exists()
    watch.watch(NOW)
    assert Incident.objects.count() == 1


@pytest.mark.parametrize("seed", range(4))
def test_calls_in_any_order_and_portions_give_the_verdict_of_those_in_order(send, seed):
    calls = looping(12)
    send(*calls)
    expected = (only().opened_by_event, only().severity, only().facts["repeats"])
    Incident.objects.all().delete()
    again = looping(12, "r-again")
    dice = random.Random(seed)
    dice.shuffle(again)
    while again:
        portion = [again.pop() for _ in range(min(len(again), dice.randint(1, 4)))]
        send(*portion)
    incident = only()
    got = (incident.opened_by_event.replace("again", "loop"), incident.severity, incident.facts["repeats"])
    assert got == expected


def test_a_duplicate_event_is_no_repeat(send):
    first, second, *_ = looping(2)
    for _ in range(10):
        send(first, second)
    assert not Incident.objects.exists()


def test_a_run_whose_state_is_gone_is_judged_from_the_ledger(send):
    calls = looping(9)
    send(*calls[:4])
    memory.forget(NOW + timedelta(days=3))
    assert not WatchedRun.objects.exists()
    send(*calls[4:])
    assert only().facts["repeats"] == 8


def test_a_run_that_goes_on_keeps_the_figures_of_its_incident_up_to_date(send):
    calls = looping(13)
    send(*calls[:9])
    before = only()
    send(*calls[9:])
    after = only()
    assert after.facts["repeats"] == before.facts["repeats"] + 4
    assert after.amount == before.amount + Decimal("0.08")
    assert after.facts["calls"] == 13


def test_it_gets_critical_and_says_so_once(send):
    for one in looping(25):
        send(one)
    incident = only()
    assert incident.severity == "critical"
    assert [entry.action for entry in incident.timeline.all()] == ["opened", "raised", "raised"]


def test_a_run_far_beyond_the_usual_length_is_an_incident_of_the_whole_run(send):
    dice = random.Random(3)
    send(*(call("r-long", n, 3000 - 5 * n, input_tokens=dice.randrange(9_000), output_tokens=dice.randrange(900))
           for n in range(110)))  # fmt: skip
    incident = only()
    assert (incident.severity, incident.facts["rule"], incident.facts["calls"]) == ("alarm", "calls", 110)
    assert incident.amount == Decimal("2.2")
    assert "far more than this task normally takes" in incident.message


def test_a_run_that_repeats_itself_and_is_too_long_is_one_incident(send):
    for one in looping(60):
        send(one)
    assert only().severity == "critical"


def test_a_storm_of_failed_requests_is_a_notice_of_its_own(send):
    send(
        *(call("r-storm", n, 600 - n, error=True, event_id=f"failed {n}") for n in range(12)),
        *looping(9, "r-storm", ago=500),
    )
    assert {i.facts["rule"]: i.severity for i in Incident.objects.all()} == {"retries": "notice", "repeat": "alarm"}


def test_the_usual_length_is_learnt_from_runs_that_ended_before(send, lane):
    for number in range(12):
        send(*working(6, f"r-{number}", ago=40_000 - 2_000 * number))
    usual = UsualRun.objects.get(lane=lane, everyone=False, agent="triage", task="refund")
    assert memory._usual(bytes(usual.usual)).calls == [6] * 11
    assert WatchedRun.objects.filter(learnt=False).count() == 1


def test_what_is_learnt_does_not_depend_on_the_portions(send, lane):
    runs = [c for number in range(12) for c in working(6, f"r-{number}", ago=40_000 - 2_000 * number)]
    send(*runs)
    usual = UsualRun.objects.get(lane=lane, everyone=True)
    assert memory._usual(bytes(usual.usual)).calls == [6] * 11


def test_workspaces_learn_and_are_told_apart(send, workspace, django_user_model):
    other = type(workspace).objects.create(name="Other")
    record(other.lane, looping(9))
    send(*working(9))
    assert only().workspace == other
    assert set(WatchedRun.objects.values_list("lane", flat=True)) == {workspace.lane, other.lane}


def test_calls_without_a_run_are_not_judged(send):
    send(*(call("", n, 600 - 5 * n, run_id=None, event_id=f"x{n}", call_fingerprint="a") for n in range(20)))
    assert not WatchedRun.objects.exists()
    assert not Incident.objects.exists()


def test_a_tool_that_may_repeat_and_a_batch_task_raise_nothing(send, workspace):
    assert lessons.teach(workspace.pk, "tool", "get_order", "mara@l.example", NOW)
    assert not lessons.teach(workspace.pk, "tool", "get_order", "mara@l.example", NOW)
    send(*looping(9))
    lessons.teach(workspace.pk, "task", "nightly", "mara@l.example", NOW)
    send(*looping(9, "r-2", task="nightly", tool="other"))
    assert not Incident.objects.exists()


def test_calls_marked_or_tagged_as_batch_raise_nothing(send):
    send(*looping(9, "r-1", batch=True), *looping(9, "r-2", tags={"batch": "true"}))
    assert not Incident.objects.exists()


def test_an_incident_is_over_an_hour_after_the_last_that_was_heard_of_its_run(send):
    send(*looping(9))
    assert watch.settle(NOW + timedelta(minutes=50)) == 0
    assert watch.settle(NOW + timedelta(minutes=61)) == 1
    assert only().state == State.RESOLVED
    assert watch.settle(NOW + timedelta(minutes=62)) == 0


def test_what_was_called_expected_stays_so_however_bad_it_gets(send):
    calls = looping(30)
    send(*calls[:9])
    incidents.act(only(), "expected", "mara", NOW)
    send(*calls[9:])
    incident = only()
    assert (incident.state, incident.severity) == (State.EXPECTED, Severity.CRITICAL)


def test_the_feed_forgets_what_was_read_and_keeps_what_was_not(send, lane):
    from costwatch.ledger import feed

    send(*looping(3))
    send(*looping(6)[3:], look=False)
    fold_all()
    feed.prune()
    assert FoldedBatch.objects.count() == 1
    watch.watch_all(NOW, 10)
    feed.prune()
    assert not FoldedBatch.objects.exists()


def test_a_context_that_grows_without_use_is_a_notice_of_its_own_and_stops_nobody(send, workspace):
    send(*[call("r-long", n, 600 - 5 * n, cost="0.2", call_fingerprint=f"c{n}", input_fingerprint=f"i{n}",
                input_tokens=1_000 + 4_000 * n, output_tokens=40) for n in range(40)])  # fmt: skip
    found = Incident.objects.get(facts__rule="growth")
    assert (found.severity, found.stops, found.run_id) == (Severity.NOTICE, False, "r-long")
    assert (found.facts["context_before"], found.amount >= 5) == (1_000, True)
    assert found.facts["context_now"] >= 20_000
