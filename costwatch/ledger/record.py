"""Storing a batch of events: keys, runs, events and the batch's own row in ONE transaction; then it counts everywhere."""

from collections.abc import Sequence
from datetime import UTC, datetime
from struct import Struct
from typing import Any

from django.db import transaction
from psycopg import Cursor, adapters
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format

from costwatch.ledger import copyrow, labels, partitions
from costwatch.ledger.entry import Entry
from costwatch.ledger.store import StorageUnavailable, writing

__all__ = ["StorageUnavailable", "record"]

RUN_CACHE_SIZE = 100_000
_runs: dict[tuple[int, str], int] = {}


class Keys(tuple[bytes, ...]):
    """Event keys as a uuid[] parameter without 1,000 UUID objects (0.1 us a key instead of 1.4); b"" is NULL."""


class _KeysDumper(Dumper):
    format = Format.BINARY
    oid = 2951  # uuid[]
    _head = Struct(">iiIii").pack

    def dump(self, obj: Keys) -> Buffer:
        body = b"".join([b"\0\0\0\x10" + key if key else b"\xff\xff\xff\xff" for key in obj])
        return self._head(1, 1, 2950, len(obj), 1) + body


adapters.register_dumper(Keys, _KeysDumper)


def record(lane: int, entries: Sequence[Entry]) -> list[int]:
    """Store all entries of one batch, or none; return the indexes of the duplicates, which are not stored again.

    A duplicate is an event one of whose keys is known already, from whichever day, or from earlier in the batch. Raises
    StorageUnavailable when the database cannot store now. Two senders of the same events wait for each other and then
    agree: keys are inserted in sorted order, so nobody deadlocks.
    """
    if not entries:
        return []
    known, repeats = _repeats(entries)
    firsts = [i for i in range(len(entries)) if i not in repeats]
    received = datetime.now(UTC)
    with writing() as cursor:
        _prepare(cursor, lane, [entries[i] for i in firsts], received)
    with writing() as cursor:
        batch_id = _open_batch(cursor, lane, [entries[i] for i in firsts], received)
        new_keys = _insert_keys(cursor, lane, batch_id, entries, known)
        stored = [i for i in firsts if all(key in new_keys for key in entries[i].keys)]
        if len(stored) < len(entries):
            _point_aliases(cursor, lane, entries, stored, new_keys)
        if not stored:
            cursor.execute("DELETE FROM ingest_batch WHERE id = %s", [batch_id])
        else:
            runs = _copy(cursor, lane, batch_id, [entries[i] for i in stored], received)
            transaction.on_commit(lambda: _remember_runs(lane, runs))
    kept = set(stored)
    return [i for i in range(len(entries)) if i not in kept]


def forget() -> None:
    """Empty this process's caches of ids and partitions (after a roll-back around `record`, as tests do)."""
    _runs.clear()
    labels.forget()
    partitions.forget()


def _repeats(entries: Sequence[Entry]) -> tuple[dict[bytes, int], set[int]]:
    """Which entry each key belongs to first, and the entries that repeat an earlier one."""
    owner: dict[bytes, int] = {}
    repeats: set[int] = set()
    for i, entry in enumerate(entries):
        for key in entry.keys:
            if key in owner:
                repeats.add(i)
        for key in entry.keys:
            owner.setdefault(key, i)
    return owner, repeats


def _prepare(cursor: Cursor[Any], lane: int, entries: list[Entry], now: datetime) -> None:
    """Partitions, labels, users and sessions: committed before the events, so that caches hold only committed ids."""
    partitions.ensure({e.timestamp.astimezone(UTC).date() for e in entries}, now.date())
    labels.attribution_ids(cursor, lane, {labels.labels_of(e) for e in entries})
    labels.end_user_ids(cursor, lane, {e.user_id for e in entries if e.user_id})
    labels.session_ids(cursor, lane, {e.session_id for e in entries if e.session_id})


def _open_batch(cursor: Cursor[Any], lane: int, entries: list[Entry], received: datetime) -> int:
    times = [e.timestamp for e in entries]
    row = cursor.execute(
        "INSERT INTO ingest_batch (id, lane, first_at, last_at, received_at)"
        " VALUES (nextval('ingest_batch_id'), %s, %s, %s, %s) RETURNING id",
        [lane, min(times), max(times), received],
    ).fetchone()
    return row[0]  # type: ignore[index]


