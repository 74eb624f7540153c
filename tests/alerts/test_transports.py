"""What each kind of channel sends: signed, escaped, in the shape its service wants."""

import hmac
import inspect
import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from costwatch.alerts import channels, deliver, incidents
from costwatch.alerts.models import Channel, Delivery, Severity
from costwatch.alerts.transports import MODULES, apprise, pagerduty, slack, teams, transport, webhook
from costwatch.alerts.transports.parts import BadChannel, Undeliverable, retry_after
from costwatch.lib import outbound
from tests.alerts.sinks import answer, in_turn
from tests.alerts.test_delivering import NOW, later
from tests.alerts.test_email import INCIDENT, MESSAGE

HOSTILE = {**INCIDENT, "title": "<!channel> *x* & <https://evil.example|click>", "message": "_y_ <@U1> ~z~"}
SECRET = "shhh"


def many(number, **values):
    return replace(MESSAGE, incidents=[{**INCIDENT, "id": n, "title": f"budget {n}"} for n in range(number)], **values)


def test_every_kind_has_its_transport():
    assert set(MODULES) == set(Channel.Kind.values)
    for kind in MODULES:
        assert transport(kind).FIELDS and transport(kind).LABEL


# webhooks


def verified(got, secret):
    """As docs/alerts.md tells receivers to do it."""
    parts = [part.split("=", 1) for part in got.headers["Costwatch-Signature"].split(",")]
    at = next(value for name, value in parts if name == "t")
    wanted = hmac.new(secret.encode(), f"{at}.".encode() + got.body, "sha256").hexdigest()
    return any(hmac.compare_digest(value, wanted) for name, value in parts if name == "v1")


def test_a_webhook_is_signed_and_its_secret_can_be_replaced_without_a_gap(db, workspace, sink, opened):
    behind = sink()
    channel, first = channels.create(workspace, {"kind": "webhook", "name": "w", "url": behind.url})
    assert first.startswith("whsec_") and first not in str(vars(channel))
    opened()
    deliver.send_all()
    assert verified(behind.got[0], first)
    assert not verified(behind.got[0], "another")
    assert behind.got[0].headers["Costwatch-Delivery"] == behind.got[0].json["id"]
    second = channels.rotate(channel)
    deliver.test(channel)
    assert verified(behind.got[1], first) and verified(behind.got[1], second)
    config = channels.config_of(channel)
    assert webhook.active(config, NOW.timestamp() + 25 * 3600) == [second]


def test_only_two_secrets_are_ever_good():
    config = {"secrets": [{"secret": "a", "until": None}]}
    config, _ = webhook.rotated(config, 1_000)
    config, newest = webhook.rotated(config, 2_000)
    assert len(webhook.active(config, 2_001)) == 2
    assert webhook.active(config, 2_001)[0] == newest
    assert "a" not in webhook.active(config, 2_001)


# Slack


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
    blocks = slack.blocks(many(500))
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


# PagerDuty


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


# Teams, Apprise


def test_teams_gets_a_card_of_plain_runs():
    card = teams.card(replace(MESSAGE, incidents=[HOSTILE]))
    runs = [run for block in card["body"] for run in block["inlines"]]
    assert {run["type"] for run in runs} == {"TextRun"}
    assert HOSTILE["title"] in runs[0]["text"]
    assert card["actions"][0]["url"] == MESSAGE.url
    assert len(json.dumps(teams.card(many(500)))) < 27_000


