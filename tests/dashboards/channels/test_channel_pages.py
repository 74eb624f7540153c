# ruff: noqa: F811  fixtures of tests/alerts
"""The channels' pages: made, changed, tried out, switched, looked into; who may do so."""

import csv
from io import StringIO

import pytest
from django.test import Client
from django.urls import reverse

from costwatch.accounts.models import AuditEntry, Role
from costwatch.alerts import channels, deliver
from costwatch.alerts.models import Channel, Delivery
from tests.alerts.conftest import local, opened, sink, webhook  # noqa: F401
from tests.alerts.sinks import answer
from tests.dashboards.conftest import logged_in
from tests.dashboards.page import links, row, text

BODY = {"id": "x", "type": "test", "workspace": "Larkfield", "incidents": []}
OPTIONS = {"min_severity": "alarm", "is_default": "on"}


@pytest.fixture
def editor(workspace) -> Client:
    return logged_in(workspace, "editor@larkfield.example", Role.EDITOR)


def new(client, kind, **fields):
    return client.post(reverse("channel-new", args=[kind]), {**OPTIONS, **fields})


def test_without_channels_the_page_says_that_nobody_is_told(client, editor):
    html = client.get("/settings/channels").content.decode()
    assert "nobody is told" in text(html)
    assert reverse("channel-new", args=["slack"]) not in links(html)  # a viewer adds none
    assert reverse("channel-new", args=["slack"]) in links(editor.get("/settings/channels").content.decode())


def test_a_webhook_shows_its_secret_once(editor, local):
    made = new(editor, "webhook", name="ops", url="http://127.0.0.1:9/hook/very-secret-part")
    channel = Channel.objects.get()
    assert made["Location"] == reverse("channel", args=[channel.pk])  # loaded again, it makes no second one
    response = editor.get(made["Location"])
    assert response["Cache-Control"] == "no-store"
    assert "whsec_" in response.content.decode()
    again = editor.get(reverse("channel", args=[channel.pk])).content.decode()
    assert "whsec_" not in again and "very-secret" not in again
    assert "http://127.0.0.1/…part" in again
    assert "very-secret" not in str(AuditEntry.objects.values_list("facts", flat=True))


@pytest.mark.parametrize("kind,fields,said", [
    ("webhook", {"url": "http://10.0.0.1/x"}, "COSTWATCH_WEBHOOK_ALLOW"), ("webhook", {}, "This field is required"),
    ("slack", {"url": "https://example.com/x"}, "hooks.slack.com"), ("email", {"to": "x"}, "no e-mail address"),
    ("email", {"to": "a@l.example", "quiet_from": "22:00"}, "Quiet hours have a beginning and an end"),
    ("email", {"to": "a@l.example", "escalate_minutes": "5"}, "Escalation needs another channel"),
])  # fmt: skip
def test_what_cannot_be_is_said_at_its_field_and_what_was_entered_stays(editor, kind, fields, said):
    response = new(editor, kind, name="kept name", **fields)
    assert response.status_code == 422
    assert said in response.content.decode()
    assert "kept name" in response.content.decode()
    assert not Channel.objects.exists()


def test_a_change_keeps_the_secret_that_was_left_empty(editor, workspace):
    url = "https://hooks.slack.com/services/T/B/xyz9"
    channel, _ = channels.create(workspace, {"kind": "slack", "name": "s", "url": url})
    fields = {**OPTIONS, "name": "night shift", "kinds": ["budget"], "quiet_from": "22:00", "quiet_until": "07:00"}
    assert editor.post(reverse("channel", args=[channel.pk]), fields).status_code == 302
    channel.refresh_from_db()
    assert (channel.name, channel.kinds, f"{channel.quiet_until:%H:%M}") == ("night shift", ["budget"], "07:00")
    assert channels.config_of(channel)["url"] == url
    html = editor.get("/settings/channels").content.decode()
    assert row(html, "night shift default")[3] == "alarms, critical: budget quiet 22:00 to 07:00"


def test_the_test_button_shows_the_answer(editor, webhook):
    good, _ = webhook("good")
    bad, _ = webhook("bad", answer(503, "not <b>now</b>"))
    said = text(editor.post(reverse("channel-act", args=[good.pk, "test"])).content.decode())
    assert "The test message was taken, 200" in said
    html = editor.post(reverse("channel-act", args=[bad.pk, "test"])).content.decode()
    assert "The test message was not taken, 503" in text(html)
    assert "<b>now</b>" not in html


