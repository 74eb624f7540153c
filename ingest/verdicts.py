"""Who of a batch is asked to stop. Where nobody is, the events are not looked at."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import InterfaceError, OperationalError
from django.utils import timezone

from costwatch.alerts import stops
from costwatch.alerts.scopes import TAG, Book, Standing
from costwatch.ledger.entry import Entry

MOST = 100  # verdicts in one answer
ATTRIBUTES = {"agent": "agent_id", "user": "user_id", "session": "session_id", "run": "run_id"}

Reader = Callable[[Entry], str]


def of(workspace_id: int, key_name: str, entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """The verdicts on the runs, agents, users … of these events, as the API tells them.

    Called after the events are committed: a database that is gone by now costs the verdicts, not the answer.
    """
    try:
        book = stops.standing(workspace_id)
    except (OperationalError, InterfaceError):
        return []
    return [verdict.told() for verdict in _found(book, key_name, entries)] if len(book) else []


def _found(book: Book, key_name: str, entries: Sequence[Entry]) -> list[stops.Verdict]:
    now = timezone.now()
    found: dict[tuple[Any, ...], stops.Verdict] = {}
    for dimension in sorted(book.dimensions):
        for value, own in sorted(_filed(book, dimension, entries, _reader(dimension, key_name)).items()):
            for stop in book.filed(dimension, value):
                if stop.lasts(now):
                    _judge(stop, own, key_name, found)
    return list(found.values())[:MOST]


def _filed(book: Book, dimension: str, entries: Sequence[Entry], read: Reader) -> dict[str, list[Entry]]:
    """The events whose value of this dimension has stops filed under it, by that value."""
    groups: dict[str, list[Entry]] = {value: [] for value in {read(e) for e in entries} if book.filed(dimension, value)}
    if groups:
        for entry in entries:
            if (value := read(entry)) in groups:
                groups[value].append(entry)
    return groups


def _judge(
    stop: Standing, entries: Sequence[Entry], key_name: str, found: dict[tuple[Any, ...], stops.Verdict]
) -> None:
    """Add the verdicts of one stop on the events that it may cover: one for each whom it names."""
    readers = {name: _reader(name, key_name) for name in stop.scope}
    for entry in entries:
        values = {name: read(entry) for name, read in readers.items()}
        if stop.covers(values):
            found.setdefault((stop.number, *values.values()), stops.verdict(stop, values))
            if len(values) < 2:  # all of these events have the one value
                return


def _reader(dimension: str, key_name: str) -> Reader:
    """How to read a dimension's value off an event; empty where it is not attributed."""
    if not dimension:
        return lambda entry: ""
    if dimension == "key":
        return lambda entry: key_name
    if dimension.startswith(TAG):
        return _tag(dimension.removeprefix(TAG))
    attribute = ATTRIBUTES.get(dimension, dimension)
    return lambda entry: getattr(entry, attribute, None) or ""


def _tag(name: str) -> Reader:
    def read(entry: Entry) -> str:
        tags: Mapping[str, str] = entry.tags or {}
        return tags.get(name, "")

    return read
