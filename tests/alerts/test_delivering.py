"""From an incident's change to the sink and the log: told once, again after a failure, never the wrong ones."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import F
from django.urls import reverse

from costwatch.alerts import compose, deliver, incidents, tasks
from costwatch.alerts.models import Attempt, Delivery, Incident, Notice, Severity, State
from costwatch.lib import outbound
from tests.alerts.sinks import answer, drip, drop, in_turn

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)


def later(seconds: float) -> None:
    """So many seconds pass: what was made is older, what waits for a time waits less."""
    by = timedelta(seconds=seconds)
    Delivery.objects.update(
        created_at=F("created_at") - by, next_at=F("next_at") - by, lease_until=F("lease_until") - by
    )
    Notice.objects.update(created_at=F("created_at") - by)


def bodies(sink):
    return [got.json for got in sink.got]


def numbers(body):
    return [told["id"] for told in body["incidents"]]


def test_an_alarm_reaches_the_default_channels_once(webhook, opened):
    _, first = webhook("first")
    _, second = webhook("second")
    _, third = webhook("third", is_default=False)
    incident = opened(facts={"rule": "repeat"})
    assert deliver.send_all() == 2
    assert deliver.send_all() == 0
    assert [len(s.got) for s in (first, second, third)] == [1, 1, 0]
    body = first.got[0].json
    assert (body["type"], body["workspace"]) == ("incident.opened", "Larkfield")
    (told,) = body["incidents"]
    assert told["id"] == incident.pk
    assert told["url"] == f"https://costwatch.example.org/incidents/{incident.pk}"
    assert told["facts"] == {"rule": "repeat"}
    delivery = Delivery.objects.get(uid=body["id"])
    assert (delivery.state, delivery.status, delivery.attempts, delivery.answer) == ("sent", 200, 1, "ok")
    assert delivery.sent_at and delivery.latency_ms is not None
    assert Attempt.objects.get(delivery=delivery).ok


def test_the_links_of_messages_are_those_of_the_pages(webhook, opened):
    webhook()
    incident, _ = opened("1"), opened("2")
    deliver.send_all()
    delivery, start = Delivery.objects.get(), "https://costwatch.example.org"
    assert compose.incident_url(incident.pk) == start + reverse("incident", args=[incident.pk])
    assert compose.message_of(delivery).url == start + reverse("delivery", args=[delivery.pk])
    delivery.size = 0
    assert compose.message_of(delivery).url == start + reverse("channels")


def test_a_detector_may_choose_the_channels(webhook, opened):
    chosen, sink = webhook("chosen", is_default=False)
    _, usual = webhook("usual")
    opened(channels=(chosen.pk, 999_999))
    deliver.send_all()
    assert (len(sink.got), len(usual.got)) == (1, 0)


def test_chosen_channels_that_are_switched_off_leave_it_to_the_default_ones(webhook, opened):
    chosen, _ = webhook("chosen", is_default=False)
    _, usual = webhook("usual")
    deliver.channels.disable(chosen, "", NOW)
    opened(channels=(chosen.pk,))
    deliver.send_all()
    assert len(usual.got) == 1


@pytest.mark.parametrize("severity,age,told", [
    ("notice", 0, 0), ("alarm", 0, 1), ("critical", 59, 1), ("critical", 60, 0),
])  # fmt: skip
def test_only_alarms_of_the_last_hour_are_told(webhook, opened, severity, age, told):
    _, sink = webhook()
    incident = opened(severity=Severity(severity), at=datetime.now(UTC) - timedelta(minutes=age))
    deliver.send_all()
    assert len(sink.got) == told
    incidents.settle(incident, NOW, "over")
    later(60)
    deliver.send_all()
    assert len(sink.got) == 2 * told  # a recovery is for those who heard of it


def test_a_channel_takes_what_it_is_for(webhook, opened):
    _, loud = webhook("loud", min_severity="critical")
    _, budgets = webhook("budgets", kinds=["budget"])
    opened()
    assert deliver.send_all() == 0
    opened("worse", severity=Severity.CRITICAL)
    deliver.send_all()
    assert (len(loud.got), len(budgets.got)) == (1, 0)


def test_it_is_told_again_when_it_gets_worse_and_when_it_is_over(webhook, opened):
    _, sink = webhook()
    opened()
    deliver.send_all()
    incident = opened(severity=Severity.CRITICAL)
    assert deliver.send_all() == 0  # what follows the first message within seconds is collected
    later(4)
    deliver.send_all()
    incidents.act(incident, "resolve", "mara", NOW)
    deliver.send_all()
    assert [body["type"] for body in bodies(sink)] == ["incident.opened", "incident.updated", "incident.resolved"]
    assert [told["severity"] for body in bodies(sink) for told in body["incidents"]] == [
        "alarm",
        "critical",
        "critical",
    ]
    assert bodies(sink)[2]["incidents"][0]["state"] == "resolved"


def crossings(*thresholds):
    return {"crossings": [{"threshold": t, "at": f"2026-11-18T13:0{n}:00Z"} for n, t in enumerate(thresholds)]}


def cross(workspace, facts, severity=Severity.ALARM):
    now = datetime.now(UTC)
    return incidents.tell_again(workspace.pk, "k", facts, "80 %", "More is spent.", severity, None, now, now)


def test_each_crossing_is_in_one_message(workspace, webhook, opened):
    _, sink = webhook()
    incident = opened(facts={**crossings(50), "limit_usd": "10"})
    deliver.send_all()
    incidents.act(incident, "ack", "mara", NOW)
    assert cross(workspace, crossings(50, 80))
    assert cross(workspace, crossings(50, 80, 100), Severity.CRITICAL)
    later(4)
    deliver.send_all()
    incident.refresh_from_db()
    assert (incident.state, incident.severity, incident.title) == (State.OPEN, "critical", "80 %")
    assert incident.facts == {**crossings(50, 80, 100), "limit_usd": "10"}
    incidents.settle(incident, NOW, "a new month")
    later(4)
    deliver.send_all()
    told = [[c["threshold"] for c in body["incidents"][0]["facts"]["crossings"]] for body in bodies(sink)]
    assert told == [[50], [80, 100], []]


def test_a_worse_report_tells_only_the_crossings_that_are_new(webhook, opened):
    _, sink = webhook()
    opened(facts=crossings(50))
    deliver.send_all()
    opened(facts=crossings(50, 100), severity=Severity.CRITICAL)
    later(4)
    deliver.send_all()
    told = [[c["threshold"] for c in body["incidents"][0]["facts"]["crossings"]] for body in bodies(sink)]
    assert told == [[50], [100]]


def test_what_crosses_before_the_first_message_went_is_in_it(workspace, webhook, opened):
    _, sink = webhook()
    opened(facts=crossings(50))
    cross(workspace, crossings(50, 80))
    deliver.send_all()
    (body,) = bodies(sink)
    assert body["type"] == "incident.opened"
    assert [c["threshold"] for c in body["incidents"][0]["facts"]["crossings"]] == [50, 80]


def test_what_is_expected_is_told_no_more_and_what_is_not_there_cannot_be(workspace, webhook, opened):
    _, sink = webhook()
    incident = opened()
    incidents.act(incident, "expected", "mara", NOW)
    deliver.send_all()
    assert sink.got == []
    assert not cross(workspace, crossings(80))
    assert not incidents.tell_again(workspace.pk, "none", {}, "t", "m", Severity.ALARM, None, NOW, NOW)


def test_a_snoozed_one_is_told_when_the_snooze_is_over(workspace, webhook, opened):
    _, sink = webhook()
    incident = opened()
    incidents.act(incident, "snooze", "mara", NOW, until=NOW + timedelta(hours=1))
    cross(workspace, crossings(80))
    deliver.send_all()
    assert sink.got == []
    incidents.wake(NOW + timedelta(hours=2))
    deliver.send_all()
    assert numbers(bodies(sink)[0]) == [incident.pk]


def test_in_quiet_hours_only_what_is_critical_goes_out(webhook, opened):
    now = datetime.now(UTC)
    hours = {"quiet_from": f"{now - timedelta(hours=1):%H:%M}", "quiet_until": f"{now + timedelta(hours=1):%H:%M}"}
    channel, sink = webhook(**hours, time_zone="UTC")
    waiting, urgent = opened("a"), opened("b", severity=Severity.CRITICAL)
    deliver.send_all()
    assert [numbers(body) for body in bodies(sink)] == [[urgent.pk]]
    deliver.channels.change(channel, {"quiet_from": None, "quiet_until": None})
    later(4)
    deliver.send_all()
    assert numbers(bodies(sink)[1]) == [waiting.pk]


@pytest.mark.thorough
def test_five_hundred_in_a_minute_are_a_handful_of_messages(webhook, opened):
    _, sink = webhook()
    made = []
    for second in range(60):
        began = time.monotonic()
        made += [opened(f"{second} {n}").pk for n in range(9 if second % 3 else 7)]
        deliver.send_all()
        later(max(0, 1 - (time.monotonic() - began)))
    later(60)
    deliver.send_all()
    assert len(made) == 500
    assert len(sink.got) <= 5
    assert sorted(number for body in bodies(sink) for number in numbers(body)) == sorted(made)


def test_all_at_once_is_one_message(webhook, opened):
    _, sink = webhook()
    made = [opened(f"{n}").pk for n in range(40)]
    deliver.send_all()
    assert [numbers(body) for body in bodies(sink)] == [made]


@pytest.mark.parametrize("first,status", [(answer(500, "oops"), 500), (answer(408), 408), (drop, None)])
def test_what_failed_is_sent_again_under_the_same_id(webhook, opened, first, status):
    _, sink = webhook(behave=in_turn(first, answer(200)))
    opened()
    deliver.send_all()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.status, delivery.attempts) == ("waiting", status, 1)
    assert deliver.send_all() == 0  # it rests
    later(6.1)
    deliver.send_all()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("sent", 2)
    assert [body["id"] for body in bodies(sink)] == [str(delivery.uid)] * 2
    assert list(Attempt.objects.values_list("ok", "status")) == [(False, status), (True, 200)]


def test_what_the_other_side_asks_for_is_honoured(webhook, opened):
    _, sink = webhook(behave=in_turn(answer(429, Retry_After="120"), answer(200)))
    opened()
    deliver.send_all()
    later(119)
    deliver.send_all()
    assert len(sink.got) == 1
    later(1.5)
    deliver.send_all()
    assert len(sink.got) == 2


def test_new_incidents_wait_behind_a_message_that_fails_and_come_together(webhook, opened):
    _, sink = webhook(behave=in_turn(answer(500), answer(200)))
    first = opened("1")
    deliver.send_all()
    others = [opened(f"{n}").pk for n in (2, 3)]
    deliver.send_all()
    assert len(sink.got) == 1
    later(7)
    deliver.send_all()
    assert [numbers(body) for body in bodies(sink)] == [[first.pk], [first.pk], others]


@pytest.mark.parametrize("behave", [answer(404, "no_service"), answer(410)])
def test_a_channel_that_is_gone_is_switched_off_and_others_are_told(webhook, opened, behave):
    gone, sink = webhook("gone", behave, is_default=False)
    _, other = webhook("other")
    incident = opened(channels=(gone.pk,))
    deliver.send_all()
    deliver.send_all()
    gone.refresh_from_db()
    assert gone.disabled_at and len(sink.got) == 1
    assert Delivery.objects.get(channel=gone).state == "failed"
    trouble = Incident.objects.get(kind="delivery")
    assert trouble.title == "The channel gone is switched off"
    told = [number for body in bodies(other) for number in numbers(body)]
    assert sorted(told) == sorted([incident.pk, trouble.pk])  # what it was to tell goes over the other one
    later(90_000)
    assert deliver.send_all() == 0


def test_a_channel_that_keeps_failing_is_told_over_the_others_and_settles(webhook, opened):
    _, sink = webhook("late", in_turn(*[answer(503)] * 5, answer(200)))
    _, other = webhook("other")
    opened()
    for _ in range(5):
        deliver.send_all()
        later(2_000)
    deliver.send_all()
    trouble = Incident.objects.get(kind="delivery")
    assert trouble.title == "Messages do not reach late"
    assert (trouble.state, len(sink.got)) == (State.RESOLVED, 6)
    assert trouble.pk in [number for body in bodies(other) for number in numbers(body)]


def test_after_a_day_a_message_is_given_up_and_goes_another_way(webhook, opened):
    late, _ = webhook("late", answer(500), is_default=False)
    _, other = webhook("other")
    incident = opened(channels=(late.pk,))
    deliver.send_all()
    later(24 * 3600 + 1)
    deliver.send_all()
    assert Delivery.objects.get(channel=late).state == "failed"
    deliver.send_all()
    assert incident.pk in [number for body in bodies(other) for number in numbers(body)]


def test_a_message_that_is_refused_does_not_hold_up_the_others_for_a_day(webhook, opened):
    webhook(behave=answer(422, "what is this"))
    opened()
    for _ in range(3):
        deliver.send_all()
        later(100)
    assert list(Delivery.objects.values_list("state", "attempts")) == [("failed", 3)]
    trouble = Incident.objects.get(kind="delivery")
    assert trouble.severity == "notice"  # there is no other channel to tell


def test_a_server_that_drips_is_cut_off(webhook, opened, monkeypatch):
    monkeypatch.setitem(outbound.call.__kwdefaults__, "seconds", 0.5)
    webhook(behave=drip)
    opened()
    deliver.send_all()
    assert "within 0.5 seconds" in Delivery.objects.get().answer


def test_a_lease_is_taken_over_when_it_is_over_and_the_late_answer_still_counts(webhook, opened):
    channel, _ = webhook()
    opened()
    job = deliver.queue.claim(channel.pk)
    assert deliver.queue.claim(channel.pk) is None
    later(46)
    second = deliver.queue.claim(channel.pk)
    assert (second.delivery.pk, second.attempt) == (job.delivery.pk, 2)
    assert deliver.queue.record(job, deliver.attempt(job), 1.0).sent
    delivery = Delivery.objects.get()
    assert delivery.state == "sent"
    deliver.queue.record(second, deliver.Undeliverable("late"), 1.0)
    delivery.refresh_from_db()
    assert delivery.state == "sent"


def test_a_deleted_channel_gets_nothing(webhook, opened):
    channel, sink = webhook()
    opened()
    deliver.channels.delete(channel, NOW)
    assert deliver.send_all() == 0
    opened("other")
    assert deliver.send_all() == 0
    assert sink.got == []


def test_a_digest_goes_once_for_each_key(webhook):
    channel, sink = webhook()
    digest = {"title": "Week 47", "text": "You spent $12.", "url": "https://costwatch.example.org/digests"}
    assert deliver.queue.enqueue_digest(channel, digest, "2026-47")
    assert not deliver.queue.enqueue_digest(channel, digest, "2026-47")
    deliver.send_all()
    (body,) = bodies(sink)
    assert (body["type"], body["incidents"], body["digest"]) == ("digest", [], digest)


@pytest.mark.django_db(transaction=True)
def test_the_task_returns_at_once_and_its_threads_deliver(webhook, opened):
    answered = threading.Event()
    _, slow = webhook("slow", lambda handler, number: (answered.wait(8), answer(200)(handler, number)))
    _, quick = webhook("quick")
    opened()
    tasks.deliver()
    assert len(quick.wait(1)) == 1
    incidents.settle(Incident.objects.get(), NOW, "over")
    assert len(quick.wait(2)) == 2  # found without another task
    assert len(slow.wait(1)) == 1 and not Delivery.objects.filter(channel__name="slow", state="sent").exists()
    answered.set()
    until = time.monotonic() + 10
    while Delivery.objects.filter(state="sent").count() < 4 and time.monotonic() < until:
        time.sleep(0.05)
    deliver.senders.halt()
    assert Delivery.objects.filter(state="sent").count() == 4


def test_a_message_made_while_another_crossing_comes_lists_its_own_alone(workspace, webhook, opened):
    webhook()
    incident = opened(facts=crossings(50))
    first = Notice.objects.get()
    assert cross(workspace, crossings(50, 80))  # committed after the message's notices were read
    incident.refresh_from_db()
    told = [compose._told(incident, [notice])["facts"]["crossings"] for notice in (first, Notice.objects.last())]
    assert [[one["threshold"] for one in part] for part in told] == [[50], [80]]
