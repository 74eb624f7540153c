"""What each kind of channel takes, keeps and shows, whatever is written into its fields."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costwatch.accounts.models import Workspace
from costwatch.alerts import channels
from costwatch.alerts.models import Channel
from costwatch.alerts.transports import MODULES, parts, transport, webhook
from costwatch.alerts.transports.parts import BadChannel, masked, retry_after
from tests.api.conftest import caller

pytestmark = pytest.mark.thorough
KEY = "0123456789abcdef0123456789ABCDEF"
US, EU = "https://events.pagerduty.com/v2/enqueue", "https://events.eu.pagerduty.com/v2/enqueue"


@pytest.mark.parametrize(("secret", "shown"), [
    ("https://hooks.slack.com/services/T1/B2/abcd1234wxyz", "https://hooks.slack.com/…wxyz"),
    ("https://ops.example.org:8443/h?token=abcdefgh", "https://ops.example.org/…efgh"),
    ("https://a.b/c", "https://a.b/…"), ("xoxb-1", "…"), ("xoxb-123456789012", "…9012"),
    ("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", "discord://…V_js"), ("", "…"), ("short-one-15-sig", "…-sig"),
    ("fifteen-signs-x", "…"), ("xoxb-a://[b", "…"), ("xoxb-a://[bcdefghijkl", "…ijkl"),
])  # fmt: skip
def test_a_secret_shows_where_it_leads_and_its_last_four_signs(secret, shown):
    assert masked(secret) == shown


@given(st.text(max_size=60))
def test_nothing_breaks_the_mask_and_four_signs_are_all_it_tells_of_a_token(token):
    shown = masked(token)
    assert shown.count("…") >= 1
    if "://" not in token:
        assert shown == (f"…{token[-4:]}" if len(token) >= 16 else "…")


@pytest.mark.django_db
@pytest.mark.parametrize("token", ["xoxb-a://[b", "xoxb-" + "]" * 30, "xoxb-//[::1"])
def test_a_token_of_any_signs_is_stored_and_no_fault_of_the_server(workspace, token):
    body = {"kind": "slack", "name": "s", "token": token, "channel": "#costs"}
    response = caller(workspace, "admin").post("/api/v1/channels", body, content_type="application/json")
    assert response.status_code == 201
    assert token not in response.content.decode()
    assert channels.config_of(Channel.objects.get()) == {"token": token, "channel": "#costs"}


@pytest.mark.django_db
@pytest.mark.parametrize("enabled", ["no", 0, 1, "false", [], {}])
def test_whether_it_is_used_is_said_by_true_or_false_alone(workspace, enabled):
    body = {"kind": "email", "name": "m", "to": ["a@l.example"], "enabled": enabled}
    response = caller(workspace, "admin").post("/api/v1/channels", body, content_type="application/json")
    assert (response.status_code, response.json()["error"]["field"]) == (422, "enabled")
    assert not Channel.objects.exists()


@pytest.mark.django_db
def test_one_may_be_made_switched_off(workspace):
    body = {"kind": "email", "name": "m", "to": ["a@l.example"], "enabled": False}
    response = caller(workspace, "admin").post("/api/v1/channels", body, content_type="application/json")
    assert (response.status_code, response.json()["enabled"]) == (201, False)


@pytest.mark.django_db
@pytest.mark.parametrize(("entered", "kept"), [
    ("a@l.example", ["a@l.example"]), ("a@l.example, b@l.example", ["a@l.example", "b@l.example"]),
    ("a@l.example\nb@l.example\n\n", ["a@l.example", "b@l.example"]), ([" a@l.example "], ["a@l.example"]),
    ("a@l.example,a@l.example", ["a@l.example"]), ("\r\na@l.example\r\n", ["a@l.example"]),
    ([f"a{n}@l.example" for n in range(50)], [f"a{n}@l.example" for n in range(50)]),
])  # fmt: skip
def test_addresses_are_taken_as_people_write_them(workspace, entered, kept):
    channel, secret = channels.create(workspace, {"kind": "email", "name": "m", "to": entered})
    assert (channels.config_of(channel), channel.shown, secret) == ({"to": kept}, {"to": kept}, "")


@pytest.mark.django_db
def test_the_region_of_pagerduty_can_be_changed_and_the_key_stays(workspace, monkeypatch):
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [(0, 0, 0, "", ("93.184.216.34", 443))])
    channel, _ = channels.create(workspace, {"kind": "pagerduty", "name": "p", "routing_key": KEY})
    assert channels.config_of(channel) == {"routing_key": KEY}
    assert channels.change(channel, {"url": EU})
    assert channels.config_of(channel) == {"routing_key": KEY, "url": EU}
    assert channels.change(channel, {"url": US})
    assert channels.config_of(channel) == {"routing_key": KEY}
    with pytest.raises(BadChannel, match=r"Only addresses at events\.eu\.pagerduty\.com, events\.pagerduty\.com"):
        channels.change(channel, {"url": "https://events.pagerduty.com.evil.example/"})


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", "a" * 31, "a" * 33, "a" * 31 + "-", "ä" * 32, "a" * 31 + " "])
def test_an_integration_key_has_32_letters_and_digits(workspace, key):
    with pytest.raises(BadChannel) as problem:
        channels.create(workspace, {"kind": "pagerduty", "name": "p", "routing_key": key})
    assert problem.value.field == "routing_key"


@pytest.mark.django_db
def test_another_address_of_a_webhook_keeps_the_secret_that_signs(workspace, local):
    channel, secret = channels.create(workspace, {"kind": "webhook", "name": "w", "url": "http://127.0.0.1:9/a"})
    channels.change(channel, {"url": "http://127.0.0.1:9/b"})
    config = channels.config_of(channel)
    assert (config["url"], webhook.active(config, 0)) == ("http://127.0.0.1:9/b", [secret])


@pytest.mark.django_db
def test_what_is_refused_of_a_change_leaves_everything_as_it_was(workspace, local):
    channel, _ = channels.create(workspace, {"kind": "webhook", "name": "w", "url": "http://127.0.0.1:9/a"})
    before = Channel.objects.values().get()
    for data in ({"name": "x", "url": "ftp://127.0.0.1/"}, {"name": "x", "time_zone": "Moon"},
                 {"name": "x", "kinds": ["fax"]}, {"name": "x", "url": "http://10.0.0.1/"}):  # fmt: skip
        with pytest.raises(BadChannel):
            channels.change(channel, data)
        assert Channel.objects.values().get() == before
        channel.refresh_from_db()


@pytest.mark.django_db
@pytest.mark.parametrize(("entered", "kept"), [
    ("22:00", time(22)), ("07:30:59", time(7, 30, 59)), (time(1, 2), time(1, 2)), ("", None), (None, None),
    ("00:00", time(0)), ("23:59:59.999999", time(23, 59, 59)),
])  # fmt: skip
def test_quiet_hours_are_times_of_a_day(workspace, entered, kept):
    data = {"kind": "email", "name": "m", "to": "a@l.example", "quiet_from": entered, "quiet_until": entered}
    channel, _ = channels.create(workspace, data)
    channel.refresh_from_db()
    assert (channel.quiet_from, channel.quiet_until) == (kept, kept)


@pytest.mark.django_db
@pytest.mark.parametrize("entered", ["22:00+01:00", "24:00", "22h", -1, [], "22:00Z"])
def test_what_is_no_time_of_a_day_is_refused(workspace, entered):
    data = {"kind": "email", "name": "m", "to": "a@l.example", "quiet_from": "07:00", "quiet_until": entered}
    with pytest.raises(BadChannel) as problem:
        channels.create(workspace, data)
    assert problem.value.field == "quiet_until"


@pytest.mark.django_db
def test_the_kinds_of_a_channel_have_one_order_and_none_means_all(workspace):
    data = {"kind": "email", "name": "m", "to": "a@l.example", "kinds": ["pricing", "budget", "budget"]}
    channel, _ = channels.create(workspace, data)
    assert channel.kinds == ["budget", "pricing"]
    channels.change(channel, {"kinds": None})
    assert channel.kinds == []


@pytest.mark.django_db
def test_lists_are_by_name_and_of_one_workspace(workspace):
    other = Workspace.objects.create(name="Other")
    for place, names in ((workspace, "bca"), (other, "d")):
        for name in names:
            channels.create(place, {"kind": "email", "name": name, "to": "a@l.example"})
    assert [channel.name for channel in channels.of(workspace)] == ["a", "b", "c"]
    assert [channel.name for channel in channels.of(other.pk)] == ["d"]


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["email", "slack", "pagerduty"])
def test_only_what_is_signed_has_a_secret_to_replace(workspace, local, kind):
    own = {"email": {"to": "a@l.example"}, "slack": {"url": "http://127.0.0.1/x"}, "pagerduty": {"routing_key": KEY}}
    channel, _ = channels.create(workspace, {"kind": kind, "name": kind, **own[kind]})
    with pytest.raises(BadChannel, match="Only webhooks"):
        channels.rotate(channel)


@given(st.lists(st.integers(0, 3 * 86_400), min_size=1, max_size=8))
def test_however_often_a_secret_is_replaced_one_or_two_sign_and_the_newest_always(waits):
    config, now = {"secrets": [{"secret": "first", "until": None}]}, 0
    newest, made_at = "first", 0
    for wait in waits:
        now += wait
        before = newest
        config, newest = webhook.rotated(config, now)
        made_at = now
        assert webhook.active(config, now) == [newest, before]
    assert webhook.active(config, made_at + 86_399) == [newest, before]
    assert webhook.active(config, made_at + 86_400) == [newest]


@pytest.mark.parametrize("value", [
    "Wed, 18 Nov 99999999999999999999 13:32:00 GMT", "Wed, 18 Nov 2026 13:32:00 +99999999999999999999",
    "Wed, 18 Nov 2026", "²",
    "١٢٠", "", " ", "1e3", "0x10", "Wed, 40 Nov 2026 13:32:00 GMT", "\udcff", "12.5", "Wed, 18 Nov 2026 13:32:00",
])  # fmt: skip
def test_a_time_to_come_back_that_nobody_can_read_is_none(value):
    assert retry_after({"Retry-After": value}) is None


def test_a_time_to_come_back_may_be_a_date_ahead():
    at = datetime.now(UTC) + timedelta(hours=1)
    assert 3_590 < retry_after({"RETRY-AFTER": f"{at:%a, %d %b %Y %H:%M:%S} GMT"}) <= 3_600
    assert retry_after({"Retry-After": "9" * 40}) == 999_999_999


@given(st.dictionaries(st.text(max_size=12), st.text(max_size=40), max_size=3), st.text(max_size=40))
def test_no_header_of_another_side_breaks_reading_it(headers, value):
    found = retry_after({**headers, "Retry-After": value})
    assert found is None or isinstance(found, float)


def test_every_field_of_every_kind_says_what_it_is():
    for kind in MODULES:
        for field in transport(kind).FIELDS:
            assert isinstance(field, parts.Field) and field.label
            assert set(field.replaces) <= {other.name for other in transport(kind).FIELDS} - {field.name}
