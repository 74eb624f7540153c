"""Sessions: what conversations cost, and which way they take. Sums over single calls of a bounded part of the range.

No rollup knows sessions, so calls are read: at most about MOST_EVENTS of them, the newest days of the range. Conditions
choose calls: with a condition on an agent the cost of a session is what that agent spent in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from costwatch.spend import conditions as where
from costwatch.spend.bounds import bounded
from costwatch.spend.conditions import Clause
from costwatch.spend.dimensions import SESSION
from costwatch.spend.filters import SpendFilter
from costwatch.spend.snapshot import snapshot
from costwatch.spend.sources import ENTRIES, Source

MOST_EVENTS = 150_000
SHARES = (0.5, 0.9, 0.99)
# edges of the distribution in dollars: 1, 2, 5 of each power of ten
EDGES = tuple(Decimal(digit).scaleb(power) for power in range(-5, 5) for digit in (1, 2, 5))
ORDERS = {
    "cost": "cost",
    "calls": "calls",
    "started": "first_at",
    "last": "last_at",
    "duration": "last_at - first_at",
}

_SESSIONS = """
WITH session AS MATERIALIZED (
    SELECT r.session_id AS id, sum(r.cost) AS cost, sum(r.calls)::bigint AS calls,
           sum(r.calls - r.unpriced_calls - r.unknown_calls)::bigint AS priced,
           min(r.occurred_at) FILTER (WHERE r.events > 0) AS first_at,
           max(r.occurred_at) FILTER (WHERE r.events > 0) AS last_at
      FROM {tables} WHERE r.session_id IS NOT NULL AND {which} GROUP BY r.session_id HAVING sum(r.events) > 0),
priced AS (SELECT cost, width_bucket(cost, %s::numeric[]) AS place FROM session WHERE priced > 0),
bars AS (SELECT place, count(*) AS sessions, sum(cost) AS cost FROM priced GROUP BY place),
figures AS (
    SELECT (SELECT count(*) FROM session) AS sessions, count(*) AS with_cost, coalesce(sum(cost), 0) AS total,
           percentile_disc(%s::float8[]) WITHIN GROUP (ORDER BY cost) AS costs,
           ARRAY(SELECT place FROM bars ORDER BY place) AS places,
           ARRAY(SELECT sessions FROM bars ORDER BY place) AS counts,
           ARRAY(SELECT cost FROM bars ORDER BY place) AS sums
      FROM priced)
SELECT f.*, s.* FROM figures f LEFT JOIN (
    SELECT * FROM session ORDER BY {order} {way} NULLS LAST, id {way} LIMIT %s OFFSET %s) s ON true"""

# only of the sessions that are listed: nobody puts them in order by these
_MORE = """
SELECT r.session_id, sum(r.errors)::bigint, sum(r.runs)::bigint, sum(r.input_tokens + r.output_tokens)::bigint
  FROM {tables} WHERE {which} AND r.session_id = ANY(%s::bigint[]) GROUP BY r.session_id"""


@dataclass(frozen=True)
class SessionRow:
    """One conversation: the sums of its calls in the range. `priced`: how many of them have a price.

    `number` is our own of it.
    """

    number: int
    session_id: str
    cost: Decimal
    calls: int
    priced: int
    first_at: datetime
    last_at: datetime
    errors: int
    runs: int
    tokens: int

    @property
    def duration(self) -> timedelta:
        """From its first to its last call."""
        return self.last_at - self.first_at


@dataclass(frozen=True)
class Bar:
    """How many sessions cost from `low` up to, not including, `high` USD (None: no limit), and what they came to."""

    low: Decimal | None
    high: Decimal | None
    sessions: int
    cost: Decimal


@dataclass(frozen=True)
class Sessions:
    """The sessions of a range. Percentiles and bars are those of the `with_cost` sessions in which a call is priced.

    `start` later than the start that was asked for: what lies before was not looked at.
    """

    count: int
    with_cost: int
    total: Decimal
    p50: Decimal | None
    p90: Decimal | None
    p99: Decimal | None
    bars: list[Bar]
    rows: list[SessionRow]
    more: bool
    start: datetime


def sessions(workspace: Any, filter: SpendFilter, order: str = "-cost", limit: int = 50, offset: int = 0) -> Sessions:
    """The sessions with calls in the range, one page of them in an order ("-" = largest first)."""
    with snapshot(workspace.lane):
        span = bounded(workspace, filter, MOST_EVENTS)
        tables, which = choose(workspace.lane, span)
        way = "DESC" if order.startswith("-") else "ASC"
        column = ORDERS[order.removeprefix("-")]
        text = _SESSIONS.format(tables=tables, which=which[0], order=column, way=way)
        with connection.cursor() as cursor:
            cursor.execute(text, [*which[1], list(EDGES), list(SHARES), limit + 1, offset])
            rows = cursor.fetchall()
            found = [row[7:] for row in rows if row[7] is not None]
            cursor.execute(_MORE.format(tables=tables, which=which[0]), [*which[1], [row[0] for row in found]])
            more = {number: rest for number, *rest in cursor.fetchall()}
        names = where.names_of(SESSION, {row[0] for row in found})
    count, with_cost, total, costs, places, counts, sums = rows[0][:7]
    p50, p90, p99 = costs or (None, None, None)
    listed = [SessionRow(row[0], names.get(row[0], ""), *row[1:], *more[row[0]]) for row in found[:limit]]
    bars = [_bar(*bar) for bar in zip(places, counts, sums, strict=True)]
    return Sessions(count, with_cost, total, p50, p90, p99, bars, listed, len(found) > limit, span.start)


def choose(lane: int, filter: SpendFilter, also: Sequence[str] = (), source: Source = ENTRIES) -> tuple[str, Clause]:
    """FROM and WHERE for the entries `r` that a filter means, with their attributions `t` where `also` needs them."""
    conditions = where.resolve(lane, filter)
    attributions = where.few_attributions(lane, conditions)
    own: Clause = ("r.lane = %s AND r.occurred_at >= %s AND r.occurred_at < %s", [lane, filter.start, filter.end])
    clauses = [own, *where.on_source(source, conditions, attributions)]
    return where.from_clause(source, also), where.joined(clauses)


def _bar(place: int, sessions: int, cost: Decimal) -> Bar:
    low = EDGES[place - 1] if place else None
    return Bar(low, EDGES[place] if place < len(EDGES) else None, sessions, cost)
