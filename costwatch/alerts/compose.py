"""The next message to a channel, out of the notices that wait for it. The caller holds the channel's row locked."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.conf import settings

from costwatch.alerts import listing
from costwatch.alerts.message import Message
from costwatch.alerts.models import PENDING, Channel, Delivery, Incident, Notice, Severity, State
from costwatch.alerts.outbox import NEWS
from costwatch.alerts.timing import MINUTE, is_quiet, next_message_at
from costwatch.lib.periods import zone

Type = Delivery.Type
MOST = 2_000  # incidents in a message
SETS = (NEWS, (Type.ACKNOWLEDGED,), (Type.RESOLVED,))
ONE_BY_ONE = 20
GROUPED = 5  # PagerDuty makes one alert of more than these


def next_delivery(channel: Channel, now: datetime) -> Delivery | None:
    """Make the message that is due, and store it; None while nothing is. `now` is the database's time."""
    waiting = _sendable(channel, _waiting(channel), now)
    for types in SETS:
        notices = [notice for notice in waiting if notice.type in types]
        if notices and (types == (Type.ACKNOWLEDGED,) or _may_go(channel, types, notices, now)):
            return _made(channel, notices[: ONE_BY_ONE if _calls_for_each(channel, types) else MOST])
    return None


def _calls_for_each(channel: Channel, types: Sequence[str]) -> bool:
    """Whether every incident of such a message is a call of its own: they must fit into the time of a lease."""
    return channel.kind == Channel.Kind.PAGERDUTY and types != NEWS


def message_of(delivery: Delivery) -> Message:
    """A stored message as a transport gets it."""
    body = delivery.body
    return Message(
        uid=str(delivery.uid),
        type=delivery.type,
        workspace=body["workspace"],
        incidents=body["incidents"],
        body=body,
        url=body.get("digest", {}).get("url") or _page(delivery),
    )


def body(uid: str, type: str, workspace: str, incidents: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What a webhook gets (API.md §6)."""
    return {"id": uid, "type": type, "workspace": workspace, "incidents": list(incidents)}


def incident_url(number: int) -> str:
    """The page of an incident as it is reached from outside."""
    return _outside(f"/incidents/{number}")


def _waiting(channel: Channel) -> list[Notice]:
    """What waits, but not of snoozed incidents, and without what became pointless: news of what is expected, and the
    end of what is only told now."""
    rows = Notice.objects.filter(channel=channel, delivery=None, dropped=False).select_related("incident")
    rows = rows.exclude(incident__state=State.SNOOZED)
    found = list(rows.order_by("pk")[: 4 * MOST])
    newest: dict[int, str] = {n.incident_id: n.type for n in found if n.type in NEWS}
    pointless = [
        notice.pk
        for notice in found
        if (notice.type in NEWS and notice.incident.state == State.EXPECTED)
        or (notice.type not in NEWS and notice.incident_id in newest)
    ]
    if pointless:
        Notice.objects.filter(pk__in=pointless).update(dropped=True)
    gone = set(pointless)
    return [notice for notice in found if notice.pk not in gone]


def _sendable(channel: Channel, notices: Iterable[Notice], now: datetime) -> list[Notice]:
    """In quiet hours only what is critical."""
    place = zone(channel.time_zone or channel.workspace.time_zone)
    quiet = is_quiet(channel.quiet_from, channel.quiet_until, place, now)
    return [notice for notice in notices if not quiet or notice.incident.severity == Severity.CRITICAL]


def _may_go(channel: Channel, types: Sequence[str], waiting: Sequence[Notice], now: datetime) -> bool:
    recent = Delivery.objects.filter(channel=channel, type__in=types, created_at__lte=now)
    sent = list(recent.filter(created_at__gt=now - 2 * MINUTE).values_list("created_at", flat=True))
    if not sent:
        return True
    told = Notice.objects.filter(delivery__in=recent.filter(created_at__gt=max(sent) - MINUTE))
    incidents = {*told.values_list("incident", flat=True)} | {notice.incident_id for notice in waiting}
    return next_message_at(sent, len(incidents), now) <= now


def _made(channel: Channel, notices: Sequence[Notice]) -> Delivery:
    grouped: dict[int, list[Notice]] = defaultdict(list)
    for notice in notices:
        grouped[notice.incident_id].append(notice)
    kinds = {notice.type for notice in notices}
    type = Type.OPENED if Type.OPENED in kinds else Type(next(iter(kinds)))
    uid = uuid4()
    incidents = listing.with_deliveries(Incident.objects.filter(pk__in=grouped)).in_bulk()
    told = [_told(incidents[number], own) for number, own in grouped.items()]
    content = body(str(uid), type, channel.workspace.name, told)
    if channel.kind == Channel.Kind.PAGERDUTY and type == Type.RESOLVED:
        content["groups_over"] = _groups_over(channel, list(grouped))
    made = Delivery.objects.create(
        uid=uid, workspace=channel.workspace, channel=channel, type=type, body=content, size=len(told)
    )
    Notice.objects.filter(pk__in=[notice.pk for notice in notices]).update(delivery=made)
    return made


def _told(incident: Incident, notices: Sequence[Notice]) -> dict[str, Any]:
    """An incident with what these notices say of it: of several crossings each once."""
    told = listing.told(incident)
    told["url"] = incident_url(incident.pk)
    if all("crossings" in notice.facts for notice in notices):
        crossings: list[Any] = []
        for notice in notices:
            crossings += [one for one in notice.facts["crossings"] if one not in crossings]
        told["facts"] = {**told["facts"], "crossings": crossings}
    return told


def _groups_over(channel: Channel, incidents: Sequence[int]) -> list[str]:
    """Messages that told many of them at once, of which nothing is pending any more."""
    many = Delivery.objects.filter(
        channel=channel, type__in=NEWS, size__gt=GROUPED, notices__incident__in=incidents
    ).distinct()
    pending = Notice.objects.filter(delivery__in=many, incident__state__in=PENDING).values("delivery")
    return [str(uid) for uid in many.exclude(pk__in=pending).values_list("uid", flat=True)]


def _page(delivery: Delivery) -> str:
    """The incident alone, or the message with all of them; empty where nobody knows how we are reached."""
    if not settings.PUBLIC_URL:
        return ""
    if delivery.size == 1:
        return incident_url(delivery.body["incidents"][0]["id"])
    return _outside(f"/settings/channels/deliveries/{delivery.pk}" if delivery.size else "/settings/channels")


def _outside(path: str) -> str:
    """Not by `reverse`: it would load every page of the product into the worker. A test compares the two."""
    return f"{settings.PUBLIC_URL.rstrip('/')}{path}"
