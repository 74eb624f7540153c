"""One threshold crossed after another: each crossing is told once, unless somebody said that it is expected."""

from datetime import UTC, datetime, timedelta

import pytest

from costwatch.alerts import compose, deliver, incidents
from costwatch.alerts.models import Notice, Severity, State
from tests.alerts.conftest import NOW, later
from tests.alerts.sinks import bodies, numbers

pytestmark = pytest.mark.django_db


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


def test_a_message_made_while_another_crossing_comes_lists_its_own_alone(workspace, webhook, opened):
    webhook()
    incident = opened(facts=crossings(50))
    first = Notice.objects.get()
    assert cross(workspace, crossings(50, 80))  # committed after the message's notices were read
    incident.refresh_from_db()
    told = [compose._told(incident, [notice])["facts"]["crossings"] for notice in (first, Notice.objects.last())]
    assert [[one["threshold"] for one in part] for part in told] == [[50], [80]]
