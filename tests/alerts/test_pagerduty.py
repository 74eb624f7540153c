"""What PagerDuty gets: one alert for what belongs together, acknowledged and resolved under its key."""

from dataclasses import replace

import pytest

from costwatch.alerts import channels, deliver, incidents
from costwatch.alerts.models import Delivery, Severity
from costwatch.alerts.transports import pagerduty
from costwatch.alerts.transports.parts import BadChannel
from tests.alerts.conftest import MESSAGE, NOW, later
from tests.alerts.sinks import answer


@pytest.fixture
def pager(workspace, sink):
    behind = sink(answer(202, '{"status":"success"}'))
    data = {"kind": "pagerduty", "name": "p", "routing_key": "a" * 32, "url": behind.url}
    channels.create(workspace, data)
    return behind


def test_pagerduty_is_triggered_acknowledged_and_resolved_under_one_key(pager, opened):
    incident = opened(severity=Severity.CRITICAL)
    deliver.send_all()
    incidents.act(incident, "ack", "mara", NOW)
    deliver.send_all()
    incidents.act(incident, "resolve", "mara", NOW)
    deliver.send_all()
    sent = [got.json for got in pager.got]
    assert [one["event_action"] for one in sent] == ["trigger", "acknowledge", "resolve"]
    assert {one["dedup_key"] for one in sent} == {f"costwatch-incident-{incident.pk}"}
    assert sent[0]["routing_key"] == "a" * 32
    assert sent[0]["payload"]["severity"] == "critical"
    assert sent[0]["links"][0]["href"].endswith(f"/incidents/{incident.pk}")


def test_many_incidents_page_once_and_end_with_the_last_of_them(pager, opened):
    made = [opened(f"{n}") for n in range(8)]
    deliver.send_all()
    (trigger,) = [got.json for got in pager.got]
    assert len(trigger["payload"]["custom_details"]) == 8
    for incident in made[:7]:
        incidents.settle(incident, NOW, "over")
    deliver.send_all()
    assert trigger["dedup_key"] not in [got.json["dedup_key"] for got in pager.got[1:]]
    incidents.settle(made[7], NOW, "over")
    later(4)
    deliver.send_all()
    assert pager.got[-1].json == {**pager.got[-1].json, "event_action": "resolve", "dedup_key": trigger["dedup_key"]}


def test_hundreds_that_are_over_are_resolved_in_portions(pager, opened):
    made = [opened(f"{n}") for n in range(45)]
    deliver.send_all()
    for incident in made:
        incidents.settle(incident, NOW, "over")
    for _ in range(3):
        later(61)
        deliver.send_all()
    keys = [got.json["dedup_key"] for got in pager.got if got.json["event_action"] == "resolve"]
    assert {f"costwatch-incident-{incident.pk}" for incident in made} < set(keys)
    assert len(set(keys)) == 46  # and the alert that they were told in
    assert [one.size for one in Delivery.objects.order_by("pk")] == [45, 20, 20, 5]


def test_a_wrong_integration_key_ends_it(workspace, sink, opened):
    said = '{"status":"invalid event","errors":["\'routing_key\' is invalid"]}'
    data = {"kind": "pagerduty", "name": "p", "routing_key": "a" * 32, "url": sink(answer(400, said)).url}
    channel, _ = channels.create(workspace, data)
    opened()
    deliver.send_all()
    channel.refresh_from_db()
    assert channel.disabled_at
    with pytest.raises(BadChannel, match="32 letters"):
        channels.create(workspace, {"kind": "pagerduty", "name": "q", "routing_key": "short"})


def test_a_test_message_wakes_nobody_for_long():
    events = pagerduty.events(replace(MESSAGE, type="test", incidents=[]))
    assert [one["event_action"] for one in events] == ["trigger", "resolve"]
