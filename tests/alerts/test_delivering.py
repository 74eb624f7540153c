"""From an incident's change to the sink and the log: told once, to whom it is for, never the wrong ones."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from costwatch.alerts import compose, deliver, incidents, tasks
from costwatch.alerts.models import Attempt, Delivery, Incident, Severity
from tests.alerts.conftest import NOW, later
from tests.alerts.sinks import answer, bodies, numbers

pytestmark = pytest.mark.django_db


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
