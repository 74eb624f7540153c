"""Mails to a real SMTP server: what is in them, and what each of its answers leads to."""

import socket
import threading
from contextlib import closing
from dataclasses import replace
from io import BytesIO

import pytest
from PIL import Image

from costwatch.alerts import channels, deliver
from costwatch.alerts.models import Delivery, Incident, Kind
from costwatch.alerts.transports import email
from costwatch.alerts.transports.parts import BadChannel
from costwatch.alerts.transports.picture import picture
from costwatch.lib import mail
from tests.alerts.conftest import INCIDENT, MESSAGE, later
from tests.alerts.mail_sink import mail_sink


@pytest.fixture
def mails(workspace, local):
    """A mail channel behind a server that behaves as told."""
    stack = []

    def make(**behaviour):
        context = mail_sink(**behaviour)
        sink = context.__enter__()
        stack.append(context)
        local.SMTP_URL = sink.url
        channel, _ = channels.create(
            workspace, {"kind": "email", "name": "finance", "to": ["a@l.example", "b@l.example"]}
        )
        return channel, sink

    yield make
    for context in stack:
        context.__exit__(None, None, None)


def parts(message):
    return {part.get_content_type(): part for part in message.walk()}


def test_a_mail_has_text_html_a_chart_and_links(settings):
    settings.MAIL_FROM, settings.PUBLIC_URL = "costwatch <alerts@l.example>", "https://c.example.org"
    made = email.compose(MESSAGE, ["a@l.example"])
    assert made["Subject"] == "Critical: Support: 80 % of $60.00 spent"
    assert made["Message-ID"] == f"<{MESSAGE.uid}@c.example.org>"
    found = parts(made)
    assert "Support has spent $48.10" in found["text/plain"].get_content()
    assert INCIDENT["url"] in found["text/plain"].get_content()
    html = found["text/html"].get_content()
    assert f'href="{INCIDENT["url"]}"' in html
    assert "cid:chart@costwatch" in html
    assert found["image/png"]["Content-ID"] == "<chart@costwatch>"
    assert Image.open(BytesIO(found["image/png"].get_content())).size == (1120, 240)


@pytest.mark.parametrize("facts,drawn", [
    ({"series": [["2026-11-18T00:00:00Z", "1.5", ""], ["2026-11-18T01:00:00Z", "9", "2"]]}, True),
    ({"limit_usd": "10", "spent_usd": "20"}, True), ({"limit_usd": None, "spent_usd": None}, False), ({}, False),
    ({"series": "x"}, False), ({"series": [[]]}, False), ({"limit_usd": "0", "spent_usd": "1"}, False),
])  # fmt: skip
def test_a_chart_is_drawn_where_the_facts_give_one(facts, drawn):
    assert bool(picture({"facts": facts})) is drawn


def test_hostile_names_break_neither_headers_nor_html():
    hostile = {**INCIDENT, "title": "x\r\nBcc: all@evil.example\0<b>\u202e", "message": "<script>alert(1)</script>"}
    made = email.compose(replace(MESSAGE, incidents=[hostile]), ["a@l.example"])
    assert made["Bcc"] is None
    assert made["Subject"] == "Critical: x Bcc: all@evil.example<b>"
    html = parts(made)["text/html"].get_content()
    assert "<script>" not in html and "<b>" not in html


def test_many_incidents_are_all_in_the_mail():
    many = [{**INCIDENT, "id": number, "title": f"budget {number}"} for number in range(500)]
    made = email.compose(replace(MESSAGE, incidents=many), ["a@l.example"])
    assert made["Subject"] == "500 incidents in Larkfield"
    text = parts(made)["text/plain"].get_content()
    assert all(f"budget {number}" in text for number in range(500))


