"""The proof that the books balance: events = rollups at every level, to the last digit, in one snapshot."""

from dataclasses import dataclass, field
from typing import Any

import psycopg
from django.db import connection, transaction

from costwatch.ledger import months, rollups, sheets
from costwatch.ledger.keys import FIRST_SECOND
from costwatch.ledger.store import MEASURES

MOST_SHOWN = 20


@dataclass(frozen=True)
class Report:
    """`summary` is one line for a person; `differences` says what differs, at most MOST_SHOWN of each kind."""

    events: int
    unfolded: int
    deep: bool
    differences: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.differences

    @property
    def summary(self) -> str:
        how = "every rollup row, run and key" if self.deep else "the totals of every rollup"
        if self.ok:
            return f"books balance: {self.events:,} events = {how} ({self.unfolded:,} events not folded yet)"
        return f"books DO NOT balance: {len(self.differences)} differences over {self.events:,} events ({how} compared)"


def verify(deep: bool = False) -> Report:
    """Compare the rollups with the facts. Quick: totals per workspace and cut. Deep: every row, recomputed."""
    with transaction.atomic(), psycopg.Cursor(connection.connection) as cursor:
        if len(connection.savepoint_ids) == 0:  # not inside somebody's transaction (tests)
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        unfolded = [i for (i,) in cursor.execute("SELECT id FROM ingest_batch").fetchall()]
        differences = _totals(cursor, unfolded) + _keys(cursor) + months.differing(cursor)
        if deep:
            differences += [*_rows(cursor, unfolded), *sheets.differing(cursor)]
        events = _one(cursor, "SELECT count(*) FROM usage_event")
        tail = _one(cursor, "SELECT count(*) FROM usage_event WHERE batch_id = ANY(%s)", [unfolded])
    return Report(events, tail, deep, differences)


def _totals(cursor: psycopg.Cursor[Any], unfolded: list[int]) -> list[str]:
    """Each cut sums up to the folded entries of its workspace, and the runs to the entries that name one."""
    sums = ", ".join(f"coalesce(sum({m}), 0)" for m in MEASURES)
    folded = dict(
        _by_lane(cursor, f"SELECT lane, {sums} FROM ledger_entry WHERE batch_id <> ALL(%s) GROUP BY 1", [unfolded])
    )
    running = dict(_by_lane(cursor, f"SELECT lane, {sums} FROM ledger_entry WHERE run_id IS NOT NULL"
                                    " AND batch_id <> ALL(%s) GROUP BY 1", [unfolded]))  # fmt: skip
    found = []
    for table, cuts in (("spend_quarter", rollups.QUARTER_CUTS), ("spend_day", rollups.DAY_CUTS)):
        for cut in cuts:
            query = f"SELECT lane, {sums} FROM {table} WHERE cut = %s GROUP BY 1"
            found += _compare(f"{table} {cut.name.lower()}", folded, dict(_by_lane(cursor, query, [cut.value])))
    query = f"SELECT lane, {sums} FROM run WHERE events > 0 OR cost <> 0 GROUP BY 1"
    return found + _compare("run", running, dict(_by_lane(cursor, query, [])))


def _by_lane(cursor: psycopg.Cursor[Any], query: str, parameters: list[Any]) -> list[tuple[int, tuple[Any, ...]]]:
    return [(row[0], row[1:]) for row in cursor.execute(query, parameters).fetchall()]


def _compare(name: str, facts: dict[int, tuple[Any, ...]], sums: dict[int, tuple[Any, ...]]) -> list[str]:
    nothing = (0,) * len(MEASURES)
    return [
        f"workspace {lane}, {name}: {measure} is {had}, the events say {should}"
        for lane in sorted(facts.keys() | sums.keys())
        for measure, should, had in zip(MEASURES, facts.get(lane, nothing), sums.get(lane, nothing), strict=True)
        if should != had
    ]


def _keys(cursor: psycopg.Cursor[Any]) -> list[str]:
    """As many own keys as events, so that nothing was stored twice or lost."""
    query = ("SELECT coalesce(e.lane, k.lane), coalesce(k.n, 0), coalesce(e.n, 0) FROM"
             " (SELECT lane, count(*) n FROM usage_event GROUP BY 1) e FULL JOIN"
             " (SELECT lane, count(*) n FROM event_key WHERE alias_of IS NULL GROUP BY 1) k ON e.lane = k.lane"
             " WHERE e.n IS DISTINCT FROM k.n")  # fmt: skip
    return [f"workspace {lane}: {keys} event keys for {events} events" for lane, keys, events in cursor.execute(query)]


def _rows(cursor: psycopg.Cursor[Any], unfolded: list[int]) -> list[str]:
    """Every rollup row and run against its recomputation, every key against its event."""
    rollups.take(cursor, "batch_id <> ALL(%s)", [unfolded])
    found = []
    for table, keys, rows in (("spend_quarter", ("lane", "cut", "slot", "a"), rollups.quarter_rows()),
                              ("spend_day", ("lane", "cut", "day", "a", "b"), rollups.day_rows())):  # fmt: skip
        found += _differing(cursor, table, keys, rows, [])
    found += _differing(cursor, "run", ("id",), rollups.run_sums("batch_id <> ALL(%s)").replace(
        "SELECT run_id,", "SELECT run_id AS id,", 1), [unfolded])  # fmt: skip
    orphans = ("SELECT e.lane, e.event_key FROM usage_event e LEFT JOIN event_key k ON k.lane = e.lane"
               " AND k.event_key = e.event_key AND k.alias_of IS NULL"
               f" AND k.second = floor(extract(epoch FROM e.occurred_at)) - {FIRST_SECOND}"
               " WHERE k.lane IS NULL LIMIT %s")  # fmt: skip
    found += [
        f"workspace {lane}: event {key} has no key of its own" for lane, key in cursor.execute(orphans, [MOST_SHOWN])
    ]
    return found


def _differing(
    cursor: psycopg.Cursor[Any], table: str, keys: tuple[str, ...], rows: str, parameters: list[Any]
) -> list[str]:
    """Rows whose measures differ from the recomputed ones, or that one side lacks. A row of zeros may be missing."""
    same = " AND ".join(f"coalesce(r.{m}, 0) = coalesce(t.{m}, 0)" for m in MEASURES)
    nothing = " AND ".join(f"coalesce(t.{m}, 0) = 0" for m in MEASURES)
    ids = ", ".join(f"coalesce(t.{k}, r.{k})" for k in keys)
    query = (f"SELECT {ids}, t.calls, r.calls, t.cost, r.cost FROM ({rows}) r FULL JOIN {table} t"
             f" ON {' AND '.join(f't.{k} = r.{k}' for k in keys)}"
             f" WHERE NOT ({same}) AND NOT (r.{keys[0]} IS NULL AND {nothing}) LIMIT {MOST_SHOWN}")  # fmt: skip
    return [
        f"{table} {dict(zip(keys, map(str, row), strict=False))}: {row[-4]} calls {row[-2]} USD, the events say"
        f" {row[-3]} calls {row[-1]} USD"
        for row in cursor.execute(query, parameters).fetchall()
    ]


def _one(cursor: psycopg.Cursor[Any], query: str, parameters: list[Any] | None = None) -> int:
    row = cursor.execute(query, parameters).fetchone()
    return int(row[0]) if row else 0
