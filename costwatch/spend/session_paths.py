"""Which way conversations take through agents (or models): in what order each is first called, and what it costs there.

A hop is one agent within one session, all its calls together; hops stand in the order of their first calls. Sessions
are read as spend/sessions.py reads them: the newest part of the range.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from costwatch.spend import conditions as where
from costwatch.spend.bounds import bounded
from costwatch.spend.filters import SpendFilter
from costwatch.spend.sessions import choose
from costwatch.spend.snapshot import snapshot

BY = ("agent", "model")
MOST_EVENTS = 50_000  # shares hardly change with more, and a page should not take longer than 100 ms
MOST_PATHS = 12
RARE = 0.002  # share of the sessions below which a stage is no rule

_HOPS = """
WITH hop AS MATERIALIZED (
    SELECT r.session_id AS id, t.{by}_id AS key, sum(r.cost) AS cost, sum(r.calls)::bigint AS calls,
           min(r.occurred_at) FILTER (WHERE r.events > 0) AS first_at
      FROM {tables} WHERE r.session_id IS NOT NULL AND {which} GROUP BY 1, 2 HAVING sum(r.events) > 0)"""
_PATHS = """,
placed AS MATERIALIZED (
    SELECT hop.*, row_number() OVER whole AS place, sum(cost) OVER (PARTITION BY id) AS whole_cost
      FROM hop WINDOW whole AS (PARTITION BY id ORDER BY first_at, key)),
way AS MATERIALIZED (
    SELECT (array_agg(key ORDER BY place))[:12] AS keys, sum(cost) AS cost,
           array_agg(cost ORDER BY place) AS costs FROM placed GROUP BY id),
top AS (SELECT keys, count(*) AS sessions, sum(cost) AS cost FROM way GROUP BY keys ORDER BY 2 DESC, 3 DESC LIMIT %s)
SELECT 'all', '{}'::int[], count(*), 0, coalesce(sum(cost), 0), 0, 0, NULL::numeric[] FROM way
UNION ALL
SELECT 'stage', ARRAY[key], count(*), count(*) FILTER (WHERE place = 1), sum(cost), sum(calls)::bigint,
       sum(whole_cost), NULL FROM placed GROUP BY key
UNION ALL
SELECT 'way', top.keys, top.sessions, 0, top.cost, 0, 0,
       ARRAY(SELECT sum(c.cost) FROM way w, unnest(w.costs) WITH ORDINALITY c (cost, place)
              WHERE w.keys = top.keys GROUP BY c.place ORDER BY c.place) FROM top
ORDER BY 3 DESC, 5 DESC"""
_OF = " SELECT id, key, cost, calls FROM hop ORDER BY id, first_at, key"


@dataclass(frozen=True)
class Stage:
    """One agent (or model; "" = not attributed) as conversations meet it.

    `sessions` reach it, `started` of them begin with it; `cost` is spent on it in `calls`, `whole_cost` in these
    sessions altogether.
    """

    name: str
    sessions: int
    started: int
    cost: Decimal
    calls: int
    whole_cost: Decimal

    @property
    def later(self) -> int:
        """The sessions that reach it from another one."""
        return self.sessions - self.started


@dataclass(frozen=True)
class Way:
    """A path that `sessions` conversations take, and what all of them together cost at each of its hops."""

    names: Sequence[str]
    sessions: int
    cost: Decimal
    costs: Sequence[Decimal]


@dataclass(frozen=True)
class Paths:
    """All `sessions`, their stages (most visited first), and the most frequent paths among them."""

    sessions: int
    cost: Decimal
    stages: list[Stage]
    ways: list[Way]
    start: datetime


def paths(workspace: Any, filter: SpendFilter, by: str = "agent") -> Paths:
    """The paths of the sessions in the range through agents or models."""
    with snapshot(workspace.lane):
        span = bounded(workspace, filter, MOST_EVENTS)
        rows = _rows(workspace.lane, span, by, _PATHS, MOST_PATHS)
        names = where.names_of(by, {row[1][0] for row in rows if row[0] == "stage"})
    whole = next(row for row in rows if row[0] == "all")
    stages = [Stage(names.get(row[1][0], ""), *row[2:7]) for row in rows if row[0] == "stage"]
    ways = [Way([names.get(key, "") for key in row[1]], row[2], row[4], row[7]) for row in rows if row[0] == "way"]
    return Paths(whole[2], whole[4], stages, ways, span.start)


def escalation(found: Paths) -> Stage | None:
    """The stage that is dearest for a conversation that gets there and did not begin there; None without any."""
    enough = found.sessions * RARE
    later = [stage for stage in found.stages if stage.later > enough and stage.cost > 0]
    return max(later, key=lambda stage: stage.cost / stage.sessions) if later else None


def hops_of(workspace: Any, filter: SpendFilter, numbers: Sequence[int], by: str = "agent") -> Mapping[int, list[str]]:
    """The path of each of some sessions (our own numbers of them)."""
    if not numbers:
        return {}
    rows = _rows(workspace.lane, filter, by, _OF, only=numbers)
    names = where.names_of(by, {row[1] for row in rows})
    found: dict[int, list[str]] = {}
    for number, key, _, _ in rows:
        found.setdefault(number, []).append(names.get(key, ""))
    return found


def _rows(
    lane: int, filter: SpendFilter, by: str, select: str, *parameters: Any, only: Sequence[int] = ()
) -> list[tuple[Any, ...]]:
    tables, (which, values) = choose(lane, filter, (by,))
    if only:
        which, values = f"{which} AND r.session_id = ANY(%s::bigint[])", [*values, list(only)]
    assert by in BY
    with connection.cursor() as cursor:
        cursor.execute(_HOPS.format(by=by, tables=tables, which=which) + select, [*values, *parameters])
        return cursor.fetchall()
