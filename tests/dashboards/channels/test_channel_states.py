# ruff: noqa: F811  fixtures of tests/alerts
"""How a channel stands in the list, what its page keeps to itself, and what a form may not change."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from costwatch.accounts.models import AuditEntry, Role, Workspace
from costwatch.alerts import channels, deliver
from costwatch.alerts.models import Channel, Delivery
from tests.alerts.conftest import local, opened, sink, webhook  # noqa: F401
from tests.alerts.sinks import answer
from tests.dashboards.conftest import logged_in
from tests.dashboards.page import text
from tests.ledger.make import NOW

pytestmark = pytest.mark.thorough
SLACK = "https://hooks.slack.com/services/T/B/xyz9"
HOSTILE = "<b>&'\""
OPTIONS = {"min_severity": "alarm", "is_default": "on"}


@pytest.fixture
def editor(workspace) -> Client:
    return logged_in(workspace, "editor@larkfield.example", Role.EDITOR)


def state_of(client) -> str:
    """The words for how it goes, in the only row."""
    html = client.get("/settings/channels").content.decode()
    return html.partition('class="state ')[2].partition(">")[2].partition("<")[0]


def test_a_channel_says_how_its_last_message_went(client, editor, webhook, opened):
    good, _ = webhook("ops")
    assert state_of(client) == "nothing sent yet"
    opened("a")
    assert state_of(client) == "nothing sent yet", "one that waits says nothing"
    deliver.send_all()
    assert state_of(client) == "works"
    Delivery.objects.update(state=Delivery.State.WAITING, attempts=3)
    assert state_of(client) == "attempt 3 failed, goes on"
    Delivery.objects.update(state=Delivery.State.FAILED)
    assert state_of(client) == "the last message failed"
    channels.disable(good, "", NOW)
    assert state_of(client) == "switched off", "before anything else"


def test_a_test_message_says_nothing_about_how_it_goes(client, editor, webhook):
    channel, _ = webhook("ops", answer(500, "no"))
    editor.post(reverse("channel-act", args=[channel.pk, "test"]))
    assert state_of(client) == "nothing sent yet"
    assert AuditEntry.objects.get().facts == {"ok": False}


@pytest.mark.parametrize(
    ("kind", "fields", "shown"),
    [
        ("slack", {"url": SLACK}, "xyz9"),
        ("email", {"to": "a@l.example\nb@l.example"}, "a@l.example"),
        ("pagerduty", {"routing_key": "R" * 32}, "RRRR"),
    ],
)
def test_a_channel_without_a_secret_of_ours_leads_to_its_page(editor, workspace, kind, fields, shown):
    made = editor.post(reverse("channel-new", args=[kind]), {**OPTIONS, "name": HOSTILE, **fields}, follow=True)
    html = made.content.decode()
    assert made.redirect_chain[-1][0] == reverse("channel", args=[Channel.objects.get().pk])
    assert "Send a test message to see that it arrives" in text(html)
    assert HOSTILE not in html
    assert "whsec_" not in html
    assert shown in html
    secret = {"slack": SLACK, "pagerduty": "R" * 32}.get(kind)
    assert secret is None or secret not in html
    assert AuditEntry.objects.get().action == "channel.created"


def test_a_page_shows_no_stored_secret_and_saving_it_as_it_is_changes_nothing(editor, workspace):
    channel, _ = channels.create(workspace, {"kind": "slack", "name": "s", "url": SLACK})
    address = reverse("channel", args=[channel.pk])
    assert SLACK not in editor.get(address).content.decode()
    assert editor.post(address, {**OPTIONS, "name": "s"}).status_code == 302
    assert not AuditEntry.objects.filter(action="channel.changed").exists()
    assert channels.config_of(channel)["url"] == SLACK


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": ""}, "required"),
        ({"url": "https://evil.example/x"}, "hooks.slack.com"),
        ({"quiet_from": "22:00"}, "beginning and an end"),
        ({"quiet_from": "x", "quiet_until": "07:00"}, "valid time"),
        ({"min_severity": "whisper"}, "Select a valid choice"),
        ({"kinds": ["weather"]}, "Select a valid choice"),
        ({"escalate_minutes": "5"}, "Escalation needs another channel"),
        ({"renotify_minutes": "soon"}, "whole number"),
        ({"time_zone": "Mars/Base"}, "Select a valid choice"),
    ],
)
def test_a_change_that_cannot_be_is_said_and_nothing_changes(editor, workspace, fields, said):
    channel, _ = channels.create(workspace, {"kind": "slack", "name": "s", "url": SLACK})
    answered = editor.post(reverse("channel", args=[channel.pk]), {**OPTIONS, "name": "changed", **fields})
    assert answered.status_code == 422
    assert said in answered.content.decode()
    channel.refresh_from_db()
    assert channel.name == "s"
    assert channels.config_of(channel)["url"] == SLACK


def test_one_is_told_after_another_and_never_after_itself(editor, workspace):
    first, _ = channels.create(workspace, {"kind": "slack", "name": "first", "url": SLACK})
    second, _ = channels.create(workspace, {"kind": "slack", "name": "second", "url": SLACK})
    html = editor.get(reverse("channel", args=[first.pk])).content.decode()
    assert f'<option value="{second.pk}">second</option>' in html
    assert f'<option value="{first.pk}"' not in html
    fields = {**OPTIONS, "name": "first", "escalate_to": second.pk, "escalate_minutes": "15"}
    editor.post(reverse("channel", args=[first.pk]), fields)
    first.refresh_from_db()
    assert (first.escalate_to, first.escalate_minutes) == (second, 15)
    assert f'<option value="{second.pk}" selected>' in editor.get(reverse("channel", args=[first.pk])).content.decode()


def test_channels_of_others_can_neither_be_chosen_nor_seen(editor, stranger, workspace):
    elsewhere = Workspace.objects.exclude(pk=workspace.pk).get()
    theirs, _ = channels.create(elsewhere, {"kind": "slack", "name": "theirs", "url": SLACK})
    own, _ = channels.create(workspace, {"kind": "slack", "name": "own", "url": SLACK})
    assert "theirs" not in editor.get("/settings/channels").content.decode()
    fields = {**OPTIONS, "name": "own", "escalate_to": theirs.pk, "escalate_minutes": "15"}
    assert editor.post(reverse("channel", args=[own.pk]), fields).status_code == 422
    for action in ("test", "disable", "rotate"):
        assert editor.post(reverse("channel-act", args=[theirs.pk, action])).status_code == 404


def test_only_webhooks_have_a_secret_to_rotate(editor, workspace):
    channel, _ = channels.create(workspace, {"kind": "slack", "name": "s", "url": SLACK})
    assert editor.post(reverse("channel-act", args=[channel.pk, "rotate"])).status_code == 404
    assert not AuditEntry.objects.exists()


def test_switching_off_twice_is_told_once(editor, webhook):
    channel, _ = webhook()
    for _ in range(2):
        editor.post(reverse("channel-act", args=[channel.pk, "disable"]))
    assert AuditEntry.objects.filter(action="channel.disabled").count() == 1


def test_a_channel_that_was_taken_away_is_gone_and_its_messages_are_still_read(client, editor, webhook, opened):
    channel, _ = webhook("ops")
    incident = opened("a")
    deliver.send_all()
    delivery = Delivery.objects.get()
    editor.post(reverse("channel-delete", args=[channel.pk]))
    assert "nobody is told" in text(client.get("/settings/channels").content.decode())
    page = client.get(reverse("delivery", args=[delivery.pk])).content.decode()
    assert incident.title in text(page)
    assert "Webhook ops" in text(client.get(reverse("incident", args=[incident.pk])).content.decode())


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"state": Delivery.State.WAITING, "attempts": 0}, "Webhook ops on its way"),
        ({"state": Delivery.State.WAITING, "attempts": 2}, "Webhook ops attempt 2 failed, goes on"),
        ({"state": Delivery.State.FAILED, "status": 410, "answer": "gone " + "x" * 200}, "not delivered: 410 gone xxx"),
        ({"state": Delivery.State.SENT, "status": 200, "latency_ms": 1900, "attempts": 1}, "Webhook ops 200, 1.9 s"),
        ({"state": Delivery.State.SENT, "status": 202, "latency_ms": 40, "attempts": 3}, "202, 40 ms, attempt 3"),
        ({"state": Delivery.State.SENT, "status": None, "latency_ms": None, "attempts": 1}, "Webhook ops sent, 0 ms"),
        ({"state": Delivery.State.SENT, "status": 200, "latency_ms": 5, "attempts": 1, "type": "incident.resolved"},
         "Webhook ops recovery, 200, 5 ms"),
        ({"state": Delivery.State.SENT, "status": 200, "latency_ms": 5, "attempts": 1, "type": "incident.updated"},
         "Webhook ops update, 200, 5 ms"),
    ],
)  # fmt: skip
def test_the_incident_tells_how_each_message_about_it_went(client, webhook, opened, fields, said):
    webhook("ops")
    incident = opened("a")
    deliver.send_all()
    Delivery.objects.update(**fields, sent_at=NOW + timedelta(seconds=2))
    html = client.get(reverse("incident", args=[incident.pk])).content.decode()
    assert said in text(html)
    assert "x" * 120 not in html
