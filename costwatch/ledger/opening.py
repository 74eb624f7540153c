"""What the storing of a batch begins with, in one statement: its row, its keys, numbers for new users, sessions, runs.

Everybody inserts in the same order, so that no two senders deadlock: users, sessions, runs, keys, sorted within each.
PostgreSQL makes what is inserted when the main query asks for it, and what that never asks for last: keys come last.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from struct import Struct, pack
from typing import Any

from django.db import transaction
from psycopg import Cursor
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format

from costwatch.ledger import labels
from costwatch.ledger.entry import Entry
from costwatch.ledger.keys import second

TABLES = {"end_user": "user_id", "session": "session_id", "run": "run_id"}
_ids: dict[str, dict[tuple[int, str], int]] = {table: {} for table in TABLES}

# What is there already is asked name by name. As a join it was planned by what was known of the table long ago: in a
# workspace that is new since then, each of 350 names was compared with all that it had, 90 ms a batch and growing.
MADE = """
made_{table} AS (INSERT INTO "{table}" (lane, {column}) SELECT %(lane)s, n FROM {free}unnest(%({table})s::text[]) n
    WHERE (SELECT t.id FROM "{table}" t WHERE t.lane = %(lane)s AND t.{column} = n) IS NULL{conflict}
    RETURNING {column}, id)"""
KNOWN = """
SELECT n, t.id FROM unnest(%({table})s::text[]) n
  CROSS JOIN LATERAL (SELECT id FROM "{table}" WHERE lane = %(lane)s AND {column} = n OFFSET 0) t"""
_KNOWN_KEYS = """
UNION ALL SELECT 'known', encode(uuid_send(event_key), 'hex'), 0 FROM sent
    WHERE (SELECT count(*) FROM new_key) < %(count)s AND event_key NOT IN (SELECT event_key FROM new_key)"""


@cache
def _statement(tables: tuple[str, ...], carefully: bool) -> str:
    """Only with the tables that names are to be made in: the others cost 0.3 us an event of a batch of 1,000."""
    conflict = "\n    ON CONFLICT DO NOTHING" if carefully else ""
    new, known = (" RETURNING event_key", _KNOWN_KEYS) if carefully else ("", "")
    made = "".join("," + MADE.format(table=t, column=TABLES[t], free="", conflict=conflict) for t in tables)
    return f"""
WITH sent AS (SELECT * FROM unnest(%(keys)b, %(seconds)b, %(aliases)b) AS k(event_key, second, alias_of)),
batch AS (INSERT INTO ingest_batch (id, lane, first_at, last_at, received_at)
    VALUES (nextval('ingest_batch_id'), %(lane)s, %(first)s, %(last)s, %(now)s) RETURNING id),
new_key AS (INSERT INTO event_key (lane, event_key, second, alias_of)
    SELECT %(lane)s, event_key, second, alias_of FROM sent{conflict}{new}){made}
