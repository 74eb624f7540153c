"""Sums of calls that belong to a session, with the number of sessions that begin in each part, so that parts add up.

No rollup knows sessions: single calls are read, so the range has a bound.
"""

from collections.abc import Sequence
from typing import Any

from django.db import connection

from costwatch.spend import conditions as where
from costwatch.spend.bounds import bounded
from costwatch.spend.filters import BadQuery, SpendFilter
from costwatch.spend.queries import Group, Workspace, bucket_starts, checked_groups, prepare, zone_of
from costwatch.spend.snapshot import snapshot
from costwatch.spend.sources import ENTRIES
from costwatch.spend.statement import MONEY, Question
from costwatch.spend.sums import FIELDS, Sums

MOST_EVENTS = 500_000
MOST_GROUPS = 50_000
TOO_MANY = (
    "Sessions are counted call by call: ask for a shorter range (at most {:,} calls) and at most {:,} combinations."
)

# a session begins with its first call in the range for which the conditions hold; corrections are no calls
_SUMS = """
WITH call AS (
    SELECT {groups}{bucket} AS bucket, {names}, r.session_id, r.occurred_at, r.batch_id, r.attribution_id, r.run_id,
           r.events > 0 AND {there} AS begins
      FROM {tables} WHERE r.session_id IS NOT NULL AND {which}),
placed AS (
    SELECT *, row_number() OVER (PARTITION BY session_id ORDER BY NOT begins, occurred_at, batch_id, attribution_id,
                                                                  run_id) AS place FROM call)
SELECT {columns}bucket, {sums} FROM placed p GROUP BY {columns}bucket LIMIT {most}"""
# what came after its month was closed counts in the open one: at its own time its calls are taken away again
_ANY_MOVED = """
SELECT EXISTS (SELECT FROM spend_adjustment
                WHERE lane = %s AND occurred_at >= %s AND occurred_at < %s AND events < 0)"""
_NOT_MOVED = "sum(r.events) OVER (PARTITION BY r.session_id, r.occurred_at, r.batch_id) > 0"


def session_sums(workspace: Workspace, filter: SpendFilter, group_by: Sequence[str], bucket: str) -> list[Group]:
    """Groups as of `queries.query`, of the calls with a session alone; `runs` counts sessions. Raises BadQuery."""
    names = checked_groups(group_by)
    starts = bucket_starts(filter, bucket, zone_of(workspace.time_zone), workspace.week_start)
    with snapshot(workspace.lane):
        if bounded(workspace, filter, MOST_EVENTS).start > filter.start:
            raise BadQuery("from", TOO_MANY.format(MOST_EVENTS, MOST_GROUPS))
        asked = prepare(workspace, filter, names, starts)
        rows = _rows(asked)
        if len(rows) > MOST_GROUPS:
            raise BadQuery("group_by", TOO_MANY.format(MOST_EVENTS, MOST_GROUPS))
        told = [where.names_of(name, {row[n] for row in rows}) for n, name in enumerate(names)]
    return [
        Group(
            {name: told[n].get(row[n], "") for n, name in enumerate(names)},
            starts[row[len(names)]] if starts else None,
            Sums(*row[len(names) + 1 :]),
        )
        for row in rows
        if any(row[len(names) + 1 :])
    ]


def _rows(asked: Question) -> list[tuple[Any, ...]]:
    """Rows of (ids of the combination, number of the bucket, sums)."""
    groups = [where.group_expression(ENTRIES, dimension) for dimension in asked.group_by]
    bucket: where.Clause = (
        ("width_bucket(r.occurred_at, %s::timestamptz[])", [asked.edges]) if asked.edges else ("0", [])
    )
    span: where.Clause = ("r.lane = %s AND r.occurred_at >= %s AND r.occurred_at < %s",
                          [asked.lane, asked.start, asked.end])  # fmt: skip
    which = where.joined([span, *where.on_source(ENTRIES, asked.conditions, asked.attributions)])
    sums = [f"sum(p.{name}){'' if name in MONEY else '::bigint'}" for name in FIELDS]
    sums[FIELDS.index("runs")] = "count(*) FILTER (WHERE p.place = 1 AND p.begins)"
    with connection.cursor() as cursor:
        cursor.execute(_ANY_MOVED, span[1])
        (moved,) = cursor.fetchone()
    text = _SUMS.format(
        groups="".join(f"{sql} AS g{n}, " for n, (sql, _) in enumerate(groups)),
        bucket=bucket[0],
        names=", ".join(f"r.{name}" for name in FIELDS),
        there=_NOT_MOVED if moved else "true",
        tables=where.from_clause(ENTRIES, asked.group_by),
        which=which[0],
        columns="".join(f"g{n}, " for n in range(len(groups))),
        sums=", ".join(sums),
        most=MOST_GROUPS + 1,
    )
    with connection.cursor() as cursor:
        cursor.execute(text, [*(value for _, values in groups for value in values), *bucket[1], *which[1]])
        return cursor.fetchall()
