"""What each answer of the other side leads to, for each kind of channel, at a real server that gives it."""

import pytest

from costwatch.alerts import channels, deliver
from costwatch.alerts.models import Attempt, Delivery, Incident
from costwatch.alerts.transports import webhook as signing
from tests.alerts.conftest import later
from tests.alerts.sinks import answer, in_turn, reply

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
OWN = {"webhook": {}, "slack": {}, "teams": {}, "pagerduty": {"routing_key": "a" * 32}, "apprise": {}}
BY_TOKEN = ("slack", "teams", "pagerduty")


@pytest.fixture
def channel(workspace, sink):
    """Makes a channel of a kind with a sink behind it."""

    def make(kind, behave):
        behind = sink(behave)
        url = behind.url.replace("http://", "json://") if kind == "apprise" else behind.url
        made, _ = channels.create(workspace, {"kind": kind, "name": kind, "url": url, **OWN[kind]})
        return made, behind

    return make


@pytest.mark.parametrize("kind", OWN)
@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_answer_of_2xx_is_taken(channel, opened, kind, status):
    _, sink = channel(kind, answer(status, "" if status == 204 else '{"ok":true}'))
    opened()
    deliver.send_all()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.status, len(sink.got)) == ("sent", status, 1)


def is_dead(kind, status):
    return status in (404, 410) or (status in (401, 403) and (kind in BY_TOKEN or kind == "apprise"))


@pytest.mark.parametrize("kind", OWN)
@pytest.mark.parametrize(
    "status", [301, 302, 307, 400, 401, 403, 404, 408, 410, 413, 422, 425, 429, 500, 502, 503, 504]
)
def test_an_answer_switches_off_gives_up_or_is_asked_again(channel, opened, kind, status):
    """Three times where the message is at fault, for a day where the other side is, never where nobody is there."""
    made, sink = channel(kind, answer(status, "no", Location="http://127.0.0.1:1/"))
    opened()
    for _ in range(4):
        deliver.send_all()
        later(60)
    made.refresh_from_db()
    delivery = Delivery.objects.get(channel=made, type="incident.opened")
    refused = status in (400, 413, 422)
    tries = 1 if is_dead(kind, status) else 3 if refused else 4
    assert (bool(made.disabled_at), len(sink.got)) == (is_dead(kind, status), tries)
    assert delivery.state == ("waiting" if tries == 4 else "failed")
    assert delivery.status == status
    assert Attempt.objects.filter(delivery=delivery, ok=False, status=status).count() == tries
    assert kind != "webhook" or len({got.json["id"] for got in sink.got}) == 1
    assert Incident.objects.filter(kind="delivery").exists() is (tries < 4)


@pytest.mark.parametrize(("said", "kept"), [
    ("x" * 900, "x" * 500), ("a\0b", "ab"), ("ü" * 600, "ü" * 500), ("", ""), ("\ufffd<b>", "\ufffd<b>"),
])  # fmt: skip
def test_what_was_answered_is_kept_by_its_beginning(webhook, opened, said, kept):
    def behave(handler, _):
        body = said.encode()
        handler.send_response(500)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    webhook(behave=behave)
    opened()
    deliver.send_all()
    assert Delivery.objects.get().answer == kept
    assert Attempt.objects.get().answer == kept


def test_an_answer_in_no_known_letters_is_kept_as_far_as_it_can_be_read(webhook, opened):
    def behave(handler, _):
        handler.send_response(500)
        handler.send_header("Content-Length", "4")
        handler.end_headers()
        handler.wfile.write(b"\xff\xfeok")

    webhook(behave=behave)
    opened()
    deliver.send_all()
    assert Delivery.objects.get().answer == "\ufffd\ufffdok"


def test_an_endless_answer_is_cut_off_and_tried_again(webhook, opened):
    def behave(handler, _):
        handler.send_response(200)
        handler.end_headers()
        for _ in range(40):
            handler.wfile.write(b"." * 4_096)

    webhook(behave=behave)
    opened()
    deliver.send_all()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.answer) == ("waiting", "127.0.0.1: the answer is longer than 65,536 bytes")


def test_what_is_no_http_is_tried_again(webhook, opened):
    webhook(behave=lambda handler, _: handler.wfile.write(b"SSH-2.0-OpenSSH_9\r\n\r\n"))
    opened()
    deliver.send_all()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.status, delivery.attempts) == ("waiting", None, 1)


def test_nobody_who_listens_is_tried_again(workspace, local, opened):
    channels.create(workspace, {"kind": "webhook", "name": "w", "url": "http://127.0.0.1:1/hook"})
    opened()
    deliver.send_all()
    assert Delivery.objects.get().state == "waiting"


def test_a_date_beyond_all_calendars_is_no_reason_to_give_a_message_up(webhook, opened):
    webhook(behave=answer(503, Retry_After="Wed, 18 Nov 99999999999999999999 13:32:00 GMT"))
    opened()
    for _ in range(4):
        deliver.send_all()
        later(60)
    delivery = Delivery.objects.get(type="incident.opened")
    assert (delivery.state, delivery.attempts, delivery.answer) == ("waiting", 4, "ok")


def test_a_fault_of_ours_is_given_up_after_three_attempts_and_named(webhook, opened, monkeypatch):
    def broken(*_):
        raise RuntimeError("secret detail")

    webhook()
    monkeypatch.setattr(signing, "signature", broken)
    opened()
    for _ in range(4):
        deliver.send_all()
        later(60)
    delivery = Delivery.objects.get(type="incident.opened")
    assert (delivery.state, delivery.attempts) == ("failed", 3)
    assert delivery.answer == "costwatch could not send it: RuntimeError"


def test_pagerduty_sends_the_rest_again_where_one_of_its_events_failed(channel, opened):
    """The keys make what arrived twice harmless."""
    _, sink = channel("pagerduty", in_turn(answer(202), answer(500), answer(202)))
    made = [opened("a"), opened("b"), opened("c")]
    deliver.send_all()
    assert Delivery.objects.get().state == "waiting"
    later(7)
    deliver.send_all()
    assert Delivery.objects.get().state == "sent"
    keys = [got.json["dedup_key"] for got in sink.got]
    assert keys == [f"costwatch-incident-{made[n].pk}" for n in (0, 1, 0, 1, 2)]


@pytest.mark.parametrize(("said", "off"), [
    ('{"errors":["\'routing_key\' must be a string of length 32"]}', True),
    ('{"message":"Routing key is unknown"}', True),
    ('{"errors":["summary is too long"]}', False), ("", False),
])  # fmt: skip
def test_a_bad_request_to_pagerduty_ends_the_channel_only_where_it_is_about_the_key(channel, opened, said, off):
    made, _ = channel("pagerduty", answer(400, said))
    opened()
    deliver.send_all()
    made.refresh_from_db()
    assert bool(made.disabled_at) is off


def test_a_channel_is_asked_nothing_while_it_rests_and_its_next_message_waits(webhook, opened):
    times = []

    def behave(handler, number):
        times.append(number)
        reply(handler, 429 if number == 1 else 200, Retry_After="300")

    _, sink = webhook(behave=behave)
    opened("a")
    deliver.send_all()
    opened("b")
    for seconds in (100, 100, 90):
        later(seconds)
        deliver.send_all()
    assert len(sink.got) == 1
    later(11)
    deliver.send_all()
    assert [len(got.json["incidents"]) for got in sink.got] == [1, 1, 1]
