"""Channels as they are stored: sealed, masked, and only what can work."""

import json

import pytest
from django.db import connection

from costwatch.accounts.models import Workspace
from costwatch.alerts import channels, deliver
from costwatch.alerts.models import Channel
from costwatch.alerts.transports.parts import BadChannel
from costwatch.lib import sealed
from tests.lib.test_outbound import CASES

URL = "https://ops.example.org/hook/token-4711-abcd"


@pytest.fixture
def channel(workspace, local) -> Channel:
    return channels.create(
        workspace, {"kind": "slack", "name": "s", "url": "https://hooks.slack.com/services/T/B/xyz9"}
    )[0]


def test_secrets_are_sealed_in_the_database_and_masked_elsewhere(channel):
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(channel)::text FROM channel")
        (row,) = cursor.fetchone()
    assert "xyz9" not in row.replace("…xyz9", "") and "services/T" not in row
    assert channel.shown == {"url": "https://hooks.slack.com/…xyz9"}
    assert channels.config_of(channel) == {"url": "https://hooks.slack.com/services/T/B/xyz9"}


def test_another_secret_key_opens_nothing_the_old_one_beside_it_does(channel, settings):
    old = settings.SECRET_KEY
    settings.SECRET_KEY = "a new key"
    with pytest.raises(sealed.Unreadable):
        channels.config_of(channel)
    assert channels.seal_anew() == 0
    settings.SECRET_KEY_FALLBACKS = [old]
    assert channels.config_of(channel)
    assert channels.seal_anew() == 1
    assert channels.seal_anew() == 0
    settings.SECRET_KEY_FALLBACKS = []
    channel.refresh_from_db()
    assert channels.config_of(channel)


def test_what_cannot_be_opened_is_said_and_can_be_entered_again(channel, settings, opened):
    settings.SECRET_KEY = "a new key"
    opened()
    deliver.send_all()
    channel.refresh_from_db()
    assert "another COSTWATCH_SECRET_KEY" in channel.disabled_reason
    channels.change(channel, {"url": "https://hooks.slack.com/services/T/B/abc1"})
    assert channels.config_of(channel)["url"].endswith("abc1")


def test_purposes_and_installations_do_not_open_each_others_seals():
    text = sealed.seal({"a": 1}, ["k"], "channels")
    assert sealed.unseal(text, ["x", "k"], "channels") == {"a": 1}
    for secrets, purpose in ((["k"], "other"), (["j"], "channels")):
        with pytest.raises(sealed.Unreadable):
            sealed.unseal(text, secrets, purpose)


def test_a_change_keeps_what_it_does_not_name(channel):
    assert channels.change(channel, {"name": "t", "quiet_from": "22:00", "quiet_until": "07:00"})
    assert not channels.change(channel, {"name": "t", "url": ""})
    channel.refresh_from_db()
    assert (channel.name, f"{channel.quiet_from:%H:%M}") == ("t", "22:00")
    channels.change(channel, {"token": "xoxb-1", "channel": "#a"})
    assert channels.config_of(channel) == {"token": "xoxb-1", "channel": "#a"}
    channels.change(channel, {"url": "https://hooks.slack.com/services/n"})
    assert channels.config_of(channel) == {"url": "https://hooks.slack.com/services/n"}


