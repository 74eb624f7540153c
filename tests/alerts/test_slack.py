"""What Slack gets: plain escaped text within its limits, by a webhook or a bot."""

from dataclasses import replace

import pytest

from costwatch.alerts import channels, deliver
from costwatch.alerts.models import Delivery
from costwatch.alerts.transports import slack
from costwatch.alerts.transports.parts import BadChannel
from tests.alerts.conftest import HOSTILE, INCIDENT, MESSAGE, of
from tests.alerts.sinks import answer


def texts(blocks):
    return [block["text"]["text"] for block in blocks if "text" in block]


def test_slack_gets_plain_escaped_text_and_a_link(workspace, sink, opened):
    behind = sink()
    channels.create(workspace, {"kind": "slack", "name": "s", "url": behind.url})
    opened(title=HOSTILE["title"], message=HOSTILE["message"])
    deliver.send_all()
    sent = behind.got[0].json
    assert "&lt;!channel&gt; *x* &amp; &lt;https://evil.example|click&gt;" in sent["text"]
    assert sent["mrkdwn"] is False
    assert {block["text"]["type"] for block in sent["blocks"] if "text" in block} == {"plain_text"}
    assert not any(sign in text for text in texts(sent["blocks"]) for sign in "<>")
    (button,) = sent["blocks"][-1]["elements"]
    assert button["url"].startswith("https://costwatch.example.org/incidents/")


def test_slack_gets_as_many_lines_as_it_takes_and_the_number_of_the_rest():
    blocks = slack.blocks(of(*range(500)))
    assert len(blocks) <= 50
    assert all(len(text) <= 3_000 for text in texts(blocks))
    shown = sum(text.count("budget ") for text in texts(blocks))
    assert f"and {500 - shown:,} more, on the page" in texts(blocks)[-1]
    assert shown > 150


@pytest.mark.parametrize("letters", ["&" * 5_000, "x" * 5_000, "<é>" * 2_000])
def test_slack_texts_keep_to_their_limits(letters):
    blocks = slack.blocks(replace(MESSAGE, incidents=[{**INCIDENT, "title": letters, "message": letters}]))
    assert len(texts(blocks)[0]) <= 150 and len(texts(blocks)[1]) <= 3_000


@pytest.mark.parametrize("said,ending", [
    ('{"ok":true,"ts":"1"}', "sent"), ('{"ok":false,"error":"ratelimited"}', "waiting"),
    ('{"ok":false,"error":"channel_not_found"}', "failed"), ("<html>", "waiting"),
])  # fmt: skip
def test_a_bot_says_itself_whether_it_was_sent(workspace, sink, opened, monkeypatch, said, ending):
    behind = sink(answer(200, said))
    monkeypatch.setattr(slack, "POST_MESSAGE", behind.url)
    channel, _ = channels.create(workspace, {"kind": "slack", "name": "s", "token": "xoxb-1-2", "channel": "#costs"})
    opened()
    deliver.send_all()
    assert behind.got[0].headers["Authorization"] == "Bearer xoxb-1-2"
    assert behind.got[0].json["channel"] == "#costs"
    assert Delivery.objects.get().state == ending
    channel.refresh_from_db()
    assert bool(channel.disabled_at) is (ending == "failed")


@pytest.mark.parametrize("data,field", [
    ({}, "url"), ({"url": "https://hooks.slack.com.evil.example/services/x"}, "url"), ({"token": "xoxb-1"}, "channel"),
    ({"url": "https://example.com/x"}, "url"), ({"token": "xoxp-1", "channel": "#a"}, "token"),
    ({"url": "https://hooks.slack.com/services/x", "token": "xoxb-1"}, "url"),
])  # fmt: skip
def test_what_is_no_slack_channel_is_refused(workspace, data, field):
    with pytest.raises(BadChannel) as problem:
        channels.create(workspace, {"kind": "slack", "name": "s", **data})
    assert problem.value.field == field


@pytest.mark.parametrize("status,off", [(403, True), (404, True), (401, True), (429, False), (500, False)])
def test_a_webhook_of_slack_that_is_revoked_is_switched_off(workspace, sink, opened, status, off):
    channel, _ = channels.create(workspace, {"kind": "slack", "name": "s", "url": sink(answer(status)).url})
    opened()
    deliver.send_all()
    channel.refresh_from_db()
    assert bool(channel.disabled_at) is off
