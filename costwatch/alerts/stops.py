"""Who is asked to stop, and why: by a loop, a blocking budget or a person. One table, known to every process.

`place` and `lift` write in the caller's transaction. `asked` answers from memory: a process that is asked looks for
changes some times a second, beside its answers, and reads only the rows that changed since. "Since" goes by
transactions, not by times: what a transaction that was still open at the last look wrote is found by the next.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from time import monotonic
from typing import Any

from django.db import connection, models, transaction
from django.utils import timezone

from costwatch.accounts.models import Workspace
from costwatch.alerts.models import Incident, State, Stop
from costwatch.alerts.scopes import Book, Standing
from costwatch.database.ahead import ahead

FRESH_FOR = 0.5  # seconds; older than that, a question waits for the look
LOOK_AFTER = 0.2  # seconds; from then on another thread looks, while questions are answered from what is known
OVERSHOOT = 2.5  # seconds from a commit until every process asks to stop: what may still be spent
SWEPT_EVERY = 60.0  # seconds; each period of a budget leaves its stops behind
KEPT_FOR = timedelta(days=30)
ASKING = (State.OPEN, State.ACKNOWLEDGED)
EVENT_NAMES = {"agent": "agent_id", "user": "user_id", "session": "session_id", "run": "run_id"}
_COLUMNS = ("pk", "scope", "reason", "message", "incident_id", "until", "lifted_at")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Somebody is asked to stop: whom it is about (dimension → value), why, and until when (None: until lifted)."""

    whom: Mapping[str, str]
    reason: str
    message: str
    incident: int | None = None
    until: datetime | None = None

    def told(self) -> dict[str, Any]:
        """As the API names it."""
        until = {"until": self.until.astimezone(UTC).isoformat().replace("+00:00", "Z")} if self.until else {}
        named = {EVENT_NAMES.get(name, name): value for name, value in self.whom.items()}
        return {**named, "action": "stop", "reason": self.reason, "message": self.message, "incident": self.incident,
                **until}  # fmt: skip


def place(
    workspace_id: int,
    scope: Mapping[str, Sequence[str]],
    reason: str,
    message: str,
    *,
    key: str,
    incident_id: int | None = None,
    until: datetime | None = None,
    actor: str = "",
    now: datetime | None = None,
) -> int:
    """Ask everybody in this scope to stop; the stop's id. The same key is the same stop, placed anew if it was lifted.

    `scope` is dimension → values, `{}` the whole workspace. Nothing is written where nothing is new.
    """
    values = {
        "scope": {name: sorted(set(wanted)) for name, wanted in sorted(scope.items())},
        "reason": reason,
        "message": message,
        "incident_id": incident_id,
        "until": until,
        "actor": actor,
        "lifted_at": None,
    }
    new = {"placed_at": now or timezone.now(), "changed_in": _this_transaction()}
    with transaction.atomic():
        stop, placed = Stop.objects.select_for_update().get_or_create(
            workspace_id=workspace_id, key=key, defaults=values | new
        )
        if not placed and any(getattr(stop, name) != value for name, value in values.items()):
            Stop.objects.filter(pk=stop.pk).update(**values, **new)
            placed = True
    if placed:
        _tell_this_process(workspace_id)
    return stop.pk


def lift(workspace_id: int, key: str, now: datetime) -> bool:
    """Ask nobody of this stop's scope any more; False if there was no such stop, or it was lifted before."""
    standing = Stop.objects.filter(workspace_id=workspace_id, key=key, lifted_at=None)
    lifted = bool(standing.update(lifted_at=now, changed_in=_this_transaction()))
    if lifted:
        _tell_this_process(workspace_id)
    return lifted


def follow(incident: Incident, now: datetime) -> None:
    """Make the stop of an incident that asks its run, or its session, to stop agree with the incident's state."""
    session = incident.facts.get("session")
    scope = {"run": [incident.run_id]} if incident.run_id else {"session": [session]} if session else None
    if not incident.stops or scope is None:
        return
    key = f"incident:{incident.pk}"
    if incident.state in ASKING:
        place(incident.workspace_id, scope, incident.kind, incident.message, key=key,
              incident_id=incident.pk, now=now)  # fmt: skip
    else:
        lift(incident.workspace_id, key, now)


