"""Storing a batch: keys, runs, events and the batch's own row in ONE transaction; then it counts everywhere."""

from collections.abc import Sequence
from datetime import UTC, datetime
from struct import Struct
from typing import Any

from django.db import transaction
from psycopg import Cursor
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format

from costwatch.ledger import labels, months, partitions, rows, store
from costwatch.ledger.entry import Entry
from costwatch.ledger.store import StorageUnavailable, writing

__all__ = ["StorageUnavailable", "record"]

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


def record(lane: int, entries: Sequence[Entry]) -> list[int]:
    """Store all entries of one batch, or none; return the indexes of the duplicates, which are not stored again.

    A duplicate is an event one of whose keys is known already, from whichever day, or from earlier in the batch. Raises
    StorageUnavailable when the database cannot store now. Two senders of the same events wait for each other and then
    agree: keys are inserted in sorted order, so nobody deadlocks.
    """
    if not entries:
        return []
    owner, repeats = _repeats(entries)
    firsts = [i for i in range(len(entries)) if i not in repeats]
    now = datetime.now(UTC)
    partitions.ensure({e.timestamp.astimezone(UTC).date() for e in entries}, now.date())
    ids = labels.resolve(lane, entries)
    with writing() as cursor:
        cursor.adapters.register_dumper(Keys, _KeysDumper)
        batch_id = _open_batch(cursor, lane, [entries[i].timestamp for i in firsts], now)
        new_keys = _insert_keys(cursor, lane, batch_id, entries, owner)
        stored = [i for i in firsts if all(key in new_keys for key in entries[i].keys)]
        if len(stored) < len(entries):
            _point_aliases(cursor, lane, entries, stored, new_keys)
        if stored:
            _copy(cursor, lane, batch_id, [(entries[i], ids.attribution[i]) for i in stored], ids, now)
            months.carry(cursor, lane, batch_id, min(entries[i].timestamp for i in stored), now)
        else:
            cursor.execute("DELETE FROM ingest_batch WHERE id = %s", [batch_id])
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


def _open_batch(cursor: Cursor[Any], lane: int, times: list[datetime], received: datetime) -> int:
    row = cursor.execute(
        "INSERT INTO ingest_batch (id, lane, first_at, last_at, received_at)"
        " VALUES (nextval('ingest_batch_id'), %s, %s, %s, %s) RETURNING id",
        [lane, min(times), max(times), received],
        prepare=len(times) <= store.FEW,
    ).fetchone()
    return row[0]  # type: ignore[index]


def _insert_keys(
    cursor: Cursor[Any], lane: int, batch_id: int, entries: Sequence[Entry], owner: dict[bytes, int]
) -> set[bytes]:
    """Insert the keys of all entries; return those that were new."""
    keys = sorted(owner)
    days = [entries[owner[key]].timestamp.astimezone(UTC).date() for key in keys]
    aliases = Keys(b"" if entries[owner[key]].keys[0] == key else entries[owner[key]].keys[0] for key in keys)
    inserted = cursor.execute(
        "INSERT INTO event_key (lane, event_key, batch_id, day, alias_of)"
        " SELECT %s, k, %s, d, a FROM unnest(%b, %b::date[], %b) AS n(k, d, a) ORDER BY k"
        " ON CONFLICT DO NOTHING RETURNING uuid_send(event_key)",
        [lane, batch_id, Keys(keys), days, aliases],
        binary=True,
        prepare=len(keys) <= store.FEW,
    )
    return {key for (key,) in inserted}


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


def _copy(cursor: Cursor[Any], lane: int, batch_id: int, entries: list[tuple[Entry, int]], ids: labels.Ids,
          received: datetime) -> None:  # fmt: skip
    """Write the events, each with the id of its attribution."""
    runs, starting = _run_ids(cursor, lane, {e.run_id for e, _ in entries if e.run_id})
    with cursor.copy(f"COPY usage_event ({', '.join(rows.COLUMNS)}) FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(rows.TYPES)
        for e, attribution in entries:
            starts = e.run_id in starting
            if starts:
                starting.discard(e.run_id)  # type: ignore[arg-type]
            many = (runs.get(e.run_id), ids.sessions.get(e.session_id), ids.users.get(e.user_id))  # type: ignore[arg-type]
            copy.write_row(rows.values(e, received, batch_id, many, lane, attribution, starts))
    transaction.on_commit(lambda: labels.remember(_runs, {(lane, run): number for run, number in runs.items()}))


def _run_ids(cursor: Cursor[Any], lane: int, wanted: set[str]) -> tuple[dict[str, int], set[str]]:
    """Ids of runs, and which begin with this batch. Made inside the transaction, so that no run is without a call."""
    found = {run: _runs[lane, run] for run in wanted if (lane, run) in _runs}
    missing = wanted - found.keys()
    made: set[str] = set()
    if missing:
        more, made = labels.names(cursor, "run", "run_id", lane, missing)
        found.update(more)
    return found, made
