"""What nobody has acknowledged: told again, and to a second channel. Old messages are forgotten.

Each step locks the incident and looks again, so that two at once remind once.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import DateTimeField, Exists, ExpressionWrapper, F, Max, OuterRef
from django.db.models.functions import Now

from costwatch.alerts import incidents, outbox
from costwatch.alerts.models import Channel, Delivery, Incident, Notice, State
from costwatch.alerts.outbox import NEWS

MINUTE = timedelta(minutes=1)
KEPT = timedelta(days=90)
MOST_FORGOTTEN = 2_000  # messages an hour


def remind(now: datetime) -> int:
    """Escalate and tell again what is due; how many notices were written."""
    return sum(_escalate(incident, channel, now) for incident, channel in _to_escalate()) + sum(
        _again(incident, channel, now) for incident, channel in _to_repeat()
    )


def forget() -> int:
    """Delete messages and their log after 90 days, and what was never to be sent; at most so many at a time."""
    old = Now() - KEPT
    done = Delivery.objects.filter(created_at__lt=old).exclude(state=Delivery.State.WAITING)
    messages = Delivery.objects.filter(pk__in=list(done.order_by("pk").values_list("pk", flat=True)[:MOST_FORGOTTEN]))
    Notice.objects.filter(dropped=True, delivery=None, created_at__lt=old).delete()
    return messages.defer("body").delete()[0]


def _to_escalate() -> Iterator[tuple[Incident, Channel]]:
    """Open incidents that a channel was told of, long enough ago, and its second channel was not."""
    second = Notice.objects.filter(
        incident=OuterRef("incident"), channel=OuterRef("channel__escalate_to"), type__in=NEWS, dropped=False
    )
    rows = Notice.objects.filter(
        channel__escalate_to__isnull=False, channel__escalate_to__disabled_at=None, channel__deleted_at=None,
        incident__state=State.OPEN, type__in=NEWS, dropped=False,
        created_at__lte=_ago("channel__escalate_minutes"),
    )  # fmt: skip
    for notice in rows.filter(~Exists(second)).select_related("incident", "channel__escalate_to").order_by("pk"):
        yield notice.incident, notice.channel


def _to_repeat() -> Iterator[tuple[Incident, Channel]]:
    """Open incidents that a channel with an interval was last told of longer ago than that."""
    told = Notice.objects.filter(
        channel__renotify_minutes__isnull=False, channel__deleted_at=None, channel__disabled_at=None,
        incident__state=State.OPEN, type__in=NEWS, dropped=False,
    )  # fmt: skip
    last = told.values("incident", "channel").annotate(last=Max("created_at"))
    for row in last.filter(last__lte=_ago("channel__renotify_minutes")):
        yield Incident.objects.get(pk=row["incident"]), Channel.objects.get(pk=row["channel"])


def _escalate(incident: Incident, channel: Channel, now: datetime) -> int:
    second = channel.escalate_to
    assert second is not None
    with transaction.atomic():
        open_one = _locked(incident)
        told = Notice.objects.filter(incident=incident, channel=second, type__in=NEWS, dropped=False)
        if open_one is None or told.exists():
            return 0
        text = f"Not acknowledged for {channel.escalate_minutes} min: {second.name} is told"
        entry = incidents.note(open_one, now, "escalated", text)
        return outbox.write(open_one, entry, Delivery.Type.OPENED, [second])


def _again(incident: Incident, channel: Channel, now: datetime) -> int:
    with transaction.atomic():
        open_one = _locked(incident)
        since = Notice.objects.filter(
            incident=incident,
            channel=channel,
            type__in=NEWS,
            dropped=False,
            created_at__gt=_ago("channel__renotify_minutes"),
        )
        if open_one is None or since.exists():
            return 0
        entry = incidents.note(open_one, now, "again", f"Still open: {channel.name} is told again")
        return outbox.write(open_one, entry, Delivery.Type.UPDATED, [channel])


def _locked(incident: Incident) -> Incident | None:
    return Incident.objects.select_for_update().filter(pk=incident.pk, state=State.OPEN).first()


def _ago(minutes: str) -> ExpressionWrapper:
    """So many minutes ago by the database's clock."""
    return ExpressionWrapper(Now() - F(minutes) * MINUTE, output_field=DateTimeField())
