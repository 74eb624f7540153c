"""Reading incidents: filtered, in pages, newest first."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db.models import Case, Count, IntegerField, Prefetch, Q, QuerySet, When

from costwatch.alerts.models import PENDING, Delivery, Incident, Kind, Notice, Severity, State

Position = tuple[str, int]
STATES: dict[str, tuple[str, ...]] = {**{state.value: (state.value,) for state in State}, "pending": PENDING}


Span = tuple[datetime, datetime]


def find(
    workspace_id: int, kind: str = "", state: str = "", run_id: str = "", opened: Span | None = None
) -> QuerySet[Incident]:
    """The incidents of a workspace, newest first; empty = any. `state` is one of STATES; `opened`: from, before."""
    rows = Incident.objects.filter(workspace_id=workspace_id)
    if kind:
        rows = rows.filter(kind=kind)
    if state:
        rows = rows.filter(state__in=STATES[state])
    if run_id:
        rows = rows.filter(run_id=run_id)
    if opened:
        rows = rows.filter(opened_at__gte=opened[0], opened_at__lt=opened[1])
    return rows.order_by("-opened_at", "-id")


def worst_first(rows: QuerySet[Incident]) -> QuerySet[Incident]:
    """The same rows, critical ones before alarms and these before notices, the newest of each first."""
    order = Case(*(When(severity=severity, then=n) for n, severity in enumerate(Severity)), output_field=IntegerField())
    return rows.order_by(order.desc(), "-opened_at", "-id")


def with_deliveries(rows: QuerySet[Incident]) -> QuerySet[Incident]:
    """The same rows, with what `told` says of them read in two statements more; bodies of messages are large."""
    told = Notice.objects.filter(delivery__isnull=False).select_related("delivery__channel")
    told = told.defer("delivery__body", "delivery__channel__sealed")
    return rows.select_related("owner").prefetch_related(Prefetch("notices", told))


def of_runs(workspace_id: int, run_ids: Sequence[str]) -> dict[str, Incident]:
    """Run id → the worst that was found about it, what is not over first. Runs without an incident are not in it."""
    order = list(Severity)
    rows = Incident.objects.filter(workspace_id=workspace_id, kind=Kind.LOOP, run_id__in=run_ids).select_related(
        "owner", "workspace"
    )
    worst = sorted(rows, key=lambda row: (row.is_pending, order.index(Severity(row.severity)), row.pk))
    return {row.run_id: row for row in worst}


def after(rows: QuerySet[Incident], position: Position) -> QuerySet[Incident]:
    """Those behind a position (time as text, id) of the same order."""
    opened_at, number = position
    return rows.filter(Q(opened_at__lt=opened_at) | Q(opened_at=opened_at, id__lt=number))


def position(incident: Incident) -> Position:
    """Where an incident stands in the order."""
    return incident.opened_at.isoformat(), incident.pk


def counts(workspace_id: int, opened: Span | None = None) -> Mapping[str, int]:
    """How many there are by state."""
    rows = find(workspace_id, opened=opened).order_by().values_list("state")
    return {state.value: 0 for state in State} | dict(rows.annotate(Count("pk")))


def open_by_severity(workspace_id: int, opened: Span | None = None) -> tuple[int, int]:
    """How many of the open ones call somebody (alarms, critical ones too), and how many are notices."""
    is_notice = Q(severity=Severity.NOTICE)
    rows = find(workspace_id, state=State.OPEN, opened=opened).order_by()
    found = rows.aggregate(alarms=Count("pk", filter=~is_notice), notices=Count("pk", filter=is_notice))
    return found["alarms"], found["notices"]


def told(incident: Incident) -> dict[str, Any]:
    """An incident as API.md §5 names it."""
    return {
        "id": incident.pk,
        "kind": incident.kind,
        "severity": incident.severity,
        "state": incident.state,
        "title": incident.title,
        "message": incident.message,
        "subject": incident.subject,
        "run_id": incident.run_id or None,
        "opened_at": _utc(incident.opened_at),
        "opened_by_event": incident.opened_by_event or None,
        "recorded_at": _utc(incident.recorded_at),
        "snoozed_until": incident.snoozed_until and _utc(incident.snoozed_until),
        "owner": incident.owner.email if incident.owner else None,
        "amount_usd": None if incident.amount is None else f"{incident.amount:.12f}",
        "facts": incident.facts,
        "deliveries": [_delivery(one) for one in deliveries(incident)],
    }


def deliveries(incident: Incident) -> list[Delivery]:
    """The messages that told of it, oldest first."""
    made = {notice.delivery.pk: notice.delivery for notice in incident.notices.all() if notice.delivery}
    return [made[number] for number in sorted(made)]


def _delivery(of: Delivery) -> dict[str, Any]:
    return {
        "id": str(of.uid),
        "type": of.type,
        "channel": of.channel_id,
        "channel_name": of.channel.name,
        "kind": of.channel.kind,
        "state": of.state,
        "attempts": of.attempts,
        "created_at": _utc(of.created_at),
        "sent_at": of.sent_at and _utc(of.sent_at),
        "status": of.status,
        "answer": of.answer,
        "latency_ms": of.latency_ms,
    }


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