@pytest.mark.parametrize("data,field", [
    ({"name": ""}, "name"), ({"name": 5}, "name"), ({"name": "x" * 201}, "name"), ({"name": "a\nb"}, "name"),
    ({"min_severity": "notice"}, "min_severity"), ({"min_severity": []}, "min_severity"), ({"kinds": ["x"]}, "kinds"),
    ({"kinds": "loop"}, "kinds"), ({"kinds": [{}]}, "kinds"), ({"is_default": 1}, "is_default"),
    ({"quiet_from": "25:00"}, "quiet_from"), ({"quiet_from": "22:00"}, "quiet_until"),
    ({"quiet_from": 7}, "quiet_from"),
    ({"time_zone": "Mars"}, "time_zone"), ({"time_zone": ["UTC"]}, "time_zone"),
    ({"escalate_to": 999_999, "escalate_minutes": 5}, "escalate_to"), ({"escalate_to": "x"}, "escalate_to"),
    ({"escalate_to": 10**30}, "escalate_to"), ({"escalate_minutes": 5}, "escalate_minutes"),
    ({"renotify_minutes": 0}, "renotify_minutes"), ({"renotify_minutes": "5"}, "renotify_minutes"),
    ({"renotify_minutes": 10_081}, "renotify_minutes"), ({"url": 5}, "url"), ({"url": "x\0"}, "url"),
    ({"url": "https://x" + "y" * 3_000}, "url"), ({"url": None}, "url"), ({"kind": "fax"}, "kind"),
    ({"kind": []}, "kind"),
])  # fmt: skip
def test_what_cannot_be_is_refused_by_name(workspace, data, field):
    with pytest.raises(BadChannel) as problem:
        channels.create(workspace, {"kind": "webhook", "name": "w", "url": URL, **data})
    assert problem.value.field == field
    assert problem.value.message.endswith((".", "/hook"))


def test_names_are_used_once_and_free_again_after_deletion(workspace, channel):
    with pytest.raises(BadChannel, match="this name"):
        channels.create(workspace, {"kind": "webhook", "name": "s", "url": URL})
    channels.delete(channel, channel.created_at)
    again, _ = channels.create(workspace, {"kind": "webhook", "name": "s", "url": URL})
    assert list(channels.of(workspace)) == [again]
    assert Channel.objects.get(pk=channel.pk).sealed == ""


def test_escalation_stays_in_the_workspace(workspace, channel):
    other = Workspace.objects.create(name="Other")
    foreign, _ = channels.create(other, {"kind": "webhook", "name": "w", "url": URL})
    for target in (foreign.pk, channel.pk):
        with pytest.raises(BadChannel):
            channels.change(channel, {"escalate_to": target, "escalate_minutes": 5})


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["name"])
def test_every_address_of_the_list_is_taken_or_refused_without_any_name_server(workspace, monkeypatch, case):
    """As on a machine that resolves nothing but itself."""

    def resolve(host, *_, **__):
        if host == "localhost":
            return [(0, 0, 0, "", ("127.0.0.1", 80))]
        raise OSError("no name server")

    monkeypatch.setattr("socket.getaddrinfo", resolve)
    kind = "slack" if "Slack" in case["why"] else "webhook"
    data = {"kind": kind, "name": case["name"], "url": case["url"]}
    if case["expect"] == "allow":
        assert channels.create(workspace, data)[0].pk
        return
    with pytest.raises(BadChannel) as problem:
        channels.create(workspace, data)
    assert problem.value.field == "url"


def test_an_operator_allows_hosts_inside_also_for_services_with_hosts_of_their_own(workspace, local):
    for kind in ("webhook", "slack", "teams"):
        channels.create(workspace, {"kind": kind, "name": kind, "url": "http://127.0.0.1:9000/x"})
    with pytest.raises(BadChannel):
        channels.create(workspace, {"kind": "webhook", "name": "w2", "url": "http://127.0.0.2:9000/x"})


def test_plain_http_is_for_inside_only(workspace, monkeypatch):
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [(0, 0, 0, "", ("93.184.216.34", 80))])
    with pytest.raises(BadChannel, match="https://"):
        channels.create(workspace, {"kind": "webhook", "name": "w", "url": "http://ops.example.com/"})


def test_what_is_shown_holds_no_secret_of_any_kind(workspace, local):
    for kind, data in {
        "webhook": {"url": "http://127.0.0.1/secretsecretsecret"}, "teams": {"url": "http://127.0.0.1/secretsecretsecret"},
        "pagerduty": {"routing_key": "secretsecretsecretsecretsecret12"},
        "apprise": {"url": "discord://secretsecretsecret/secretsecretsecretsecret"},
    }.items():  # fmt: skip
        made, _ = channels.create(workspace, {"kind": kind, "name": kind, **data})
        assert "secretsecret" not in json.dumps(made.shown), made.shown
