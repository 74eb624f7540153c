"""The one SQL statement that answers a question: pieces of the range from their tables, the unfolded tail, one sum."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from costwatch.ledger import sheets
from costwatch.ledger.models import Cut
from costwatch.ledger.rollups import MONEY
from costwatch.lib import periods
from costwatch.spend.conditions import (
    Clause,
    Condition,
    few_attributions,
    from_clause,
    group_expression,
    joined,
    on_source,
)
from costwatch.spend.dimensions import KEY, TAG
from costwatch.spend.snapshot import Snapshot
from costwatch.spend.sources import ENTRIES, Piece, Source, cover, sources_for, without_sheets
from costwatch.spend.sums import FIELDS

FEW_PROBES = 20_000  # so many index look-ups of (period, id) cost less than reading all rows of the periods

_UNGROUPED = "WITH piece AS ({pieces}) SELECT 1, p.bucket, {sums} FROM piece p GROUP BY p.bucket"
_GROUPED = """
WITH piece AS ({pieces}),
grouped AS (SELECT {g}, {sums} FROM piece p GROUP BY {g}),
ranked AS (SELECT *, row_number() OVER (ORDER BY {by} DESC, cost DESC, calls DESC, {g}) AS rank FROM grouped)
SELECT least(p.rank, {limit} + 1), 0, {kept}, {sums} FROM ranked p GROUP BY least(p.rank, {limit} + 1), {kept}"""
_BEST = """
SELECT {g}, coalesce(sum({by}), 0) AS r0, coalesce(sum(cost), 0) AS r1, coalesce(sum(calls), 0) AS r2
  FROM piece GROUP BY {g}
 ORDER BY r0 DESC, r1 DESC, r2 DESC, {g} LIMIT {limit}"""
# In buckets the pieces are read twice, first for rank alone: summing every combination in every bucket, only to throw
# most of them together, took three times as long (308,000 rows of agent x model x day).
_BUCKETED = f"""
WITH piece AS NOT MATERIALIZED ({{pieces}}),
best AS ({_BEST}),
ranked AS (SELECT {{g}}, row_number() OVER (ORDER BY r0 DESC, r1 DESC, r2 DESC, {{g}}) AS rank FROM best)
SELECT coalesce(ranked.rank, {{limit}} + 1), p.bucket, {{kept}}, {{sums}} FROM piece p LEFT JOIN ranked USING ({{g}})
 GROUP BY ranked.rank, p.bucket, {{kept}}"""
_RANKING = f"""
WITH piece AS ({{pieces}}) {_BEST.replace(" FROM piece", ", count(*) OVER () FROM piece")}"""
_REACHING = """
WITH piece AS ({pieces}), grouped AS (SELECT {g}, sum(cost) AS cost FROM piece GROUP BY {g})
SELECT {counts} FROM grouped"""
_KEPT = """
WITH piece AS ({pieces}),
kept AS (SELECT * FROM ROWS FROM ({arrays}) WITH ORDINALITY AS k({g}, rank))
SELECT kept.rank, p.bucket, {g}, {sums} FROM piece p JOIN kept USING ({g}) GROUP BY kept.rank, p.bucket, {g}"""

_EVERYTHING = """
WITH piece AS ({pieces}), grouped AS (SELECT {keys}, {sums} FROM piece p GROUP BY {keys})
SELECT count(*), {packed} FROM grouped"""


@dataclass(frozen=True)
class Question:
    """What is asked, with all names looked up. `edges`: the instants at which a new bucket begins inside the range.

    `measures`: which of FIELDS to sum; `rank`: the one by which the combinations are ranked.
    """

    lane: int
    zone: ZoneInfo
    start: datetime
    end: datetime
    group_by: tuple[str, ...]
    edges: list[datetime]
    conditions: list[Condition] = field(default_factory=list)
    attributions: list[int] | None = None
    measures: tuple[str, ...] = FIELDS
    rank: str = "cost"

    @property
    def dimensions(self) -> set[str]:
        return {*self.group_by, *(condition.dimension for condition in self.conditions)}

    def under(self, conditions: list[Condition]) -> "Question":
        """The same under these conditions. Cuts of one or two dimensions hold the ids themselves; for the others
        attributions are looked up first."""
        asked = replace(self, conditions=conditions, attributions=None)
        if sources_for(asked.dimensions, asked.edges, asked.zone)[0].cut not in (None, Cut.ATTRIBUTION):
            return asked
        return replace(asked, attributions=few_attributions(self.lane, conditions))


def statement(asked: Question, books: Snapshot, limit: int) -> Clause:
    """SQL for rows of (rank of the combination, number of the bucket, ids of the combination, sums)."""
    pieces, parameters = _pieces(asked, books)
    twice = bool(asked.edges) or many(asked)
    sums = _sums(asked.measures if twice or not asked.group_by else summed(asked))
    if not asked.group_by:
        return _UNGROUPED.format(pieces=pieces, sums=sums), parameters
    columns = _columns(asked)
    once = "CASE WHEN p.rank <= {limit} THEN p.{column} END"
    template, how = (_BUCKETED, "ranked.{column}") if twice else (_GROUPED, once)
    kept = ", ".join(how.format(column=column, limit=limit) for column in columns)
    values = {"g": ", ".join(columns), "kept": kept, "limit": int(limit), "by": asked.rank}
    return template.format(pieces=pieces, sums=sums, **values), parameters


def ranking(asked: Question, books: Snapshot, limit: int) -> Clause:
    """SQL for the first combinations in the order of their rank: rows that begin with their ids and end with the number
    of all combinations."""
    pieces, parameters = _pieces(replace(asked, edges=[], measures=()), books)
    g = ", ".join(_columns(asked))
    return _RANKING.format(pieces=pieces, g=g, by=asked.rank, limit=int(limit)), parameters


def reaching(asked: Question, books: Snapshot, amounts: Sequence[Decimal]) -> Clause:
    """SQL for one row: of each amount in USD how many combinations cost that much or more."""
    pieces, parameters = _pieces(replace(asked, measures=("cost",)), books)
    counts = ", ".join(["count(*) FILTER (WHERE cost >= %s)"] * len(amounts))
    g = ", ".join(_columns(asked))
    return _REACHING.format(pieces=pieces, g=g, counts=counts), [*parameters, *amounts]


def kept_sums(asked: Question, books: Snapshot, kept: Sequence[Sequence[Any]]) -> Clause:
    """SQL for rows as `statement` has them, of these combinations (ids, the first in rank first) and no others."""
    pieces, parameters = _pieces(asked, books)
    arrays = ", ".join(f"unnest(%s::{'text' if _is_text(name) else 'bigint'}[])" for name in asked.group_by)
    values = {"g": ", ".join(_columns(asked)), "arrays": arrays, "sums": _sums(asked.measures)}
    return _KEPT.format(pieces=pieces, **values), [*parameters, *(list(ids) for ids in zip(*kept, strict=True))]


def everything(asked: Question, books: Snapshot, sheeted: frozenset[date]) -> Clause | None:
    """SQL for one row: how many combinations there are in all buckets, then bucket, ids and sums of them as columns.

    Columns are those of `sheets.packed`; texts are an array. Of the days in `sheeted` only what is not folded counts.
    None if nothing is left.
    """
    sources = sources_for(asked.dimensions, asked.edges, asked.zone)
    selects = _of_pieces(asked, books, *without_sheets(asked.start, asked.end, sources, asked.zone, sheeted))
    if not selects:
        return None
    pieces, parameters = _united(selects)
    packed = [sheets.packed(name, name) for name in ("bucket", *_columns(asked), *summed(asked))]
    for i, name in enumerate(asked.group_by):
        if _is_text(name):
            packed[1 + i] = f"coalesce(array_agg(g{i}), '{{}}')"
    keys = ", ".join(("bucket", *_columns(asked)))
    return _EVERYTHING.format(pieces=pieces, keys=keys, sums=_sums(summed(asked)), packed=", ".join(packed)), parameters


def many(asked: Question) -> bool:
    """Whether there are far more combinations than a page shows: of end users, ranking first took half the time."""
    return sources_for(asked.dimensions, asked.edges, asked.zone)[0].cut == Cut.USER


def _is_text(dimension: str) -> bool:
    """Whether groups of it are texts, not ids (see `group_expression`)."""
    return dimension == KEY or dimension.startswith(TAG)


def _columns(asked: Question) -> list[str]:
    return [f"g{i}" for i in range(len(asked.group_by))]


def _sums(measures: Sequence[str]) -> str:
    return ", ".join(f"coalesce(sum(p.{m}), 0){'' if m in MONEY else '::bigint'} AS {m}" for m in measures)


def _pieces(asked: Question, books: Snapshot) -> Clause:
    pieces = cover(asked.start, asked.end, sources_for(asked.dimensions, asked.edges, asked.zone), asked.zone)
    rolled = [piece for piece in pieces if piece.source != ENTRIES]
    return _united(_of_pieces(asked, books, pieces, [(rolled[0].start, rolled[-1].end)] if rolled else []))


def summed(asked: Question) -> tuple[str, ...]:
    """The measures that are asked for, and those that rank."""
    return tuple(dict.fromkeys((*asked.measures, asked.rank, "cost", "calls")))


def _of_pieces(
    asked: Question, books: Snapshot, pieces: Sequence[Piece], folded: Sequence[tuple[datetime, datetime]]
) -> list[Clause]:
    """A SELECT for each piece, and for each span of which only folded entries are known so far one for the others."""
    selects = [_select(asked, piece.source, _period(asked, piece), less=piece.less) for piece in pieces]
    tails = [books.tail(start, end) for start, end in folded]
    return [*selects, *(_select(asked, ENTRIES, tail, is_tail=True) for tail in tails if tail)]


def _united(selects: Sequence[Clause]) -> Clause:
    return " UNION ALL ".join(sql for sql, _ in selects), [value for _, values in selects for value in values]


def _select(asked: Question, source: Source, which: Clause, *, less: bool = False, is_tail: bool = False) -> Clause:
    """The rows of one table for which `which` and the conditions hold, with their group values and bucket.

    `less`: with their measures negative. `is_tail`: those that no fold has seen.
    """
    bucket = _bucket(asked, source)
    groups = [group_expression(source, dimension) for dimension in asked.group_by]
    columns = "".join(f"{sql} AS g{i}, " for i, (sql, _) in enumerate(groups))
    cut = [] if source.cut is None else [("r.cut = %s", [source.cut.value])]
    clauses = [("r.lane = %s", [asked.lane]), *cut, which, *on_source(source, asked.conditions, asked.attributions)]
    condition, parameters = joined(clauses)
    tables = from_clause(source, asked.group_by, is_tail=is_tail)
    names = ", ".join(f"-r.{name} AS {name}" if less else f"r.{name}" for name in summed(asked))
    sql = f"SELECT {columns}{bucket[0]} AS bucket, {names} FROM {tables} WHERE {condition}"
    return sql, [*(value for _, values in groups for value in values), *bucket[1], *parameters]


def _bucket(asked: Question, source: Source) -> Clause:
    """The number of the bucket of a row, from 0: how many edges are not after it."""
    if not asked.edges:
        return "0", []
    if source.time == "day":
        days = [periods.local_day(edge, asked.zone) for edge in asked.edges]
        return "width_bucket(r.day, %s::date[])", [days]
    return f"width_bucket(r.{source.time}, %s::timestamptz[])", [asked.edges]


def _period(asked: Question, piece: Piece) -> Clause:
    """The rows of a piece. Few ids are looked up period by period: the index has the period before the id."""
    start: Any = piece.start
    end: Any = piece.end
    probes = ids_on_index(asked, piece.source) * ((end - start) / periods.QUARTER_HOUR)
    if piece.source.time == "day":
        start, end = periods.local_day(start, asked.zone), periods.local_day(end, asked.zone)
        if 0 < probes / 96 <= FEW_PROBES:
            return "r.day = ANY(%s::date[])", [[start + timedelta(days=i) for i in range((end - start).days)]]
    elif piece.source.time == "slot" and 0 < probes <= FEW_PROBES:
        step = "interval '15 minutes'"
        return f"r.slot = ANY(ARRAY(SELECT generate_series(%s::timestamptz, %s::timestamptz - {step}, {step})))", [
            start,
            end,
        ]
    return f"r.{piece.source.time} >= %s AND r.{piece.source.time} < %s", [start, end]


def ids_on_index(asked: Question, source: Source) -> int:
    """How many values of the rollups' column `a` are asked for; 0 for all."""
    if source.attribution == "r.a":
        return len(asked.attributions or ())
    first = [c for c in asked.conditions if source.columns.get(c.dimension) == "r.a" and not c.negated]
    return min((len(condition.values) for condition in first), default=0)