SELECT 'batch', NULL, id FROM batch
{" ".join(f"UNION ALL SELECT '{t}', {TABLES[t]}, id FROM made_{t}" for t in tables)}{known}"""


class Keys(tuple[bytes, ...]):
    """Event keys as a uuid[] parameter without 1,000 UUID objects (0.1 us a key instead of 1.4); b"" is NULL."""


class KeysDumper(Dumper):
    """Registered on the cursors that take Keys."""

    format = Format.BINARY
    oid = 2951  # uuid[]
    _head = Struct(">iiIii").pack

    def dump(self, obj: Keys) -> Buffer:
        body = b"".join([b"\0\0\0\x10" + key if key else b"\xff\xff\xff\xff" for key in obj])
        return self._head(1, 1, 2950, len(obj), 1) + body


class Seconds(tuple[int, ...]):
    """Numbers as an integer[] parameter, packed at once: 0.1 us each instead of 0.4."""


class SecondsDumper(Dumper):
    """Registered on the cursors that take Seconds."""

    format = Format.BINARY
    oid = 1007  # integer[]

    def dump(self, obj: Seconds) -> Buffer:
        parts = [4] * (2 * len(obj))
        parts[1::2] = obj
        return pack(f">iiIii{len(parts)}i", 1, 0, 23, len(obj), 1, *parts)


class Names(tuple[str, ...]):
    """Names as a text[] parameter, without looking at each whether it needs quotes: 0.1 us each instead of 0.7."""


class NamesDumper(Dumper):
    """Registered on the cursors that take Names."""

    format = Format.BINARY
    oid = 1009  # text[]

    def dump(self, obj: Names) -> Buffer:
        texts = [name.encode() for name in obj]
        body = b"".join([pack(">i", len(text)) + text for text in texts])
        return pack(">iiIii", 1, 0, 25, len(texts), 1) + body


@dataclass(frozen=True)
class Opened:
    """A batch that is begun: its id, the time of its first event, the keys that were not known before it, the numbers
    of all names, and the names of the runs that begin with it."""

    batch_id: int
    first_at: datetime
    new_keys: set[bytes]
    users: dict[str, int]
    sessions: dict[str, int]
    runs: dict[str, int]
    new_runs: set[str]


def begin(
    cursor: Cursor[Any], lane: int, entries: Sequence[Entry], owner: dict[bytes, int], now: datetime, *, carefully: bool
) -> Opened:
    """Insert the batch's row, the keys (`owner`: the entry each belongs to) and the names that are not known here.

    Not carefully: a key that is known, or a name that somebody else makes at this moment, is a UniqueViolation. Rows
    inserted without ON CONFLICT cost PostgreSQL half. Names made are remembered once the transaction is committed.
    """
    found, missing = names(lane, entries)
    register(cursor)
    made: dict[str, dict[str | None, int]] = {table: {} for table in ("batch", "known", *TABLES)}
    asked = values(lane, entries, owner, now, missing)
    statement = _statement(tuple(table for table in TABLES if missing[table]), carefully)
    for kind, name, number in cursor.execute(statement, asked, binary=True, prepare=True).fetchall():
        made[kind][name] = number
    for table, column in TABLES.items():
        found[table].update(made[table])  # type: ignore[arg-type]
        found[table].update(_look_up(cursor, lane, table, column, missing[table] - made[table].keys()))
    new = {table: {name: found[table][name] for name in missing[table] if name in found[table]} for table in TABLES}
    transaction.on_commit(lambda: remember(lane, new))
    new_keys = owner.keys() - {bytes.fromhex(key) for key in made["known"]}  # type: ignore[arg-type]
    users, sessions, runs = (found[table] for table in TABLES)
    return Opened(made["batch"][None], asked["first"], new_keys, users, sessions, runs, {*made["run"]})  # type: ignore[arg-type]


def discard_runs(cursor: Cursor[Any], lane: int, opened: Opened, names: set[str]) -> None:
    """Take back runs that would have begun with events which turned out to be duplicates."""
    cursor.execute("DELETE FROM run WHERE lane = %s AND run_id = ANY(%s)", [lane, [*names]])
    for name in names:
        del opened.runs[name]


def forget() -> None:
    """Empty this process's caches of ids."""
    for numbers in _ids.values():
        numbers.clear()


def names(lane: int, entries: Sequence[Entry]) -> tuple[dict[str, dict[str, int]], dict[str, set[str]]]:
    """The numbers that this process remembers of the users, sessions and runs, and the names it does not, by table."""
    wanted = {
        "end_user": {e.user_id for e in entries if e.user_id},
        "session": {e.session_id for e in entries if e.session_id},
        "run": {e.run_id for e in entries if e.run_id},
    }
    found = {table: labels.known(_ids[table], lane, names) for table, names in wanted.items()}
    return found, {table: wanted[table] - found[table].keys() for table in TABLES}


def register(cursor: Cursor[Any]) -> None:
    """Let a cursor take Keys, Seconds and Names."""
    cursor.adapters.register_dumper(Keys, KeysDumper)
    cursor.adapters.register_dumper(Seconds, SecondsDumper)
    cursor.adapters.register_dumper(Names, NamesDumper)


def values(
    lane: int, entries: Sequence[Entry], owner: dict[bytes, int], now: datetime, missing: dict[str, set[str]]
) -> dict[str, Any]:
    """The parameters for the batch's row, its keys (sorted, so that nobody deadlocks) and the names to be made."""
    keys = sorted(owner)
    owners = [entries[owner[key]] for key in keys]
    times = [e.timestamp for e in owners]
    return {
        "lane": lane,
        "first": min(times),
        "last": max(times),
        "now": now,
        "keys": Keys(keys),
        "seconds": Seconds(map(second, times)),
        "aliases": _aliases(keys, owners),
        "count": len(keys),
        **{table: Names(sorted(names)) for table, names in missing.items()},
    }


def _aliases(keys: list[bytes], owners: list[Entry]) -> Keys:
    """For each key the first one of its event, where it is another; unnest() fills up what is missing with NULL."""
    if all(len(e.keys) == 1 for e in owners):
        return Keys()
    return Keys(b"" if e.keys[0] == key else e.keys[0] for key, e in zip(keys, owners, strict=True))


def remember(lane: int, made: dict[str, dict[str, int]]) -> None:
    """Keep committed numbers in this process."""
    for table, numbers in made.items():
        labels.remember(_ids[table], {(lane, name): number for name, number in numbers.items()})


def _look_up(cursor: Cursor[Any], lane: int, table: str, column: str, names: set[str]) -> dict[str, int]:
    """The numbers of names that somebody else has made."""
    if not names:
        return {}
    return dict(cursor.execute(KNOWN.format(table=table, column=column), {"lane": lane, table: [*names]}).fetchall())
