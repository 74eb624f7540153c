"""Runs: one execution of an agent each, with the sums of all its calls, folded or not."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from costwatch.ledger.models import Attribution
from costwatch.ledger.rollups import run_sums
from costwatch.lib.periods import EARLIEST, LATEST
from costwatch.spend import conditions as where
from costwatch.spend.conditions import Clause
from costwatch.spend.dimensions import LABELS, SESSION, USER
from costwatch.spend.filters import BadQuery, SpendFilter
from costwatch.spend.page import MOST_ITEMS, Page, from_cursor, to_cursor
from costwatch.spend.snapshot import snapshot
from costwatch.spend.sources import ENTRIES
from costwatch.spend.sums import FIELDS, Sums

NOTHING: Clause = ("false", [])
NO_RUNS: Clause = ("SELECT 0::bigint AS run_id WHERE false", [])
_TICK = timedelta(microseconds=1)
# order → what it sorts by, and its type for the cursor
_TIME = (datetime.isoformat, "timestamptz")
_SORTS: dict[str, tuple[str, Callable[[Any], Any], str]] = {
    "cost": ("cost", str, "numeric"),
    "calls": ("coalesce(calls, 0)", int, "bigint"),
    "errors": ("coalesce(errors, 0)", int, "bigint"),
    "started": ("first_at", *_TIME),
    "last": ("last_at", *_TIME),
    "duration": ("duration", lambda d: str(Decimal(d // _TICK).scaleb(-6)), "numeric"),
}
ORDERS = tuple(sign + name for name in _SORTS for sign in ("-", ""))

COLUMNS = ("id", "run_id", "first_at", "last_at", "attribution_id", "end_user_id", "session_id", *FIELDS)

# sums of bigint are numeric: counts would become decimals where a part is not folded yet
_WHOLE = {f: "bigint" if isinstance(getattr(Sums(), f), int) else "numeric" for f in FIELDS}
_OWN = ", ".join(f"coalesce(r.{f}, 0)::{kind} AS {f}" for f, kind in _WHOLE.items())
_SUMS = ", ".join(f"(coalesce(r.{f}, 0) + coalesce(t.{f}, 0))::{kind} AS {f}" for f, kind in _WHOLE.items())
# The runs of unfolded calls are few and all looked at; of the others, only those that are shown get their sums. Of a
# million runs, by their last call: 21 ms; 946 ms while all were summed up before the first fifty were taken.
# IN and NOT IN look into a hash here, and runs are asked for by their ids, whatever the planner believes of a workspace
# that is new since the tables were analysed: as joins, both compared 40,000 runs with each of 5,000, for 7 s.
_MATCHED = "(SELECT f.* FROM matching m CROSS JOIN LATERAL (SELECT * FROM run WHERE run.id = m.run_id OFFSET 0) f)"
_MATCHES = "AND (t.run_id IN (SELECT run_id FROM matching)) IS TRUE"
_RUNS = f"""
WITH tail AS MATERIALIZED ({{tail}}),
matching AS MATERIALIZED ({{matching}}),
picked AS (
    SELECT r.* FROM {{among}} r WHERE {{which}} AND r.last_at >= %s AND r.first_at < %s
       AND r.id NOT IN (SELECT run_id FROM tail) {{after}}
     ORDER BY {{column}} {{way}}, id {{way}} LIMIT %s),
whole AS (
    SELECT r.id, r.run_id, {_OWN}, r.first_at, r.last_at, r.attribution_id, r.end_user_id, r.session_id FROM picked r
    UNION ALL
    SELECT r.id, r.run_id, {_SUMS},
           least(r.first_at, t.first_at), greatest(r.last_at, t.last_at),
           coalesce(r.attribution_id, t.attribution_id),
           coalesce(r.end_user_id, t.end_user_id), coalesce(r.session_id, t.session_id)
      FROM tail t CROSS JOIN LATERAL (SELECT * FROM run WHERE run.id = t.run_id OFFSET 0) r WHERE {{which}} {{also}})
