"""Who is told of what, and what the next message takes along."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from costwatch.alerts import channels, compose, deliver, incidents, listing, outbox, queue, remind
from costwatch.alerts.deliver import FOR_FAILING, Senders
from costwatch.alerts.models import Channel, Delivery, Incident, Kind, Notice, Severity, State
from tests.alerts.conftest import later
from tests.alerts.sinks import answer, bodies, numbers

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
NOW = datetime.now(UTC)
crossing = st.fixed_dictionaries(
    {"threshold": st.integers(1, 5), "basis": st.sampled_from(["actual", "forecast"]), "at": st.sampled_from("xyz")}
)
crossings = st.lists(crossing, max_size=6)


@given(crossings, crossings)
def test_new_is_a_crossing_whose_threshold_and_basis_were_not_known(before, after):
    new = outbox.new_crossings({"crossings": before}, {"crossings": after, "spent": 1})
    known = {(one["threshold"], one["basis"]) for one in before}
    assert new == {"crossings": [one for one in after if (one["threshold"], one["basis"]) not in known]}
    assert outbox.new_crossings({}, {"crossings": after}) == {"crossings": after}
    assert outbox.new_crossings({"crossings": before}, {"spent": 1}) == {}


@pytest.mark.parametrize(("minimum", "severity", "told"), [
    ("alarm", "alarm", True), ("alarm", "critical", True), ("critical", "alarm", False), ("critical", "critical", True),
])  # fmt: skip
@pytest.mark.parametrize("chosen", [True, False])
def test_a_channel_is_told_from_its_severity_on_also_where_it_was_chosen(
    webhook, opened, minimum, severity, told, chosen
):
    channel, sink = webhook(min_severity=minimum, is_default=not chosen)
    opened(severity=Severity(severity), channels=(channel.pk,) if chosen else ())
    deliver.send_all()
    assert len(sink.got) == told


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind != Kind.DELIVERY])
def test_a_channel_for_some_kinds_is_told_of_these_and_of_all_where_it_was_chosen(webhook, opened, kind):
    channel, sink = webhook(kinds=["budget", "pricing"])
    opened("usual", kind=kind)
    opened("chosen", kind=kind, channels=(channel.pk,))
    deliver.send_all()
    told = [one["title"] for body in bodies(sink) for one in body["incidents"]]
    assert ("loop usual" in told) is (kind in ("budget", "pricing"))
    assert "loop chosen" in told


def test_channels_of_other_workspaces_are_told_nothing_even_where_they_were_chosen(workspace, webhook, opened, local):
    other, _ = channels.create(type(workspace).objects.create(name="Other"),
                               {"kind": "webhook", "name": "theirs", "url": "http://127.0.0.1:9/x"})  # fmt: skip
    own, sink = webhook("ours")
    opened(channels=(other.pk,))
    assert list(Notice.objects.values_list("channel", flat=True)) == [own.pk]
    deliver.send_all()
    assert len(sink.got) == 1


def test_a_loop_below_the_money_gate_is_told_nobody_until_it_is_worth_it(webhook, opened):
    _, sink = webhook()
    opened(facts={"worth_a_message": False})
    deliver.send_all()
    assert sink.got == []
    opened(severity=Severity.CRITICAL, facts={"worth_a_message": True})
    deliver.send_all()
    assert [body["type"] for body in bodies(sink)] == ["incident.updated"]


def test_a_notice_that_becomes_an_alarm_is_told_as_opened(webhook, opened):
    _, sink = webhook()
    opened(severity=Severity.NOTICE)
    opened(severity=Severity.ALARM)
    deliver.send_all()
    assert [(body["type"], body["incidents"][0]["severity"]) for body in bodies(sink)] == [("incident.opened", "alarm")]


def test_what_opens_again_is_told_as_opened(webhook, opened):
    _, sink = webhook()
    incident = opened()
    deliver.send_all()
    incidents.settle(incident, NOW, "over")
    later(10)
    deliver.send_all()
    opened(severity=Severity.CRITICAL)
    later(10)
    deliver.send_all()
    assert [body["type"] for body in bodies(sink)] == ["incident.opened", "incident.resolved", "incident.opened"]


def test_what_began_and_ended_before_anything_was_sent_is_one_message(webhook, opened):
    _, sink = webhook()
    incident = opened()
    incidents.settle(incident, NOW, "over")
    deliver.send_all()
    later(120)
    deliver.send_all()
    assert [(body["type"], body["incidents"][0]["state"]) for body in bodies(sink)] == [("incident.opened", "resolved")]


def test_who_was_told_hears_the_end_although_the_channel_is_for_other_things_by_then(webhook, opened):
    channel, sink = webhook()
    incident = opened()
    deliver.send_all()
    channels.change(channel, {"is_default": False, "kinds": ["pricing"], "min_severity": "critical"})
    incidents.act(incident, "resolve", "mara", NOW)
    later(10)
    deliver.send_all()
    assert bodies(sink)[-1]["type"] == "incident.resolved"


def test_a_new_channel_hears_of_no_end_of_what_it_was_not_told(webhook, opened):
    webhook("old")
    incident = opened()
    deliver.send_all()
    _, sink = webhook("new")
    incidents.settle(incident, NOW, "over")
    later(10)
    deliver.send_all()
    assert sink.got == []


def test_only_services_with_alarms_of_their_own_hear_that_somebody_is_at_it(workspace, webhook, sink, opened):
    _, hook = webhook()
    pager = sink(answer(202))
    channels.create(workspace, {"kind": "pagerduty", "name": "p", "routing_key": "a" * 32, "url": pager.url})
    incident = opened()
    deliver.send_all()
    incidents.act(incident, "ack", "mara", NOW)
    deliver.send_all()
    assert [got.json["event_action"] for got in pager.got] == ["trigger", "acknowledge"]
    assert [body["type"] for body in bodies(hook)] == ["incident.opened"]


def test_what_a_message_says_stays_while_the_incident_goes_on(webhook, opened, workspace):
    _, sink = webhook(behave=lambda handler, number: answer(500 if number < 3 else 200)(handler, number))
    opened(title="first")
    deliver.send_all()
    incidents.refresh(workspace.pk, "k", {"calls": 99}, None, NOW, "another message")
    for _ in range(2):
        later(60)
        deliver.send_all()
    assert len(sink.got) == 3
    assert sink.got[0].body == sink.got[1].body == sink.got[2].body
    assert sink.got[0].json["incidents"][0]["message"] == "It loops."


def test_a_digest_does_not_wait_for_what_is_collected_and_holds_up_nothing(webhook, opened):
    channel, sink = webhook()
    opened("a")
    deliver.send_all()
    opened("b")
    queue.enqueue_digest(channel, {"title": "t"}, "1")
    deliver.send_all()
    assert [body["type"] for body in bodies(sink)] == ["incident.opened", "digest"]
    later(2)
    deliver.send_all()
    assert numbers(bodies(sink)[2]) == [Incident.objects.get(dedupe_key="b").pk]


def test_more_than_two_thousand_are_told_in_several_messages(webhook, opened, monkeypatch):
    monkeypatch.setattr(compose, "MOST", 7)
    _, sink = webhook()
    made = [opened(f"{n}").pk for n in range(20)]
    for _ in range(4):
        deliver.send_all()
        later(61)
    assert [len(numbers(body)) for body in bodies(sink)] == [7, 7, 6]
    assert sorted(number for body in bodies(sink) for number in numbers(body)) == made


def test_what_waits_for_a_channel_is_counted_once(webhook, opened):
    channel, _ = webhook(behave=answer(500))
    assert queue.waiting_count(channel) == 0
    opened("a"), opened("b")
    deliver.send_all()
    opened("c")
    assert queue.waiting_count(channel) == 3
    channels.disable(channel, "", NOW)
    assert queue.waiting_count(channel) == 0


def test_channels_that_fail_come_last(webhook, opened):
    failing, _ = webhook("a", answer(500))
    opened()
    deliver.send_all()
    later(10)
    works, _ = webhook("b")
    opened("second")
    assert queue.channels_with_work() == [(works.pk, False), (failing.pk, True)]


def test_the_worst_stand_first_and_the_newest_of_them(workspace, opened):
    for key, severity in (("n", "notice"), ("a1", "alarm"), ("c", "critical"), ("a2", "alarm")):
        opened(key, severity=Severity(severity), at=NOW - timedelta(minutes=1 if key == "a1" else 5))
    found = listing.worst_first(listing.find(workspace.pk))
    assert [one.dedupe_key for one in found] == ["c", "a1", "a2", "n"]


def test_of_a_run_the_worst_is_shown_and_what_goes_on_before_what_is_over(workspace, opened):
    opened("over", run_id="r", severity=Severity.CRITICAL)
    opened("open", run_id="r", severity=Severity.ALARM)
    opened("other kind", run_id="r", kind=Kind.BUDGET, severity=Severity.CRITICAL)
    assert listing.of_runs(workspace.pk, ["r", "never"])["r"].dedupe_key == "over"
    incidents.settle(Incident.objects.get(dedupe_key="over"), NOW, "over")
    found = listing.of_runs(workspace.pk, ["r", "never"])
    assert {run: one.dedupe_key for run, one in found.items()} == {"r": "open"}


def test_incidents_of_some_days_are_those_opened_in_them(workspace, opened):
    for key, days in (("a", 3), ("b", 2), ("c", 1)):
        opened(key, at=NOW - timedelta(days=days))
    span = (NOW - timedelta(days=2), NOW - timedelta(days=1))
    assert [one.dedupe_key for one in listing.find(workspace.pk, opened=span)] == ["b"]
    assert listing.counts(workspace.pk, span)["open"] == 1
    assert sum(listing.counts(workspace.pk).values()) == 3


def test_what_waits_is_not_forgotten_however_old_and_what_was_dropped_is(webhook, opened):
    webhook(behave=answer(500))
    incidents.act(opened("dropped"), "expected", "mara", NOW)
    incident = opened("waits")
    deliver.send_all()
    assert Notice.objects.filter(dropped=True).exists()
    later(91 * 86_400)
    remind.forget()
    assert list(Notice.objects.values_list("incident", flat=True)) == [incident.pk]
    assert Delivery.objects.get().state == "waiting"


@pytest.mark.django_db(transaction=True)
def test_channels_that_hang_do_not_take_the_place_of_one_that_works(webhook, opened):
    gate = threading.Event()

    def hang(handler, number):
        if number == 1:
            answer(500)(handler, number)
        else:
            gate.wait(20)
            answer(200)(handler, number)

    failing = [webhook(f"f{n}", hang)[0] for n in range(FOR_FAILING + 3)]
    opened("first")
    deliver.send_all()
    later(10)
    _, works = webhook("works")
    opened("second", channels=(Channel.objects.get(name="works").pk,))
    senders = Senders()
    try:
        assert senders.ring() == FOR_FAILING + 1
        assert len(works.wait(1)) == 1
        assert senders.ring() == 0  # the others have their turn when one of these is done
        gate.set()
        for _ in range(400):
            senders.ring()
            if Delivery.objects.filter(state="sent").count() >= len(failing) + 1:
                break
            threading.Event().wait(0.02)
    finally:
        gate.set()
        senders._pool.shutdown()
    assert Delivery.objects.filter(state="sent").count() >= len(failing) + 1
    assert not Incident.objects.exclude(state=State.OPEN).exists()
    connection.close()
