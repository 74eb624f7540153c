"""Who is to be told of an incident's change: rows written in the transaction of the change itself.

A message goes out only when the deciding event is less than an hour old (a back-fill pages nobody), and for an alarm or
worse. What became of it is told to those who heard of it before.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from costwatch.alerts.models import Channel, Delivery, Incident, Notice, Severity, TimelineEntry

FRESH = timedelta(hours=1)
TAKES_ACKNOWLEDGEMENTS = (Channel.Kind.PAGERDUTY,)
NEWS = (Delivery.Type.OPENED, Delivery.Type.UPDATED)


def tell(incident: Incident, entry: TimelineEntry, type: Delivery.Type, at: datetime, now: datetime,
         facts: Mapping[str, Any] | None = None) -> None:  # fmt: skip
    """Tell the incident's channels; `at` is the time of the event that decided the change."""
    held = incident.facts.get("worth_a_message") is False  # a loop below the workspace's money gate
    if held or incident.severity == Severity.NOTICE or now - at >= FRESH:
        return
    write(incident, entry, type, recipients(incident), facts)


def recover(incident: Incident, entry: TimelineEntry) -> None:
    """Tell those who heard of it that it is over. Each crossing is told once: a recovery lists none."""
    facts: dict[str, Any] = {"crossings": []} if "crossings" in incident.facts else {}
    write(incident, entry, Delivery.Type.RESOLVED, _told(incident), facts)


def acknowledge(incident: Incident, entry: TimelineEntry) -> None:
    """Services that keep alarms of their own are told that somebody is at it."""
    write(incident, entry, Delivery.Type.ACKNOWLEDGED, _told(incident).filter(kind__in=TAKES_ACKNOWLEDGEMENTS))


def write(incident: Incident, entry: TimelineEntry, type: Delivery.Type, channels: Iterable[Channel],
          facts: Mapping[str, Any] | None = None) -> int:  # fmt: skip
    """The rows themselves; how many channels will be told."""
    rows = [
        Notice(incident=incident, channel=channel, entry=entry, type=type, facts=dict(facts or {}))
        for channel in channels
    ]
    Notice.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def recipients(incident: Incident) -> list[Channel]:
    """The channels chosen for it that work, else the workspace's default ones for such incidents."""
    severe = [level.value for level in Severity if incident.severity not in level.below]
    usable = working(incident.workspace_id)
    chosen = list(usable.filter(pk__in=incident.channels)) if incident.channels else []
    if not chosen:
        chosen = [c for c in usable.filter(is_default=True) if not c.kinds or incident.kind in c.kinds]
    return [channel for channel in chosen if channel.min_severity in severe]


def working(workspace_id: int) -> QuerySet[Channel]:
    """Channels that are neither deleted nor disabled."""
    return Channel.objects.filter(workspace_id=workspace_id, deleted_at=None, disabled_at=None).order_by("pk")


def new_crossings(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The crossings of the later facts that the earlier ones do not hold, whatever their times are by now."""
    if "crossings" not in after:
        return {}
    known = [_named(one) for one in before.get("crossings", ())]
    return {"crossings": [one for one in after["crossings"] if _named(one) not in known]}


def _named(crossing: Mapping[str, Any]) -> tuple[Any, Any]:
    """What makes a crossing the same one, whichever event is known for it by now."""
    return crossing.get("threshold"), crossing.get("basis")


def _told(incident: Incident) -> QuerySet[Channel]:
    heard: Sequence[int] = list(
        Notice.objects.filter(incident=incident, type__in=NEWS, dropped=False).values_list("channel_id", flat=True)
    )
    return working(incident.workspace_id).filter(Q(pk__in=heard))
