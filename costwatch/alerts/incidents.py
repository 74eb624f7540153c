"""Incidents opened, made worse, and acted on. Each change is a row claimed by its old state: two at once are one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Q

from costwatch.accounts.models import Member
from costwatch.alerts import outbox, stops
from costwatch.alerts.models import PENDING, Delivery, Incident, Kind, Severity, State, TimelineEntry
from costwatch.lib.cut import both_ends
from costwatch.lib.dates import in_zone
from costwatch.lib.periods import zone

LONGEST_TITLE = 255


@dataclass(frozen=True)
class Report:
    """What a detector has to say. `at` is the deciding event's time; `key` names the incident within its workspace;
    `channels` are the ids of those to be told, none: the workspace's default ones."""

    kind: Kind
    key: str
    severity: Severity
    title: str
    message: str
    subject: str
    at: datetime
    event_id: str = ""
    run_id: str = ""
    stops: bool = False
    amount: Decimal | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    channels: tuple[int, ...] = ()


class NotPossible(Exception):
    """The incident is in a state in which this cannot be done; the text says so to a person."""


@dataclass(frozen=True)
class Action:
    """What a person may do: from which states, to which one."""

    before: tuple[State, ...]
    after: State
    done: str


ACTIONS: dict[str, Action] = {
    "ack": Action((State.OPEN, State.SNOOZED), State.ACKNOWLEDGED, "Acknowledged"),
    "snooze": Action((State.OPEN, State.ACKNOWLEDGED, State.SNOOZED), State.SNOOZED, "Snoozed"),
    "resolve": Action(PENDING, State.RESOLVED, "Resolved"),
    "expected": Action((*PENDING, State.RESOLVED), State.EXPECTED, "Marked as expected"),
}


def open_or_update(workspace_id: int, report: Report, now: datetime) -> int:
    """Open the report's incident, or add to the one that is known; its id.

    A known one gets worse with a worse report and never better; one that was over is opened again by a worse one,
    unless somebody said that it is expected.
    """
    with transaction.atomic(savepoint=False):
        incident, opened = Incident.objects.get_or_create(
            workspace_id=workspace_id, dedupe_key=report.key, defaults=_values(report, now)
        )
        if opened:
            entry = note(incident, now, "opened", f"Opened as {report.severity.value}: {report.title}")
            # its own crossings, not those that are known when the message is made: another notice tells of these
            outbox.tell(incident, entry, Delivery.Type.OPENED, report.at, now, outbox.new_crossings({}, report.facts))
        else:
            if not _raise(incident, report, now):
                _move_back(incident, report)
            incident.refresh_from_db()
        stops.follow(incident, now)
    return incident.pk


def refresh(
    workspace_id: int, key: str, facts: Mapping[str, Any], amount: Decimal | None, now: datetime, message: str = ""
) -> None:
    """New figures of an incident that is not over, and the message with them; nothing where there is none."""
    rows = Incident.objects.select_for_update().filter(workspace_id=workspace_id, dedupe_key=key, state__in=PENDING)
    with transaction.atomic():
        incident = rows.first()
        if incident is not None:
            incident.facts = {**incident.facts, **facts}
            incident.amount, incident.changed_at = amount, now
            incident.message = message or incident.message
            incident.save(update_fields=["facts", "amount", "changed_at", "message"])


def tell_again(
    workspace_id: int,
    key: str,
    facts: Mapping[str, Any],
    title: str,
    message: str,
    severity: Severity,
    amount: Decimal | None,
    at: datetime,
    now: datetime,
) -> bool:
    """Something more about a known incident that people are to be told; False where there is none, or it is expected.

    `facts` are added to the known ones; a message lists only the crossings that are new in them. It never gets milder.
    What was acknowledged or resolved is open again.
    """
    rows = Incident.objects.select_for_update().filter(workspace_id=workspace_id, dedupe_key=key)
    with transaction.atomic(savepoint=False):
        incident = rows.exclude(state=State.EXPECTED).first()
        if incident is None:
            return False
        news = outbox.new_crossings(incident.facts, facts)
        incident.facts = {**incident.facts, **facts}
        incident.title = both_ends(title, LONGEST_TITLE)
        incident.message, incident.amount = message, amount
        if incident.severity in severity.below:
            incident.severity = severity
        if incident.state != State.SNOOZED:
            incident.state = State.OPEN
        incident.changed_at = now
        incident.save()
        entry = note(incident, now, "raised", incident.title)
        outbox.tell(incident, entry, Delivery.Type.UPDATED, at, now, news)
        stops.follow(incident, now)
    return True