def test_it_arrives(mails, opened):
    _, sink = mails()
    incident = opened(facts=INCIDENT["facts"], kind=Kind.BUDGET)
    deliver.send_all()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.status) == ("sent", 250)
    assert sink.recipients == [["a@l.example", "b@l.example"]]
    assert str(delivery.uid) in sink.got[0]["Message-ID"]
    assert f"https://costwatch.example.org/incidents/{incident.pk}" in parts(sink.got[0])["text/plain"].get_content()


def test_a_connection_dropped_after_the_message_leads_to_the_same_message_id(mails, opened):
    _, sink = mails(to_data=["drop", "250 taken"])
    opened()
    deliver.send_all()
    later(7)
    deliver.send_all()
    assert Delivery.objects.get().state == "sent"
    assert len(sink.got) == 2
    assert sink.got[0]["Message-ID"] == sink.got[1]["Message-ID"]


def test_a_4xx_is_tried_again_a_5xx_for_the_message_is_not_for_ever(mails, opened):
    channel, sink = mails(to_data=["451 later", "554 no spam please"])
    opened()
    for _ in range(4):
        deliver.send_all()
        later(60)
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.status, delivery.answer) == ("failed", 554, "554 no spam please")
    assert len(sink.got) == 3
    channel.refresh_from_db()
    assert channel.disabled_at is None


def test_a_mailbox_that_is_not_there_switches_the_channel_off(mails, opened):
    channel, _ = mails(to_rcpt="550 no such user")
    opened()
    deliver.send_all()
    channel.refresh_from_db()
    assert channel.disabled_at and "550 no such user" in channel.disabled_reason
    assert Incident.objects.get(kind="delivery").severity == "notice"


def test_a_server_that_refuses_recipients_for_now_is_asked_again(mails, opened):
    mails(to_rcpt="450 greylisted")
    opened()
    deliver.send_all()
    assert Delivery.objects.get().state == "waiting"


def test_no_server_and_one_that_does_not_answer_are_no_end(workspace, local, opened):
    channels.create(workspace, {"kind": "email", "name": "m", "to": "a@l.example"})
    local.SMTP_URL = ""
    opened()
    deliver.send_all()
    assert "COSTWATCH_SMTP_URL" in Delivery.objects.get().answer
    local.SMTP_URL = "smtp://127.0.0.1:1"
    later(7)
    deliver.send_all()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts) == ("waiting", 2)


def test_a_silent_or_dripping_server_is_left_after_the_deadline():
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def drip():
            client, _ = server.accept()
            try:
                while True:
                    client.sendall(b"2")
                    threading.Event().wait(0.1)
            except OSError:
                pass

        threading.Thread(target=drip, daemon=True).start()
        message = email.compose(MESSAGE, ["a@l.example"])
        with pytest.raises(mail.Failed, match=r"within 0\.5 seconds"):
            mail.post(mail.server(f"smtp://127.0.0.1:{server.getsockname()[1]}"), message, ["a@l.example"], seconds=0.5)


@pytest.mark.parametrize("to", [
    [], ["x"], ["a@b"], "Name <a@l.example>", ["a@l.example\nBcc: x@y.example"], 7, ["ä@l.example"],
    [f"a{n}@l.example" for n in range(51)],
])  # fmt: skip
def test_what_is_no_address_is_refused(workspace, to):
    with pytest.raises(BadChannel) as problem:
        channels.create(workspace, {"kind": "email", "name": "m", "to": to})
    assert problem.value.field == "to"


@pytest.mark.parametrize("url", ["", "mail.example.org", "http://mail.example.org", "smtp://", "smtp://host:x"])
def test_what_is_no_mail_server_is_refused(url):
    with pytest.raises(ValueError):
        mail.server(url)


def test_the_addresses_of_mail_servers_are_understood():
    assert mail.server("smtp+tls://a%40b:p%3Aq@mail.example.org") == mail.Server(
        "smtp+tls", "mail.example.org", 587, "a@b", "p:q"
    )
    assert mail.server("smtps://mail.example.org").port == 465