def test_teams_is_sent_a_message_with_the_card(workspace, sink, opened):
    behind = sink(answer(202, ""))
    channels.create(workspace, {"kind": "teams", "name": "t", "url": behind.url})
    opened()
    deliver.send_all()
    (attachment,) = behind.got[0].json["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert Delivery.objects.get().state == "sent"


def test_apprise_sends_through_the_guard(workspace, sink, opened, settings):
    behind = sink()
    address = behind.url.replace("http://", "json://")
    channel, _ = channels.create(workspace, {"kind": "apprise", "name": "a", "url": address})
    opened()
    deliver.send_all()
    assert Delivery.objects.get().state == "sent"
    assert behind.got[0].json["title"] == "Alarm: loop k"
    settings.WEBHOOK_ALLOW = []
    result = deliver.test(channel)
    assert isinstance(result, Undeliverable) and "cannot be called" in str(result)
    assert len(behind.got) == 1


def test_apprise_follows_no_redirect_and_tells_what_was_answered(workspace, sink):
    inside = sink()
    outside = sink(in_turn(answer(302, "", Location=inside.url), answer(404, "gone")))
    address = outside.url.replace("http://", "json://")
    channel, _ = channels.create(workspace, {"kind": "apprise", "name": "a", "url": address})
    assert deliver.test(channel).status == 302
    second = deliver.test(channel)
    assert (second.status, second.dead) == (404, True)
    assert inside.got == []


@pytest.mark.parametrize("url", [
    "mailto://a:b@example.com", "syslog://", "mqtt://10.0.0.1/x", "file:///etc/passwd", "dbus://", "x", "discord://", "smtp://x",
])  # fmt: skip
def test_apprise_services_that_go_their_own_way_are_refused(workspace, url):
    with pytest.raises(BadChannel):
        channels.create(workspace, {"kind": "apprise", "name": "a", "url": url})


@pytest.mark.parametrize("schema", sorted(apprise.SCHEMAS))
def test_the_services_on_the_list_call_by_requests_alone(schema):
    from apprise.plugins import N_MGR

    N_MGR.load_modules()
    source = inspect.getsource(inspect.getmodule(N_MGR._schema_map[schema]))
    assert not re.search(
        r"^\s*(?:import|from) (socket|subprocess|smtplib|paho|slixmpp|httpx|aiohttp|http\.client)", source, re.M
    )


@pytest.mark.parametrize("headers,seconds", [
    ({"Retry-After": "120"}, 120), ({"retry-after": "0"}, 0), ({"Retry-After": "soon"}, None), ({}, None),
    ({"Retry-After": "-5"}, None),
])  # fmt: skip
def test_retry_after_is_read(headers, seconds):
    assert retry_after(headers) == seconds


def test_retry_after_may_be_a_date():
    assert retry_after({"Retry-After": "Wed, 18 Nov 2026 13:32:00 GMT"}) < 0


def test_a_target_that_moved_inside_is_not_called(workspace, opened, monkeypatch, local):
    """The name led outside when the channel was made, and leads inside when there is something to send."""
    local.WEBHOOK_ALLOW = []
    leads_to = ["93.184.216.34"]
    monkeypatch.setattr(outbound.socket, "getaddrinfo", lambda *a, **k: [(0, 0, 0, "", (leads_to[0], 443))])
    channels.create(workspace, {"kind": "webhook", "name": "w", "url": "https://rebind.example.com/"})
    leads_to[0] = "127.0.0.1"
    opened()
    deliver.send_all()
    assert "not on the open internet" in Delivery.objects.get().answer


def test_the_sample_of_the_documentation_verifies(workspace, sink):
    text = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text()
    found: dict = {}
    exec(re.search(r"```python\n(.*?)```", text, re.S)[1], found)
    behind = sink()
    channel, secret = channels.create(workspace, {"kind": "webhook", "name": "w", "url": behind.url})
    deliver.test(channel)
    got = behind.got[0]
    header = got.headers["Costwatch-Signature"]
    assert found["is_genuine"](got.body, header, secret)
    assert not found["is_genuine"](got.body + b" ", header, secret)
    assert not found["is_genuine"](got.body, header, "another")
    assert not found["is_genuine"](got.body, header, secret, tolerance=-1)


def test_the_sample_for_node_verifies(workspace, sink, tmp_path):
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node on this machine")
    text = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text()
    script = tmp_path / "check.mjs"
    call = "console.log(isGenuine(Buffer.from(process.argv[2]), process.argv[3], process.argv[4]))"
    script.write_text(re.search(r"```js\n(.*?)```", text, re.S)[1] + call)
    behind = sink()
    channel, secret = channels.create(workspace, {"kind": "webhook", "name": "w", "url": behind.url})
    deliver.test(channel)
    got = behind.got[0]
    for key, fits in ((secret, b"true\n"), ("another", b"false\n")):
        header = got.headers["Costwatch-Signature"]
        assert subprocess.check_output([node, str(script), got.body.decode(), header, key]) == fits


def test_the_documentation_names_every_service_that_can_be_used():
    text = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text()
    names = set(re.findall(r"\w+", text[text.index("These can:") :]))
    assert [schema for schema in apprise.SCHEMAS if not {schema, schema.removesuffix("s")} & names] == []