def act(
    incident: Incident, action: str, actor: str, now: datetime, *, until: datetime | None = None, text: str = ""
) -> bool:
    """Do one of ACTIONS; False if it was done before. `until` ends a snooze. Raises NotPossible."""
    step = ACTIONS[action]
    if incident.state == step.after and action != "snooze":
        return False
    values = {"state": step.after, "snoozed_until": until if action == "snooze" else None, "changed_at": now}
    with transaction.atomic():
        if not Incident.objects.filter(pk=incident.pk, state__in=step.before).update(**values):
            incident.refresh_from_db()
            if incident.state == step.after:
                return False
            raise NotPossible(f"Incident {incident.pk} is {incident.state}; it cannot be changed in this way.")
        said = step.done
        if until is not None and action == "snooze":
            said = f"{said} until {in_zone(until, zone(incident.workspace.time_zone))}"
        entry = note(incident, now, action, f"{said}: {text}" if text else said, actor)
        if step.after == State.ACKNOWLEDGED:
            outbox.acknowledge(incident, entry)
        elif step.after not in PENDING and incident.is_pending:
            outbox.recover(incident, entry)
        incident.refresh_from_db()
        stops.follow(incident, now)
    return True


def settle(incident: Incident, now: datetime, text: str) -> bool:
    """Resolve it because the matter is over by itself; False if it was over before."""
    with transaction.atomic():
        changed = Incident.objects.filter(pk=incident.pk, state__in=PENDING).update(
            state=State.RESOLVED, snoozed_until=None, changed_at=now
        )
        if changed:
            outbox.recover(incident, note(incident, now, "resolve", text))
            incident.refresh_from_db()
            stops.follow(incident, now)
    return bool(changed)


def wake(now: datetime) -> int:
    """Open again what was snoozed until now; how many."""
    woken = 0
    for incident in Incident.objects.filter(state=State.SNOOZED, snoozed_until__lte=now):
        with transaction.atomic():
            rows = Incident.objects.filter(pk=incident.pk, state=State.SNOOZED, snoozed_until__lte=now)
            if rows.update(state=State.OPEN, snoozed_until=None, changed_at=now):
                note(incident, now, "wake", "The snooze is over")
                incident.refresh_from_db()
                stops.follow(incident, now)
                woken += 1
    return woken


def assign(incident: Incident, owner: Member | None, actor: str, now: datetime) -> bool:
    """Make a member of the workspace its owner, or nobody; False if that is so already."""
    if owner is not None and owner.workspace_id != incident.workspace_id:
        raise NotPossible(f"{owner} is no member of this workspace.")
    with transaction.atomic():
        rows = Incident.objects.filter(pk=incident.pk)
        changed = (rows.exclude(owner=owner) if owner else rows.filter(owner__isnull=False)).update(owner=owner)
        if changed:
            note(incident, now, "owner", f"Owner: {owner.name or owner.email}" if owner else "No owner", actor)
    incident.owner = owner
    return bool(changed)


def comment(incident: Incident, text: str, actor: str, now: datetime) -> None:
    """What a member has to say about it, for the others."""
    note(incident, now, "note", text, actor)


def note(incident: Incident, at: datetime, action: str, text: str, actor: str = "") -> TimelineEntry:
    """Add a line to the timeline."""
    return TimelineEntry.objects.create(incident=incident, at=at, action=action, text=text, actor=actor)


def open_count(workspace_id: int) -> int:
    """How many alarms nobody has looked at; a notice calls nobody."""
    rows = Incident.objects.filter(workspace_id=workspace_id, state=State.OPEN)
    return rows.exclude(severity=Severity.NOTICE).count()


def _values(report: Report, now: datetime) -> dict[str, Any]:
    return {
        "kind": report.kind,
        "severity": report.severity,
        "title": both_ends(report.title, LONGEST_TITLE),
        "message": report.message,
        "subject": report.subject[:LONGEST_TITLE],
        "run_id": report.run_id,
        "stops": report.stops,
        "amount": report.amount,
        "facts": dict(report.facts),
        "channels": list(report.channels),
        "opened_at": report.at,
        "opened_by_event": report.event_id,
        "recorded_at": now,
        "changed_at": now,
    }


def _raise(incident: Incident, report: Report, now: datetime) -> bool:
    """Make it as severe as the report; False if it is already. The row is claimed by its lower severity."""
    values = _values(report, now)
    del values["recorded_at"]
    if not report.channels:
        del values["channels"]
    if incident.severity != Severity.NOTICE:
        del values["opened_at"], values["opened_by_event"]
    lower = Incident.objects.filter(pk=incident.pk, severity__in=report.severity.below)
    if not lower.update(**values):
        return False
    over = incident.state == State.RESOLVED
    reopened = over and Incident.objects.filter(pk=incident.pk, state=State.RESOLVED).update(state=State.OPEN)
    text = f"{'Open again, ' if reopened else ''}{report.severity.value} now: {report.title}"
    entry = note(incident, now, "raised", text)
    first = reopened or incident.severity == Severity.NOTICE
    news = outbox.new_crossings({} if first else incident.facts, report.facts)
    incident.refresh_from_db()
    if incident.state != State.EXPECTED:
        outbox.tell(incident, entry, Delivery.Type.OPENED if first else Delivery.Type.UPDATED, report.at, now, news)
    return True


def _move_back(incident: Incident, report: Report) -> None:
    """Late events may show that it began with an earlier one."""
    rows = Incident.objects.filter(Q(opened_at__gt=report.at), pk=incident.pk, severity=report.severity)
    rows.update(opened_at=report.at, opened_by_event=report.event_id)