def test_rotating_switching_and_deleting(editor, webhook):
    channel, _ = webhook()
    rotated = editor.post(reverse("channel-act", args=[channel.pk, "rotate"]))
    assert "whsec_" in editor.get(rotated["Location"]).content.decode()
    assert "whsec_" not in editor.get(rotated["Location"]).content.decode()
    editor.post(reverse("channel-act", args=[channel.pk, "disable"]))
    page = text(editor.get(reverse("channel", args=[channel.pk])).content.decode())
    assert "A member switched it off" in page
    editor.post(reverse("channel-act", args=[channel.pk, "enable"]))
    assert editor.post(reverse("channel-act", args=[channel.pk, "explode"])).status_code == 404
    assert "Delete ops?" in text(editor.get(reverse("channel-delete", args=[channel.pk])).content.decode())
    editor.post(reverse("channel-delete", args=[channel.pk]))
    assert editor.get(reverse("channel", args=[channel.pk])).status_code == 404
    actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert actions == [f"channel.{what}" for what in ("rotated", "disabled", "enabled", "deleted")]


def test_messages_and_their_attempts_can_be_looked_into(client, editor, webhook, opened):
    channel, _ = webhook(behave=answer(500, "upstream"))
    made = [opened(f"{n}", title=f"loop <i>{n}</i>") for n in range(3)]
    deliver.send_all()
    delivery = Delivery.objects.get()
    html = editor.get(reverse("channel", args=[channel.pk])).content.decode()
    assert "3 incidents in" in text(html) and "tried, goes on" in text(html)
    page = client.get(reverse("delivery", args=[delivery.pk])).content.decode()
    assert "500 upstream" in text(page) and str(delivery.uid) in page
    assert all(reverse("incident", args=[incident.pk]) in links(page) for incident in made)
    assert "<i>" not in page


def test_an_incident_shows_who_was_told_notes_and_its_owner(client, editor, webhook, opened, workspace):
    webhook()
    incident = opened()
    deliver.send_all()
    address = reverse("incident", args=[incident.pk])
    html = client.get(address).content.decode()
    assert "Webhook ops 200," in text(html)
    assert reverse("delivery", args=[Delivery.objects.get().pk]) in links(html)
    assert "Add</button>" not in html
    editor.post(reverse("incident-act", args=[incident.pk, "note"]), {"note": "the vendor <b>knows</b>"})
    owner = workspace.members.get(role=Role.EDITOR)
    editor.post(reverse("incident-act", args=[incident.pk, "owner"]), {"owner": owner.pk})
    html = editor.get(address).content.decode()
    assert "the vendor &lt;b&gt;knows&lt;/b&gt;" in html
    assert "Owner: editor@larkfield.example" in text(html)
    editor.post(reverse("incident-act", args=[incident.pk, "owner"]), {"owner": "x"})
    incident.refresh_from_db()
    assert incident.owner is None


def test_the_mail_form_says_what_the_installation_lacks(editor, settings):
    settings.SMTP_URL = ""
    assert "COSTWATCH_SMTP_URL" in editor.get(reverse("channel-new", args=["email"])).content.decode()
    assert editor.get(reverse("channel-new", args=["fax"])).status_code == 404


def lines(client, address) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(client.get(address).content.decode(), newline="")))


def test_channels_and_their_messages_are_files_without_what_is_secret(client, editor, webhook, opened, stranger):
    assert "channels.csv" not in client.get("/settings/channels").content.decode()
    channel, _ = webhook(behave=answer(500, "=upstream"))
    opened("1", title="loop <i>1</i>")
    deliver.send_all()
    assert "/settings/channels.csv" in links(client.get("/settings/channels").content.decode())
    (line,) = lines(client, "/settings/channels.csv")
    assert (line["name"], line["kind"], line["default"], line["gets_from"]) == (
        channel.name,
        "webhook",
        "true",
        "alarm",
    )
    assert (line["state"], line["waiting"]) == ("attempt 1 failed, goes on", "1")
    assert line["leads_to"].startswith("http://127.0.0.1/…")
    assert channel.sealed not in client.get("/settings/channels.csv").content.decode()
    address = f"/settings/channels/{channel.pk}.csv"
    assert address in links(editor.get(reverse("channel", args=[channel.pk])).content.decode())
    (message,) = lines(editor, address)
    assert "loop <i>1</i>" in message["message"]
    assert (message["type"], message["state"], message["attempts"]) == ("incident.opened", "waiting", "1")
    assert (message["status"], message["answer"], message["sent_at"]) == ("500", "'=upstream", "")
    assert client.get(address).status_code == 403 and stranger.get(address).status_code == 404
    assert lines(stranger, "/settings/channels.csv") == []


def test_a_file_of_messages_that_ends_before_them_says_so(editor, webhook, monkeypatch):
    channel, _ = webhook()
    for _ in range(3):
        Delivery.objects.create(workspace=channel.workspace, channel=channel, type="test", body=BODY)
    monkeypatch.setattr("costwatch.dashboards.csv.MOST_ITEMS", 2)
    answered = editor.get(f"/settings/channels/{channel.pk}.csv")
    assert answered["Content-Disposition"].endswith('-first-2.csv"')
    assert len(lines(editor, f"/settings/channels/{channel.pk}.csv")) == 2