def asked(workspace_id: int, values: Mapping[str, str]) -> list[Verdict]:
    """What asks somebody with these values (agent, user, task, run, session, key, environment, release, tag.…) to stop.

    Not older than FRESH_FOR; a dimension that is not given counts as not attributed. Raises OperationalError.
    """
    return [verdict(stop, values) for stop in standing(workspace_id).covering(values, timezone.now())]


def verdict(stop: Standing, values: Mapping[str, str]) -> Verdict:
    """A stop as told to somebody with these values."""
    whom = {name: values.get(name, "") for name in stop.scope}
    return Verdict(whom, stop.reason, stop.message, stop.incident, stop.until)


def standing(workspace_id: int) -> Book:
    """The stops of a workspace, as fresh as FRESH_FOR; of this process, not to be changed. Raises OperationalError."""
    known = _known.get(workspace_id) or _known.setdefault(workspace_id, _Known())
    age = monotonic() - known.read_at
    if age > FRESH_FOR:
        _look(workspace_id, known, FRESH_FOR)
    elif age > LOOK_AFTER:
        ahead.read(("stops", workspace_id), lambda: _look(workspace_id, known, LOOK_AFTER))
    return known.book


def forget() -> None:
    """Read anew at the next question (in tests, whose database work is rolled back)."""
    _known.clear()


def prune(now: datetime) -> None:
    """Delete what has asked nobody for a month; every process has seen it end."""
    Stop.objects.filter(models.Q(lifted_at__lt=now - KEPT_FOR) | models.Q(until__lt=now - KEPT_FOR)).delete()


@dataclass(slots=True)
class _Known:
    """What this process knows of a workspace: all that could be seen in the snapshot `seen` (None: nothing yet)."""

    book: Book = field(default_factory=Book)
    seen: str | None = None
    read_at: float = float("-inf")
    swept_at: float = 0.0
    lock: Lock = field(default_factory=Lock)


_known: dict[int, _Known] = {}


def _look(workspace_id: int, known: _Known, older_than: float) -> None:
    """Read what changed, if nobody has within so many seconds."""
    with known.lock:
        if monotonic() - known.read_at > older_than:
            _refresh(workspace_id, known)


def _refresh(workspace_id: int, known: _Known) -> None:
    began, now = monotonic(), timezone.now()
    # inside a transaction a snapshot does not tell what it wrote before from what it will write: all is read anew
    book, seen = (Book(), None) if connection.in_atomic_block else (known.book, known.seen)
    rows = Stop.objects.filter(workspace_id=workspace_id).annotate(snapshot=_snapshot())
    if seen is None:
        known.seen = Workspace.objects.values_list(_snapshot(), flat=True).get(pk=workspace_id)
        rows = rows.filter(Stop.is_standing(now))
    else:
        rows = rows.filter(_new_since(seen))
    for *columns, lifted_at, snapshot in rows.values_list(*_COLUMNS, "snapshot"):
        number, scope, reason, message, incident, until = columns
        if seen is not None:
            known.seen = snapshot
        if lifted_at is not None or (until is not None and until <= now):
            book.drop(number)
        else:
            wanted = {name: frozenset(values) for name, values in scope.items()}
            book.put(Standing(number, wanted, reason, message, incident, until))
    if began - known.swept_at > SWEPT_EVERY:
        book.sweep(now)
        known.swept_at = began
    known.book, known.read_at = book, began


def _this_transaction() -> models.Func:
    return models.Func(template="pg_current_xact_id()::text::bigint", output_field=models.BigIntegerField())


def _snapshot() -> models.Func:
    """What this statement can see: which transactions have ended."""
    return models.Func(template="pg_current_snapshot()::text", output_field=models.TextField())


def _new_since(snapshot: str) -> models.Q:
    """Changed by a transaction that had not ended when the snapshot was taken. Its first number, the oldest such, is
    what the index is searched by."""
    unseen = models.Func("changed_in", models.Value(snapshot), output_field=models.BooleanField(),
                         template="NOT pg_visible_in_snapshot(%(expressions)s::pg_snapshot)",
                         arg_joiner="::text::xid8, ")  # fmt: skip
    return models.Q(unseen, changed_in__gte=int(snapshot.partition(":")[0]))


def _tell_this_process(workspace_id: int) -> None:
    def look() -> None:
        if known := _known.get(workspace_id):
            known.read_at = float("-inf")

    transaction.on_commit(look)
