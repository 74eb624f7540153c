"""A channel that is switched off, on again or taken away: what waited for it, and what others had to do with it."""

from datetime import UTC, datetime, timedelta

import pytest

from costwatch.alerts import channels, deliver, incidents, queue, remind, trouble
from costwatch.alerts.models import Attempt, Channel, Delivery, Incident, Notice, State
from costwatch.alerts.transports.parts import Receipt, Undeliverable
from tests.alerts.conftest import later
from tests.alerts.sinks import answer, bodies, in_turn, numbers

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
NOW = datetime.now(UTC)


def test_on_again_it_tells_only_what_comes_from_then_on(webhook, opened):
    channel, sink = webhook()
    opened("before")
    assert channels.disable(channel, "", NOW)
    opened("meanwhile")
    assert channels.enable(channel)
    after = opened("after")
    later(10)
    deliver.send_all()
    assert [numbers(body) for body in bodies(sink)] == [[after.pk]]


def test_a_message_that_was_to_be_tried_again_is_not_after_it_was_switched_off(webhook, opened):
    channel, sink = webhook(behave=in_turn(answer(500), answer(200)))
    opened()
    deliver.send_all()
    channels.disable(channel, "", NOW)
    channels.enable(channel)
    later(3_600)
    deliver.send_all()
    delivery = Delivery.objects.get()
    assert (len(sink.got), delivery.state, delivery.answer) == (1, "failed", "the channel was switched off")


def test_switched_off_twice_is_once_and_so_is_on(webhook):
    channel, _ = webhook()
    assert not channels.enable(channel)
    assert channels.disable(channel, "first", NOW)
    assert not channels.disable(channel, "second", NOW)
    channel.refresh_from_db()
    assert channel.disabled_reason == "first"
    assert channels.enable(channel)
    channel.refresh_from_db()
    assert (channel.disabled_at, channel.disabled_reason) == (None, "")


@pytest.mark.parametrize("end", [lambda c: channels.disable(c, "", NOW), lambda c: channels.delete(c, NOW)])
def test_a_message_that_is_on_its_way_meanwhile_has_its_answer_recorded(webhook, opened, end):
    channel, _ = webhook()
    opened()
    job = queue.claim(channel.pk)
    end(channel)
    deliver.written(job, Receipt(200, "thanks"), 0.5)
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.answer, delivery.latency_ms) == ("sent", "thanks", 500)
    assert Attempt.objects.get().ok


def test_what_was_never_sent_over_a_channel_taken_away_is_no_message_on_its_way(webhook, opened):
    channel, _ = webhook(behave=answer(500))
    incident = opened()
    deliver.send_all()
    channels.delete(channel, NOW)
    (told,) = Delivery.objects.filter(notices__incident=incident)
    assert (told.state, told.answer) == ("failed", "the channel was taken away")
    later(91 * 86_400)
    remind.forget()
    assert not Delivery.objects.exists()


def test_a_channel_that_escalated_to_one_taken_away_can_still_be_changed(webhook, opened):
    second, _ = webhook("second", is_default=False)
    first, _ = webhook("first", escalate_to=second.pk, escalate_minutes=5)
    channels.delete(second, NOW)
    first.refresh_from_db()
    assert channels.change(first, {"name": "first of all"})
    assert (first.escalate_to, first.escalate_minutes) == (None, None)
    opened()
    later(3_600)
    assert remind.remind(datetime.now(UTC)) == 0


def test_taken_away_it_keeps_nothing_that_opens_anything_and_its_past_stays(webhook, opened):
    channel, _ = webhook()
    incident = opened()
    deliver.send_all()
    channels.delete(channel, NOW)
    channel.refresh_from_db()
    assert (channel.sealed, channel.shown, channel.is_default) == ("", {}, False)
    assert [one.channel.name for one in Delivery.objects.filter(notices__incident=incident)] == ["ops"]
    assert queue.claim(channel.pk) is None


def test_switched_on_again_its_trouble_is_over(webhook, opened):
    gone, _ = webhook("gone", answer(404), is_default=False)
    webhook("other")
    opened(channels=(gone.pk,))
    deliver.send_all()
    about = Incident.objects.get(kind="delivery")
    channels.enable(gone)
    trouble.settle(gone, "The channel is switched on again")
    about.refresh_from_db()
    assert (about.state, about.timeline.last().text) == (State.RESOLVED, "The channel is switched on again")