def _insert_keys(
    cursor: Cursor[Any], lane: int, batch_id: int, entries: Sequence[Entry], owner: dict[bytes, int]
) -> set[bytes]:
    """Insert the keys of all entries; return those that were new."""
    keys = sorted(owner)
    days = [entries[owner[key]].timestamp.astimezone(UTC).date() for key in keys]
    aliases = Keys(b"" if entries[owner[key]].keys[0] == key else entries[owner[key]].keys[0] for key in keys)
    rows = cursor.execute(
        "INSERT INTO event_key (lane, event_key, batch_id, day, alias_of)"
        " SELECT %s, k, %s, d, a FROM unnest(%b, %b::date[], %b) AS n(k, d, a) ORDER BY k"
        " ON CONFLICT DO NOTHING RETURNING uuid_send(event_key)",
        [lane, batch_id, Keys(keys), days, aliases],
        binary=True,
    )
    return {key for (key,) in rows}


def _point_aliases(
    cursor: Cursor[Any], lane: int, entries: Sequence[Entry], stored: list[int], new_keys: set[bytes]
) -> None:
    """A duplicate may bring a key that was not known (SDK and gateway name the same call differently): let it lead to
    the stored event, so that a third sender meets it under either name."""
    own = {key: entries[i].keys[0] for i in stored for key in entries[i].keys}
    links = [(key, known) for entry in entries for key in entry.keys if key in new_keys and key not in own
             for known in entry.keys if known in own or known not in new_keys]  # fmt: skip
    if links:
        cursor.execute(
            "UPDATE event_key k SET alias_of = coalesce(o.alias_of, o.event_key), batch_id = o.batch_id, day = o.day"
            " FROM unnest(%b, %b) AS l(alias, known), event_key o"
            " WHERE k.lane = %s AND k.event_key = l.alias AND o.lane = %s AND o.event_key = l.known",
            [Keys(a for a, _ in links), Keys(k for _, k in links), lane, lane],
        )


def _copy(cursor: Cursor[Any], lane: int, batch_id: int, entries: list[Entry], received: datetime) -> dict[str, int]:
    """Write the events; return the ids of their runs."""
    attributions = labels.attribution_ids(cursor, lane, map(labels.labels_of, entries))
    users = labels.end_user_ids(cursor, lane, {e.user_id for e in entries if e.user_id})
    sessions = labels.session_ids(cursor, lane, {e.session_id for e in entries if e.session_id})
    runs, starting = _run_ids(cursor, lane, {e.run_id for e in entries if e.run_id})
    at = copyrow.microseconds(received)
    rows = [copyrow.SIGNATURE]
    for e in entries:
        starts = e.run_id in starting
        if starts:
            starting.discard(e.run_id)  # type: ignore[arg-type]
        ids = (runs.get(e.run_id), sessions.get(e.session_id), users.get(e.user_id))  # type: ignore[arg-type]
        rows.append(copyrow.pack(e, at, batch_id, ids, lane, attributions[labels.labels_of(e)], starts))
    rows.append(copyrow.TRAILER)
    with cursor.copy(f"COPY usage_event ({copyrow.COLUMNS}) FROM STDIN (FORMAT BINARY)") as copy:
        copy.write(b"".join(rows))
    return runs


def _run_ids(cursor: Cursor[Any], lane: int, wanted: set[str]) -> tuple[dict[str, int], set[str]]:
    """Ids of runs, and which of them begin with this batch. Made inside the transaction: a run without a call never is."""
    found = {run: _runs[lane, run] for run in wanted if (lane, run) in _runs}
    missing = wanted - found.keys()
    made: set[str] = set()
    if missing:
        more, made = labels.names(cursor, "run", "run_id", lane, missing)
        found.update(more)
    return found, made


def _remember_runs(lane: int, runs: dict[str, int]) -> None:
    if len(_runs) > RUN_CACHE_SIZE:
        for key in list(_runs)[: RUN_CACHE_SIZE // 2]:
            _runs.pop(key, None)
    _runs.update({(lane, run): number for run, number in runs.items()})
