"""The kill switch: a person asks an agent, a key, a user, a task, a run or everybody to stop: why, and until when."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec
from django.db.models import Q, QuerySet

from costwatch.alerts import stops
from costwatch.alerts.models import Stop
from costwatch.alerts.scopes import TAG, is_dimension

REASON = "kill"
LONGEST = timedelta(days=30)
LONGEST_MESSAGE = 500
LONGEST_VALUE = 200
MOST_VALUES = 100
WORDS = {"agent": "agent", "user": "user", "task": "task", "run": "run", "session": "session", "key": "API key"}
EVERYBODY = "everybody in this workspace"


class BadStop(ValueError):
    """A stop that cannot be ordered in this way; `field` is scope, message or until."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


class NotLifted(Exception):
    """A stop that a person cannot lift by itself; the text says what to do instead."""


def order(workspace_id: int, scope: Any, message: Any, until: datetime | None, actor: str, now: datetime) -> Stop:
    """Ask everybody in this scope to stop until then; the same scope again changes reason and end. Raises BadStop."""
    checked = _scope(scope)
    if not _is_text(message) or not message.strip() or len(message) > LONGEST_MESSAGE:
        raise BadStop("message", f"Say why, in 1 to {LONGEST_MESSAGE} characters: whoever is stopped reads it.")
    if until is None or until.tzinfo is None or not now < until <= now + LONGEST:
        raise BadStop("until", "Say until when: a time with its offset, ahead by at most 30 days.")
    key = f"kill:{sha256(msgspec.json.encode(checked)).hexdigest()}"
    number = stops.place(workspace_id, checked, REASON, message.strip(), key=key, until=until, actor=actor, now=now)
    return Stop.objects.get(pk=number)


def lift(stop: Stop, now: datetime) -> bool:
    """Let them go on; False if the stop was over. Raises NotLifted for one that a loop or a budget asks for."""
    if stop.reason != REASON:
        instead = "resolve its incident" if stop.incident_id else "change its budget"
        raise NotLifted(f"Stop {stop.pk} was not placed by a person: {instead} to lift it.")
    return stops.lift(stop.workspace_id, stop.key, now)


def listing(workspace_id: int, now: datetime, reason: str = "") -> QuerySet[Stop]:
    """The stops that stand, newest first; of one reason, or all."""
    rows = Stop.objects.filter(Stop.is_standing(now), workspace_id=workspace_id)
    return (rows.filter(reason=reason) if reason else rows).order_by("-placed_at", "-id")


def after(rows: QuerySet[Stop], placed_at: datetime, number: int) -> QuerySet[Stop]:
    """Those behind a place of the listing's order."""
    return rows.filter(Q(placed_at__lt=placed_at) | Q(placed_at=placed_at, pk__lt=number))


def whom(scope: Mapping[str, list[str]]) -> str:
    """A scope in words: "agent triage", "users u1 and u2 of agent a"; the narrowest dimension comes first."""
    if not scope:
        return EVERYBODY
    return " of ".join(_named(name, values) for name, values in sorted(scope.items(), key=lambda item: _rank(item[0])))


def _rank(name: str) -> tuple[int, str]:
    order = ("run", "session", "user", TAG, "task", "agent", "key")
    name_or_tag = TAG if name.startswith(TAG) else name
    return (order.index(name_or_tag) if name_or_tag in order else len(order)), name


def _named(name: str, values: list[str]) -> str:
    word = name.removeprefix(TAG) if name.startswith(TAG) else WORDS.get(name, name)
    if values == [""]:
        return f"calls without {word}"
    shown = [value or "none" for value in values[:3]]
    more = f" and {len(values) - 3} more" if len(values) > 3 else ""
    plural = "s" if len(values) > 1 and not name.startswith(TAG) else ""
    return f"{word}{plural} {', '.join(shown)}{more}"


def _scope(scope: Any) -> dict[str, list[str]]:
    """Dimension → values, sorted. Raises BadStop."""
    if not isinstance(scope, dict):
        raise BadStop("scope", 'scope says who is to stop, e.g. {"agent": "triage"}; {} is the whole workspace.')
    checked: dict[str, list[str]] = {}
    for name, wanted in sorted(scope.items()):
        dimension = next((known for known, sent in stops.EVENT_NAMES.items() if sent == name), name)
        if not is_dimension(dimension) or not _is_text(dimension) or dimension in checked:
            raise BadStop("scope", "scope may name agent, user, task, run, session, key, environment, release, model,"
                                   " provider, operation and tag.<name>, each once.")  # fmt: skip
        checked[dimension] = _values(dimension, wanted)
    return dict(sorted(checked.items()))


def _values(dimension: str, wanted: Any) -> list[str]:
    values = [wanted] if isinstance(wanted, str) else wanted
    if not isinstance(values, list) or not 0 < len(values) <= MOST_VALUES:
        raise BadStop("scope", f"scope.{dimension} must be a name or a list of up to {MOST_VALUES} names.")
    if not all(_is_text(value) and len(value) <= LONGEST_VALUE for value in values):
        raise BadStop("scope", f"Names in scope.{dimension} are texts of at most {LONGEST_VALUE} characters.")
    return sorted(set(values))


def _is_text(value: Any) -> bool:
    """Whether PostgreSQL can keep it: no NUL, no half of a surrogate pair."""
    return isinstance(value, str) and "\0" not in value and value.encode(errors="ignore").decode() == value
