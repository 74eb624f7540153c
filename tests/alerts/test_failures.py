"""What could not be sent: again under the same id, later, over another channel, or not at all."""

import pytest

from costwatch.alerts import deliver
from costwatch.alerts.models import Attempt, Delivery, Incident, State
from costwatch.lib import outbound
from tests.alerts.conftest import later
from tests.alerts.sinks import answer, bodies, drip, drop, in_turn, numbers

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("first,status", [(answer(500, "oops"), 500), (answer(408), 408), (drop, None)])
def test_what_failed_is_sent_again_under_the_same_id(webhook, opened, first, status):
    _, sink = webhook(behave=in_turn(first, answer(200)))
    opened()
    deliver.send_all()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.status, delivery.attempts) == ("waiting", status, 1)
    assert deliver.send_all() == 0  # it rests
    later(6.1)
    deliver.send_all()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("sent", 2)
    assert [body["id"] for body in bodies(sink)] == [str(delivery.uid)] * 2
    assert list(Attempt.objects.values_list("ok", "status")) == [(False, status), (True, 200)]


def test_what_the_other_side_asks_for_is_honoured(webhook, opened):
    _, sink = webhook(behave=in_turn(answer(429, Retry_After="120"), answer(200)))
    opened()
    deliver.send_all()
    later(119)
    deliver.send_all()
    assert len(sink.got) == 1
    later(1.5)
    deliver.send_all()
    assert len(sink.got) == 2


def test_new_incidents_wait_behind_a_message_that_fails_and_come_together(webhook, opened):
    _, sink = webhook(behave=in_turn(answer(500), answer(200)))
    first = opened("1")
    deliver.send_all()
    others = [opened(f"{n}").pk for n in (2, 3)]
    deliver.send_all()
    assert len(sink.got) == 1
    later(7)
    deliver.send_all()
    assert [numbers(body) for body in bodies(sink)] == [[first.pk], [first.pk], others]


@pytest.mark.parametrize("behave", [answer(404, "no_service"), answer(410)])
def test_a_channel_that_is_gone_is_switched_off_and_others_are_told(webhook, opened, behave):
    gone, sink = webhook("gone", behave, is_default=False)
    _, other = webhook("other")
    incident = opened(channels=(gone.pk,))
    deliver.send_all()
    deliver.send_all()
    gone.refresh_from_db()
    assert gone.disabled_at and len(sink.got) == 1
    assert Delivery.objects.get(channel=gone).state == "failed"
    trouble = Incident.objects.get(kind="delivery")
    assert trouble.title == "The channel gone is switched off"
    told = [number for body in bodies(other) for number in numbers(body)]
    assert sorted(told) == sorted([incident.pk, trouble.pk])  # what it was to tell goes over the other one
    later(90_000)
    assert deliver.send_all() == 0


def test_a_channel_that_keeps_failing_is_told_over_the_others_and_settles(webhook, opened):
    _, sink = webhook("late", in_turn(*[answer(503)] * 5, answer(200)))
    _, other = webhook("other")
    opened()
    for _ in range(5):
        deliver.send_all()
        later(2_000)
    deliver.send_all()
    trouble = Incident.objects.get(kind="delivery")
    assert trouble.title == "Messages do not reach late"
    assert (trouble.state, len(sink.got)) == (State.RESOLVED, 6)
    assert trouble.pk in [number for body in bodies(other) for number in numbers(body)]


def test_after_a_day_a_message_is_given_up_and_goes_another_way(webhook, opened):
    late, _ = webhook("late", answer(500), is_default=False)
    _, other = webhook("other")
    incident = opened(channels=(late.pk,))
    deliver.send_all()
    later(24 * 3600 + 1)
    deliver.send_all()
    assert Delivery.objects.get(channel=late).state == "failed"
    deliver.send_all()
    assert incident.pk in [number for body in bodies(other) for number in numbers(body)]


def test_a_message_that_is_refused_does_not_hold_up_the_others_for_a_day(webhook, opened):
    webhook(behave=answer(422, "what is this"))
    opened()
    for _ in range(3):
        deliver.send_all()
        later(100)
    assert list(Delivery.objects.values_list("state", "attempts")) == [("failed", 3)]
    trouble = Incident.objects.get(kind="delivery")
    assert trouble.severity == "notice"  # there is no other channel to tell


def test_a_server_that_drips_is_cut_off(webhook, opened, monkeypatch):
    monkeypatch.setitem(outbound.call.__kwdefaults__, "seconds", 0.5)
    webhook(behave=drip)
    opened()
    deliver.send_all()
    assert "within 0.5 seconds" in Delivery.objects.get().answer


def test_a_lease_is_taken_over_when_it_is_over_and_the_late_answer_still_counts(webhook, opened):
    channel, _ = webhook()
    opened()
    job = deliver.queue.claim(channel.pk)
    assert deliver.queue.claim(channel.pk) is None
    later(46)
    second = deliver.queue.claim(channel.pk)
    assert (second.delivery.pk, second.attempt) == (job.delivery.pk, 2)
    assert deliver.queue.record(job, deliver.attempt(job), 1.0).sent
    delivery = Delivery.objects.get()
    assert delivery.state == "sent"
    deliver.queue.record(second, deliver.Undeliverable("late"), 1.0)
    delivery.refresh_from_db()
    assert delivery.state == "sent"
