"""Folding: the entries of unfolded batches are added to the rollups and the batches' rows deleted, in one transaction.

Killed anywhere it has done nothing; run twice at once the second finds the lock taken and does nothing.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg import Cursor

from costwatch.ledger import rollups
from costwatch.ledger.store import writing

LOCK = 7_301_002
MOST_BATCHES = (
    500  # a backlog is taken in portions of about half a million events, so that no transaction grows without end
)
HAND_ON = """
WITH gone AS (DELETE FROM ingest_batch WHERE id = ANY(%s) RETURNING id, lane, first_at, last_at, received_at)
INSERT INTO folded_batch (batch_id, lane, first_at, last_at, received_at) SELECT * FROM gone ORDER BY id"""

# what the sheets of a day say is no longer so when a row of it changes; the day that goes on has none
FORGET = """
DELETE FROM spend_sheet s USING (SELECT DISTINCT lane, day FROM portion) p WHERE s.lane = p.lane AND s.day = p.day"""


@dataclass(frozen=True)
class Folded:
    """What one fold has done. `busy`: another one was at it, nothing was done here."""

    batches: int = 0
    entries: int = 0
    lanes: frozenset[int] = field(default_factory=frozenset)
    busy: bool = False


def fold(most_batches: int = MOST_BATCHES) -> Folded:
    """Add up to `most_batches` of the oldest unfolded batches to the rollups. Raises StorageUnavailable."""
    with writing() as cursor:
        if not _lock(cursor):
            return Folded(busy=True)
        batches = cursor.execute("SELECT id, lane, first_at, last_at FROM ingest_batch ORDER BY id LIMIT %s",
                                 [most_batches]).fetchall()  # fmt: skip
        if not batches:
            return Folded()
        ids = [batch[0] for batch in batches]
        where, parameters = tail_condition(batches)
        rollups.take(cursor, where, parameters)
        cursor.execute(rollups.ADD_QUARTERS)
        cursor.execute(rollups.ADD_DAYS)
        cursor.execute(FORGET)
        cursor.execute(rollups.add_runs(where), parameters)
        entries = cursor.execute("SELECT coalesce(sum(events), 0)::bigint FROM portion").fetchone()
        cursor.execute(HAND_ON, [ids])
    return Folded(len(batches), entries[0] if entries else 0, frozenset(batch[1] for batch in batches))


def fold_all(seconds: float = math.inf) -> Folded:
    """Fold until no batch is left, the time is up, or somebody else is at it."""
    batches = entries = 0
    lanes: frozenset[int] = frozenset()
    until = time.monotonic() + seconds
    while (done := fold()).batches:
        batches, entries, lanes = batches + done.batches, entries + done.entries, lanes | done.lanes
        if time.monotonic() >= until:
            break
    return Folded(batches, entries, lanes, done.busy)


def rebuild(lane: int) -> None:
    """Make one workspace's rollups anew from its folded entries (after a change of its time zone)."""
    which = "lane = %s AND batch_id <> ALL(%s)"
    with writing() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        unfolded = [i for (i,) in cursor.execute("SELECT id FROM ingest_batch WHERE lane = %s", [lane]).fetchall()]
        rollups.take(cursor, which, [lane, unfolded])
        cursor.execute("DELETE FROM spend_sheet WHERE lane = %s", [lane])
        for table, add in (("spend_quarter", rollups.ADD_QUARTERS), ("spend_day", rollups.ADD_DAYS)):
            cursor.execute(f"DELETE FROM {table} WHERE lane = %s", [lane])
            cursor.execute(add)


def tail_condition(batches: Sequence[tuple[int, int, datetime, datetime]]) -> tuple[str, list[Any]]:
    """SQL condition and parameters for the entries of these batches (id, lane, first_at, last_at).

    Their times stand in it, overlapping ones joined: PostgreSQL then opens only the partitions they lie in.
    """
    spans: list[list[datetime]] = []
    for first, last in sorted((batch[2], batch[3]) for batch in batches):
        if spans and first <= spans[-1][1]:
            spans[-1][1] = max(spans[-1][1], last)
        else:
            spans.append([first, last])
    if len(spans) > 50:  # a back-fill in random order: one wide span costs less than a long condition
        spans = [[spans[0][0], max(span[1] for span in spans)]]
    times = " OR ".join(["occurred_at BETWEEN %s AND %s"] * len(spans))
    return f"batch_id = ANY(%s) AND ({times})", [
        [b[0] for b in batches],
        *(moment for span in spans for moment in span),
    ]


def _lock(cursor: Cursor[Any]) -> bool:
    row = cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK]).fetchone()
    return bool(row and row[0])
