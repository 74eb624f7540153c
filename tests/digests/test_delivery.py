"""Digests on their way: over a real mail server, a real webhook and Slack's form, through the outbox of the alerts."""

import pytest

from costwatch.alerts import channels, deliver
from costwatch.alerts.transports.slack import blocks
from costwatch.digests import send, subscriptions
from tests.alerts.mail_sink import mail_sink
from tests.alerts.sinks import answer, http_sink
from tests.digests.conftest import MONDAY
from tests.digests.test_send import LONG_AGO

pytestmark = pytest.mark.usefixtures("weeks")


@pytest.fixture
def outside(settings):
    settings.WEBHOOK_ALLOW = ["127.0.0.1"]
    settings.PUBLIC_URL = "https://costwatch.example.org"
    return settings


def test_a_member_gets_a_mail_with_text_and_html_once(workspace, ann, outside):
    with mail_sink() as server:
        outside.SMTP_URL = server.url
        subscriptions.subscribe(workspace, "weekly", LONG_AGO, by="ann", member=ann)
        for _ in range(2):
            send.send_due(MONDAY)
            deliver.send_all()
    (mail,) = server.got
    assert server.recipients == [["ann@larkfield.example"]]
    assert mail["Subject"] == "Larkfield Support, 16–22 Nov 2026: $112.00, +60 %"
    bodies = {part.get_content_type(): part.get_content() for part in mail.walk() if not part.is_multipart()}
    assert "$112.00 was spent in the week" in bodies["text/plain"]
    assert "Agents that moved it</h2>" in bodies["text/html"]
    assert "&lt;b&gt;preview" in bodies["text/html"]
    for text in bodies.values():
        assert "https://costwatch.example.org/digests/weekly/2026-11-16" in text


def test_a_mail_server_that_is_busy_gets_it_later_under_the_same_id(workspace, ann, outside):
    with mail_sink(to_data=["451 later", "250 taken"]) as server:
        outside.SMTP_URL = server.url
        one = subscriptions.subscribe(workspace, "weekly", LONG_AGO, by="ann", member=ann)[0]
        send.send_due(MONDAY)
        deliver.send_all()
        one.channel.deliveries.update(next_at=MONDAY)
        deliver.send_all()
    assert [mail["Message-ID"] for mail in server.got] == [server.got[0]["Message-ID"]] * 2


def test_a_webhook_gets_the_digest_signed(workspace, outside):
    with http_sink(answer(200)) as sink:
        data = {"kind": "webhook", "name": "relay", "url": sink.url, "is_default": False}
        channel = channels.create(workspace, data)[0]
        subscriptions.subscribe(workspace, "weekly", LONG_AGO, by="ann", channel=channel)
        send.send_due(MONDAY)
        deliver.send_all()
        (got,) = sink.wait(1)
    assert got.json["type"] == "digest" and got.json["incidents"] == []
    assert got.json["digest"]["text"].startswith("$112.00 was spent in the week")
    assert "Costwatch-Signature" in got.headers


def test_a_chat_gets_text_without_markup_of_senders(workspace, hook, outside):
    subscriptions.subscribe(workspace, "weekly", LONG_AGO, by="ann", channel=hook)
    send.send_due(MONDAY)
    said = str(blocks(deliver.queue.claim(hook.pk).message))
    assert "&lt;b&gt;preview" in said and "<b>preview" not in said
    assert "digests/weekly/2026-11-16" in said


def test_the_address_names_the_zone_of_a_reader_who_has_another(workspace, ann, outside):
    one = subscriptions.subscribe(workspace, "weekly", LONG_AGO, by="ann", member=ann, time_zone="Asia/Tokyo")[0]
    send.send_due(MONDAY)
    url = one.channel.deliveries.get().body["digest"]["url"]
    assert url == "https://costwatch.example.org/digests/weekly/2026-11-16?tz=Asia%2FTokyo"
