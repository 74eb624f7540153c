"""Storing a batch: keys, runs, events and the batch's own row in ONE transaction; then it counts everywhere."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from psycopg import Cursor, errors

from costwatch.ledger import few, labels, months, opening, partitions, rows
from costwatch.ledger.entry import Entry
from costwatch.ledger.opening import Keys
from costwatch.ledger.store import StorageUnavailable, writing

__all__ = ["StorageUnavailable", "record"]


def record(lane: int, entries: Sequence[Entry]) -> list[int]:
    """Store all entries of one batch, or none; return the indexes of the duplicates, which are not stored again.

    A duplicate is an event one of whose keys is known already, from whichever day, or from earlier in the batch. Raises
    StorageUnavailable when the database cannot store now. Two senders of the same events wait for each other and then
    agree: names and keys are inserted in one order (`opening`), so nobody deadlocks.
    """
    if not entries:
        return []
    owner, repeats = _repeats(entries)
    firsts = [i for i in range(len(entries)) if i not in repeats]
    now = datetime.now(UTC)
    partitions.ensure(_days(entries), now.date())
    attributions = labels.resolve(lane, entries)
    simple = len(entries) <= few.MOST and not repeats and min(e.timestamp for e in entries) > now - months.OLD
    if simple and few.store(lane, entries, attributions, owner, now):
        return []
    try:
        stored = _store(lane, entries, attributions, owner, firsts, now, carefully=bool(repeats))
    except errors.UniqueViolation:  # some are known, or somebody else makes one of the names at this moment
        stored = _store(lane, entries, attributions, owner, firsts, now, carefully=True)
    if len(stored) == len(entries):
        return []
    kept = set(stored)
    return [i for i in range(len(entries)) if i not in kept]


def _store(
    lane: int,
    entries: Sequence[Entry],
    attributions: Sequence[int],
    owner: dict[bytes, int],
    firsts: list[int],
    now: datetime,
    *,
    carefully: bool,
) -> list[int]:
    """Store the new ones among `firsts`, the indexes of entries that repeat none before them; which those were."""
    with writing() as cursor:
        opened = opening.begin(cursor, lane, entries, owner, now, carefully=carefully)
        stored = firsts
        if len(opened.new_keys) < len(owner):
            stored = [i for i in firsts if all(key in opened.new_keys for key in entries[i].keys)]
        if len(stored) < len(entries):
            _tidy(cursor, lane, entries, stored, opened)
        if stored:
            new, theirs = entries, attributions
            if len(stored) < len(entries):
                new, theirs = [entries[i] for i in stored], [attributions[i] for i in stored]
            _copy(cursor, lane, new, theirs, opened, now)
            months.carry(cursor, lane, opened.batch_id, opened.first_at, now)
    return stored


def _days(entries: Sequence[Entry]) -> set[date]:
    """The UTC days of the events; mostly the first and the last are of the same one."""
    times = [e.timestamp for e in entries]
    first, last = (moment.astimezone(UTC).date() for moment in (min(times), max(times)))
    return {first} if first == last else {moment.astimezone(UTC).date() for moment in times}


def forget() -> None:
    """Empty this process's caches of ids and partitions (after a roll-back around `record`, as tests do)."""
    opening.forget()
    labels.forget()
    partitions.forget()


def _repeats(entries: Sequence[Entry]) -> tuple[dict[bytes, int], set[int]]:
    """Which entry each key belongs to first, and the entries that repeat an earlier one."""
    owner = {entry.keys[0]: i for i, entry in enumerate(entries) if len(entry.keys) == 1}
    if len(owner) == len(entries):  # the usual batch: a quarter of the time
        return owner, set()
    keys = [(key, i) for i, entry in enumerate(entries) for key in entry.keys]
    owner = dict(reversed(keys))
    return owner, {i for key, i in keys if owner[key] != i}


def _tidy(cursor: Cursor[Any], lane: int, entries: Sequence[Entry], stored: list[int], opened: opening.Opened) -> None:
    """Some are duplicates: their keys lead to the stored event, and what only they would have begun is not begun."""
    _point_aliases(cursor, lane, entries, stored, opened.new_keys)
    idle = opened.new_runs - {entries[i].run_id for i in stored}
    if idle:
        opening.discard_runs(cursor, lane, opened, idle)
    if not stored:
        cursor.execute("DELETE FROM ingest_batch WHERE id = %s", [opened.batch_id])


def _point_aliases(
    cursor: Cursor[Any], lane: int, entries: Sequence[Entry], stored: list[int], new_keys: set[bytes]
) -> None:
    """A duplicate may bring a key that was not known (SDK and gateway name the same call differently): let it lead to
    the stored event, so that a third sender meets it under either name. What a duplicate leads to may be another one of
    this batch, before it."""
    leads = {key: key for i in stored for key in entries[i].keys}
    links = []
    for entry in entries:
        to = next(leads.get(key, key) for key in entry.keys if key in leads or key not in new_keys)
        for key in entry.keys:
            if key in new_keys and key not in leads:
                leads[key] = to
                links.append((key, to))
    if links:
        cursor.execute(
            "UPDATE event_key k SET alias_of = coalesce(o.alias_of, o.event_key), second = o.second"
            " FROM unnest(%b, %b) AS l(alias, known), event_key o"
            " WHERE k.lane = %s AND k.event_key = l.alias AND o.lane = %s AND o.event_key = l.known",
            [Keys(a for a, _ in links), Keys(k for _, k in links), lane, lane],
        )


def _copy(
    cursor: Cursor[Any],
    lane: int,
    entries: Sequence[Entry],
    attributions: Sequence[int],
    opened: opening.Opened,
    received: datetime,
) -> None:
    """Write the events, each with the id of its attribution."""
    starting = set(opened.new_runs)
    runs, sessions, users = opened.runs.get, opened.sessions.get, opened.users.get
    with cursor.copy(f"COPY usage_event ({', '.join(rows.COLUMNS)}) FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(rows.OIDS)
        for e, attribution in zip(entries, attributions, strict=True):
            starts = e.run_id in starting
            if starts:
                starting.discard(e.run_id)  # type: ignore[arg-type]
            many = (runs(e.run_id), sessions(e.session_id), users(e.user_id))  # type: ignore[arg-type]
            copy.write_row(rows.values(e, received, opened.batch_id, many, lane, attribution, starts))
