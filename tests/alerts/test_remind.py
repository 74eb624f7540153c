"""What nobody acknowledged is told again, and to a second channel; once, whoever looks."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from costwatch.alerts import channels, deliver, incidents, remind
from costwatch.alerts.models import Attempt, Delivery, Notice
from tests.alerts.conftest import later
from tests.alerts.sinks import bodies, numbers

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)


def test_an_open_incident_is_told_again_after_the_interval(webhook, opened):
    _, sink = webhook(renotify_minutes=30)
    incident = opened()
    deliver.send_all()
    later(29 * 60)
    assert remind.remind(datetime.now(UTC)) == 0
    later(61)
    assert remind.remind(datetime.now(UTC)) == 1
    assert remind.remind(datetime.now(UTC)) == 0
    deliver.send_all()
    assert [body["type"] for body in bodies(sink)] == ["incident.opened", "incident.updated"]
    assert incident.timeline.last().text == "Still open: ops is told again"


@pytest.mark.parametrize("action", ["ack", "snooze", "resolve", "expected"])
def test_what_somebody_dealt_with_is_not_told_again_nor_escalated(webhook, opened, action):
    second, _ = webhook("second", is_default=False)
    webhook(renotify_minutes=1, escalate_to=second.pk, escalate_minutes=1)
    incident = opened()
    deliver.send_all()
    incidents.act(incident, action, "mara", NOW, until=NOW + timedelta(days=1) if action == "snooze" else None)
    later(3_600)
    assert remind.remind(datetime.now(UTC)) == 0


def test_without_acknowledgement_a_second_channel_is_told_once(webhook, opened):
    second, sink = webhook("second", is_default=False)
    webhook("first", escalate_to=second.pk, escalate_minutes=10)
    incident = opened()
    deliver.send_all()
    later(9 * 60)
    assert remind.remind(datetime.now(UTC)) == 0
    later(61)
    assert remind.remind(datetime.now(UTC)) == 1
    assert remind.remind(datetime.now(UTC)) == 0
    deliver.send_all()
    assert numbers(bodies(sink)[0]) == [incident.pk]
    assert incident.timeline.last().text == "Not acknowledged for 10 min: second is told"
    incidents.act(incident, "resolve", "mara", NOW)
    deliver.send_all()
    assert bodies(sink)[-1]["type"] == "incident.resolved"


def test_a_second_channel_that_is_off_is_not_told(webhook, opened):
    second, _ = webhook("second", is_default=False)
    webhook("first", escalate_to=second.pk, escalate_minutes=10)
    channels.disable(second, "", NOW)
    opened()
    later(3_600)
    assert remind.remind(datetime.now(UTC)) == 0


def test_old_messages_are_forgotten(webhook, opened):
    webhook()
    incident = opened()
    deliver.send_all()
    assert remind.forget() == 0
    later(91 * 86_400)
    remind.forget()
    assert not Delivery.objects.exists() and not Attempt.objects.exists() and not Notice.objects.exists()
    assert incident.timeline.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_schedulers_remind_once(webhook, opened):
    second, _ = webhook("second", is_default=False)
    webhook("first", escalate_to=second.pk, escalate_minutes=1, renotify_minutes=1)
    for number in range(10):
        opened(f"{number}")
    later(120)

    def run(_):
        try:
            return remind.remind(datetime.now(UTC))
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(run, range(4))) == 20
    assert Notice.objects.count() == 30