SELECT {", ".join(COLUMNS)}
  FROM whole WHERE last_at >= %s AND first_at < %s {{after}}
 ORDER BY {{column}} {{way}}, id {{way}} LIMIT %s"""


@dataclass(frozen=True)
class RunRow:
    """One run. Its labels are those of its first call, its sums those of all its calls; "" = not attributed."""

    run_id: str
    labels: dict[str, str]
    user: str
    session: str
    first_at: datetime
    last_at: datetime
    sums: Sums

    @property
    def duration(self) -> timedelta:
        """From its first to its last call."""
        return self.last_at - self.first_at


def runs(
    workspace: Any, filter: SpendFilter, order: str = "-cost", cursor: str | None = None, limit: int = 100
) -> Page[RunRow]:
    """Runs that were active in the range and have a call for which the conditions hold (ORDERS: "-" = largest first).

    The sums are those of the whole run. Raises BadQuery.
    """
    if order not in ORDERS:
        raise BadQuery("order", f"order must be one of {', '.join(ORDERS)}.")
    limit = max(1, min(limit, MOST_ITEMS))
    with snapshot(workspace.lane) as books:
        matching = _matching(workspace.lane, filter)
        which: Clause = ("r.lane = %s", [workspace.lane])
        unfolded = where.joined([("lane = %s", [workspace.lane]), books.tail(EARLIEST, LATEST) or NOTHING])
        rows = _fetch(unfolded, which, filter, order, cursor, limit + 1, matching or NO_RUNS)
    page = named(rows[:limit])
    return Page(page, _cursor(order, rows[limit - 1]) if len(rows) > limit else None)


def run(workspace: Any, run_id: str) -> RunRow | None:
    """One run by the sender's id; None where this workspace knows no such run."""
    if "\0" in run_id:
        return None
    own = ("run_id = (SELECT id FROM run WHERE lane = %s AND run_id = %s)", [workspace.lane, run_id])
    with snapshot(workspace.lane) as books:
        which = ("r.lane = %s AND r.run_id = %s", [workspace.lane, run_id])
        unfolded = where.joined([own, books.tail(EARLIEST, LATEST) or NOTHING])
        rows = _fetch(unfolded, which, SpendFilter(EARLIEST, LATEST), "-last", None, 1)
    return named(rows)[0] if rows else None


def _matching(lane: int, filter: SpendFilter) -> Clause | None:
    """SELECT of the runs that have a call for which the filter's conditions hold; None without conditions: all."""
    conditions = where.resolve(lane, filter)
    if not conditions:
        return None
    attributions = where.few_attributions(lane, conditions)
    period = ("r.occurred_at >= %s AND r.occurred_at < %s", [filter.start, filter.end])
    calls = where.joined([("r.lane = %s", [lane]), period, *where.on_source(ENTRIES, conditions, attributions)])
    tables = where.from_clause(ENTRIES, ())
    return f"SELECT DISTINCT r.run_id FROM {tables} WHERE r.run_id IS NOT NULL AND {calls[0]}", calls[1]


def _fetch(
    unfolded: Clause,
    which: Clause,
    filter: SpendFilter,
    order: str,
    cursor: str | None,
    count: int,
    matching: Clause = NO_RUNS,
) -> list[tuple[Any, ...]]:
    column, _, kind = _SORTS[order.removeprefix("-")]
    column = "extract(epoch FROM last_at - first_at)" if column == "duration" else column
    way, beyond = ("DESC", "<") if order.startswith("-") else ("ASC", ">")
    after: Clause = ("", [])
    if cursor:
        after = (f"AND ({column}, id) {beyond} (%s::{kind}, %s)", from_cursor(f"runs.{order}", cursor))
    among, also = ("run", "") if matching == NO_RUNS else (_MATCHED, _MATCHES)
    text = _RUNS.format(
        tail=run_sums(unfolded[0]), matching=matching[0], among=among, also=also, which=which[0], after=after[0],
        column=column, way=way,
    )  # fmt: skip
    page = [filter.start, filter.end, *after[1], count]
    with connection.cursor() as db:
        db.execute(text, [*unfolded[1], *matching[1], *which[1], *page, *which[1], *page])
        return db.fetchall()


def _cursor(order: str, row: tuple[Any, ...]) -> str:
    name = order.removeprefix("-")
    _, told, _ = _SORTS[name]
    return to_cursor(f"runs.{order}", [told(_value(name, row)), row[0]])


def _value(name: str, row: tuple[Any, ...]) -> Any:
    """What a row is sorted by."""
    sums: dict[str, int | Decimal] = dict(zip(FIELDS, row[7:], strict=True))
    times = {"started": row[2], "last": row[3], "duration": row[3] - row[2]}
    return times.get(name, sums.get(name))


def named(rows: Collection[tuple[Any, ...]]) -> list[RunRow]:
    """Rows of COLUMNS with their names."""
    attributions = Attribution.objects.in_bulk({row[4] for row in rows if row[4]})
    names = {kind: where.names_of(kind, {getattr(a, f"{kind}_id") for a in attributions.values()}) for kind in LABELS}
    users = where.names_of(USER, {row[5] for row in rows if row[5]})
    sessions = where.names_of(SESSION, {row[6] for row in rows if row[6]})
    found = []
    for _, run_id, first, last, attribution, user, session, *sums in rows:
        own = attributions.get(attribution)
        labels = {kind: names[kind][getattr(own, f"{kind}_id")] if own else "" for kind in LABELS}
        found.append(RunRow(run_id, labels, users.get(user, ""), sessions.get(session, ""), first, last, Sums(*sums)))
    return found