def test_trouble_of_one_channel_is_not_over_by_another(webhook, opened):
    first, _ = webhook("first", answer(404), is_default=False)
    second, _ = webhook("second", answer(404), is_default=False)
    opened("a", channels=(first.pk,))
    opened("b", channels=(second.pk,))
    deliver.send_all()
    trouble.settle(first, "over")
    assert Incident.objects.get(kind="delivery", state=State.OPEN).subject == "second"


def test_the_channel_it_escalates_to_is_told_first_of_what_a_dead_one_was_to_tell(webhook, opened):
    _, usual = webhook("usual")
    second, behind = webhook("second", is_default=False)
    gone, _ = webhook("gone", answer(410), is_default=False, escalate_to=second.pk, escalate_minutes=60)
    incident = opened(channels=(gone.pk,))
    deliver.send_all()
    deliver.send_all()
    assert incident.pk in [number for body in bodies(behind) for number in numbers(body)]
    assert incident.pk not in [number for body in bodies(usual) for number in numbers(body)]


def test_who_knows_of_it_already_is_not_told_again_what_another_failed_to_tell(webhook, opened):
    _, sink = webhook("works")
    webhook("gone", answer(404))
    incident = opened()
    deliver.send_all()
    later(10)
    deliver.send_all()
    told = [number for body in bodies(sink) for number in numbers(body)]
    assert told.count(incident.pk) == 1


def test_what_is_over_by_then_goes_no_other_way(webhook, opened):
    gone, _ = webhook("gone", in_turn(answer(500), answer(404)), is_default=False)
    _, other = webhook("other")
    incident = opened(channels=(gone.pk,))
    deliver.send_all()
    incidents.settle(incident, NOW, "over")
    later(10)
    deliver.send_all()
    later(10)
    deliver.send_all()
    assert incident.pk not in [number for body in bodies(other) for number in numbers(body)]


def test_several_dead_channels_end_with_a_notice_and_no_circle(webhook, opened):
    for name in ("a", "b", "c"):
        webhook(name, answer(404))
    opened()
    for _ in range(6):
        deliver.send_all()
        later(61)
    assert Channel.objects.filter(disabled_at=None).count() == 0
    assert deliver.send_all() == 0
    about = Incident.objects.filter(kind="delivery")
    assert sorted(about.values_list("subject", flat=True)) == ["a", "b", "c"]
    assert about.filter(severity="notice").count() >= 1
    assert not Notice.objects.filter(delivery=None, dropped=False).exists()


def test_a_channel_that_works_again_before_five_attempts_was_never_an_incident(webhook, opened):
    webhook("late", in_turn(*[answer(503)] * 4, answer(200)))
    webhook("other")
    opened()
    for _ in range(5):
        deliver.send_all()
        later(2_000)
    assert Delivery.objects.get(channel__name="late").attempts == 5
    assert not Incident.objects.filter(kind="delivery").exists()


def test_a_test_message_that_fails_switches_nothing_off_and_is_no_incident(webhook):
    channel, sink = webhook(behave=answer(410, "gone"))
    result = deliver.test(channel)
    channel.refresh_from_db()
    assert isinstance(result, Undeliverable) and result.dead
    assert (channel.disabled_at, Incident.objects.count(), len(sink.got)) == (None, 0, 1)
    assert Delivery.objects.get().state == "failed"


def test_a_test_message_goes_over_a_channel_that_is_switched_off(webhook):
    channel, sink = webhook()
    channels.disable(channel, "", NOW)
    assert deliver.test(channel) == Receipt(200, "ok")
    assert bodies(sink)[0]["type"] == "test"


def test_the_last_failed_attempt_of_a_day_is_tried_at_its_end_and_not_after(webhook, opened):
    webhook(behave=answer(503, Retry_After="999999"))
    opened()
    deliver.send_all()
    delivery = Delivery.objects.get()
    assert delivery.next_at - delivery.created_at <= timedelta(hours=24)
    later(24 * 3_600 + 5)
    deliver.send_all()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("failed", 2)
