"""What doctor and Prometheus say of channels."""

from datetime import timedelta

import pytest
from django.db.models import F

from costwatch import doctor, metrics
from costwatch.alerts import deliver
from costwatch.alerts.models import Delivery
from tests.alerts.sinks import answer

pytestmark = pytest.mark.django_db


def later(**by) -> None:
    Delivery.objects.update(created_at=F("created_at") - timedelta(**by), next_at=F("next_at") - timedelta(**by))


def metric(start: str) -> float:
    (line,) = [line for line in metrics.exposition().decode().splitlines() if line.startswith(start)]
    return float(line.split()[-1])


def test_without_channels_nothing_is_wrong():
    assert doctor._channels().ok
    assert metric('costwatch_channels{state="working"}') == 0


def test_channels_that_work_say_when_the_last_message_went(webhook, opened):
    webhook("hook")
    assert doctor._channels().says == "the only one works; nothing sent yet"
    opened()
    deliver.send_all()
    Delivery.objects.update(sent_at=F("sent_at") - timedelta(hours=3, minutes=5))
    found = doctor._channels()
    assert (found.ok, found.says) == (True, "the only one works; the last message went 3 h ago")
    assert metric('costwatch_deliveries_day{kind="webhook",state="sent"}') == 1
    assert metric("costwatch_deliveries_waiting") == metric("costwatch_delivery_oldest_seconds") == 0


def test_one_that_does_not_take_its_messages_is_named_with_what_it_answered(webhook, opened):
    webhook("hook", answer(500, "out of order"))
    webhook("second")
    opened()
    deliver.send_all()
    later(minutes=5)
    found = doctor._channels()
    assert not found.ok and found.mend
    assert found.says == "hook of Larkfield does not take its messages: out of order"
    assert metric('costwatch_channels{state="failing"}') == metric('costwatch_channels{state="working"}') == 1
    assert 299 <= metric("costwatch_delivery_oldest_seconds") <= 400


def test_one_that_is_switched_off_is_named_with_the_reason(webhook, opened):
    webhook("gone", answer(404))
    webhook("gone too", answer(410))
    opened()
    deliver.send_all()
    found = doctor._channels()
    assert not found.ok
    assert found.says.startswith("gone of Larkfield is switched off: Its messages are refused for good")
    assert found.says.endswith("(and 1 more)")
    assert metric('costwatch_channels{state="off"}') == 2


def test_a_message_that_nobody_tries_to_send_is_the_workers_matter(workspace, webhook):
    channel, _ = webhook("hook")
    Delivery.objects.create(workspace=workspace, channel=channel, type="digest")
    assert doctor._channels().ok
    later(seconds=90)
    found = doctor._channels()
    assert not found.ok and "90 s for its first attempt" in found.says
