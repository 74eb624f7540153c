"""From an incident's change to the sink and the log: told once, again after a failure, never the wrong ones."""

from datetime import UTC, datetime

import pytest

from costwatch.alerts import deliver
from costwatch.alerts.models import Attempt, Delivery

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)


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
