"""Sending: due at the hour in the zone of the reader, once whoever looks, through the outbox, to working channels."""

from datetime import timedelta

import pytest

from costwatch.alerts import channels
from costwatch.alerts.models import Channel, Delivery
from costwatch.digests import send, subscriptions
from costwatch.digests.models import Issue
from costwatch.digests.subscriptions import BadSubscription
from tests.digests.conftest import MONDAY, NOW

pytestmark = pytest.mark.usefixtures("weeks")
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
LONG_AGO = MONDAY - 90 * DAY


@pytest.fixture
def weekly(workspace, ann):
    return subscriptions.subscribe(workspace, "weekly", LONG_AGO, by="ann", member=ann)[0]


def test_it_goes_out_at_its_hour_and_not_before(weekly):
    assert send.send_due(MONDAY - MINUTE) == 0
    assert send.send_due(MONDAY) == 1
    delivery = Delivery.objects.get()
    assert (delivery.type, delivery.channel) == ("digest", weekly.channel)
    assert delivery.body["digest"]["title"] == "Larkfield Support, 16–22 Nov 2026: $112.00, +60 %"


def test_it_goes_out_once_whoever_looks_and_how_often(weekly):
    found = list(send.due(MONDAY))
    assert [send.send(one, span, MONDAY) for one, span in [*found, *found]] == [True, False]
    assert send.send_due(MONDAY + MINUTE) == 0
    assert Delivery.objects.count() == Issue.objects.count() == 1


def test_the_next_week_has_a_digest_of_its_own(weekly):
    send.send_due(MONDAY)
    assert send.send_due(MONDAY + 7 * DAY) == 1
    assert Issue.objects.count() == 2


def test_each_reader_has_a_zone_and_an_hour(workspace, ann, hook):
    subscriptions.subscribe(workspace, "weekly", LONG_AGO, by="ann", member=ann, hour=6, time_zone="Asia/Tokyo")
    subscriptions.subscribe(workspace, "weekly", LONG_AGO, by="ann", channel=hook, hour=23)
    tokyo = MONDAY - timedelta(hours=10)  # 6:00 there
    assert send.send_due(tokyo - MINUTE) == 0
    assert send.send_due(tokyo) == 1
    assert send.send_due(MONDAY + timedelta(hours=15) - MINUTE) == 0
    assert send.send_due(MONDAY + timedelta(hours=15)) == 1
    assert set(Issue.objects.values_list("subscription__channel__name", flat=True)) == {
        "Digests to ann@larkfield.example",
        "ops",
    }


def test_a_subscription_does_not_get_what_was_before_it(workspace, ann):
    subscriptions.subscribe(workspace, "weekly", MONDAY + MINUTE, by="ann", member=ann)
    assert send.send_due(MONDAY + 2 * MINUTE) == 0


def test_what_could_not_be_sent_for_days_is_not_sent_late(weekly):
    assert send.send_due(MONDAY + 3 * DAY) == 0
    assert send.send_due(MONDAY + 3 * DAY - MINUTE) == 1


def test_who_has_left_or_switched_off_gets_nothing(weekly, ann):
    ann.is_active = False
    ann.save()
    assert send.send_due(MONDAY) == 0
    ann.is_active = True
    ann.save()
    channels.disable(weekly.channel, "full", NOW)
    assert send.send_due(MONDAY) == 0
    channels.enable(weekly.channel)
    assert send.send_due(MONDAY) == 1


def test_a_member_has_one_channel_for_all_digests_that_gets_no_incidents(workspace, ann, weekly):
    subscriptions.subscribe(workspace, "daily", LONG_AGO, by="ann", member=ann)
    channel = Channel.objects.get(workspace=workspace)
    assert (channel.kind, channel.is_default, channel.shown["to"]) == ("email", False, ["ann@larkfield.example"])


def test_asking_again_changes_the_hour(workspace, ann, weekly):
    again, is_new = subscriptions.subscribe(workspace, "weekly", NOW, by="ann", member=ann, hour=17)
    assert (again.pk, again.hour, is_new, again.made_at) == (weekly.pk, 17, False, LONG_AGO)


@pytest.mark.parametrize(("field", "asked"), [
    ("kind", {"kind": "hourly"}), ("hour", {"hour": 24}), ("time_zone", {"time_zone": "Mars/Base"}),
    ("channel", {"member": None}),
])  # fmt: skip
def test_impossible_subscriptions_are_refused_by_field(workspace, ann, field, asked):
    with pytest.raises(BadSubscription) as refused:
        subscriptions.subscribe(workspace, by="ann", now=NOW, **({"kind": "weekly", "member": ann} | asked))
    assert refused.value.field == field
