"""Broad questions, of all values of a dimension over many days: summed here, from the sheets of the closed days.

What no sheet has (today, days that changed, the edges of the range, what is not folded) comes from the tables, in
columns too.
"""

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import psycopg
from django.db import connection

from costwatch.ledger import sheets
from costwatch.ledger.models import Sheet
from costwatch.ledger.rollups import MONEY, QUARTER_CUTS
from costwatch.lib import periods
from costwatch.spend import attributions, columns
from costwatch.spend.columns import Array, Block
from costwatch.spend.conditions import Condition
from costwatch.spend.dimensions import KEY, RUN, SESSION, TAG, USER
from costwatch.spend.snapshot import Snapshot
from costwatch.spend.sources import DAYS, ENTRIES, PAIRS, Piece, Source, sources_for, whole_days
from costwatch.spend.statement import FEW_PROBES, Question, everything, ids_on_index, summed
from costwatch.spend.sums import ENOUGH_DIGITS

FEW_DAYS = 3  # of sheets: fewer are not worth a second way
MOST_ROWS = 500_000  # of sheets, where a rollup knows the same two dimensions: that has fewer rows, each for 4 of these

FEW_EVENTS = 20_000  # of some end users, which an index finds in about the time that a month's sheets take

Row = tuple[Any, ...]
Ids = tuple[Any, ...]
Columns = dict[str, Array]


@dataclass(frozen=True)
class Broad:
    """A question with all that answers it at hand: blocks of rows, for each the numbers of their combinations, for each
    dimension the value of every combination; `texts`: what the values of a tag are the places in."""

    asked: Question
    blocks: Sequence[Block]
    codes: Sequence[Array]
    values: Sequence[Array]
    texts: Sequence[list[str] | None]

    @property
    def count(self) -> int:
        return len(self.values[0]) if self.values else 1

    def first(self, limit: int) -> tuple[list[Ids], int]:
        """The first combinations in the order of their rank, and how many there are in all."""
        names = dict.fromkeys((self.asked.rank, "cost", "calls"))
        ranking = [columns.total(self.blocks, self.codes, name, self.count) for name in names]
        return self._ids(columns.first(ranking, limit)), self.count

    def reaching(self, amounts: Sequence[Decimal]) -> list[int]:
        """Of each amount in USD how many combinations cost that much or more."""
        cost = columns.total(self.blocks, self.codes, "cost", self.count)
        return [cost.reaching(math.ceil(amount * sheets.PICO)) for amount in amounts]

    def rows(self, kept: Sequence[Ids], *, more: bool) -> list[Row]:
        """Rows of (rank, bucket number, ids, sums) of these combinations and, if there are more, of all others together
        behind them."""
        buckets = len(self.asked.edges) + 1
        place = np.full(self.count, len(kept), np.int64)
        for rank, code in self._ranks(kept):
            place[code] = rank
        cells = [place[code] * buckets + block.bucket for code, block in zip(self.codes, self.blocks, strict=True)]
        size = (len(kept) + 1) * buckets
        sums = [_told(columns.total(self.blocks, cells, name, size), name) for name in self.asked.measures]
        ids = [*kept, (None,) * len(self.values)]
        told = zip(*sums, strict=True) if sums else iter([()] * size)
        return [(cell // buckets + 1, cell % buckets, *ids[cell // buckets], *row)
                for cell, row in enumerate(told) if any(row)]  # fmt: skip

    def _ids(self, codes: Array) -> list[Ids]:
        named = [_named(value[codes].tolist(), texts) for value, texts in zip(self.values, self.texts, strict=True)]
        return list(zip(*named, strict=True)) if named else [()]

    def _ranks(self, kept: Sequence[Ids]) -> Iterator[tuple[int, int]]:
        """The rank of each of these combinations that occurs here, and its number."""
        which = np.ones(self.count, bool)
        for value, texts, wanted in zip(self.values, self.texts, zip(*kept, strict=True), strict=False):
            which &= np.isin(value, _places(wanted, texts))
        rank = {ids: i for i, ids in enumerate(kept)}
        codes = np.flatnonzero(which)
        yield from (
            (rank[ids], code) for code, ids in zip(codes.tolist(), self._ids(codes), strict=True) if ids in rank
        )


def opened(asked: Question, books: Snapshot) -> Broad | None:
    """The question ready to be answered; None where the tables answer as well or better."""
    found = _sheet_of(asked)
    if found is None:
        return None
    cut, days = found
    with psycopg.Cursor(connection.connection) as cursor:
        if not _are_worth_it(cursor, asked, cut, days):
            return None
        sheeted, own = _sheets(cursor, asked, cut, days)
        rest = _rest(cursor, asked, books, frozenset(sheeted))
    if rest is None:
        return None
    blocks, texts = _blocks(asked, cut, own, rest)
    codes, values = columns.combined(blocks, len(asked.group_by))
    return Broad(asked, blocks, codes, values, texts)


def _sheet_of(asked: Question) -> tuple[Sheet, Piece] | None:
    """The sheet that knows the dimensions of a broad question, and the whole days of the range; None for one that few
    rows answer, or that has parts of days."""
    source = sources_for(asked.dimensions, asked.edges, asked.zone)[0]
    if source.cut in QUARTER_CUTS or asked.dimensions & {RUN, SESSION} or KEY in asked.group_by:
        return None
    if any(periods.period("day", edge, asked.zone).start != edge for edge in asked.edges):
        return None
    days = next((p for p in whole_days(asked.start, asked.end, asked.zone) if p.source is DAYS), None)
    if days is None or _is_narrow(asked, source, days):
        return None
    if asked.dimensions == {USER}:
        return Sheet.USER, days
    return (Sheet.ATTRIBUTION_USER if USER in asked.dimensions else Sheet.ATTRIBUTION), days


def _is_narrow(asked: Question, source: Source, days: Piece) -> bool:
    """Whether an index finds the few rows that are asked for."""
    users = _users(asked)
    if (users and source == ENTRIES) or (not users and USER in asked.group_by):
        return False
    return 0 < ids_on_index(asked, source) * (days.end - days.start).days <= FEW_PROBES


def _are_worth_it(cursor: psycopg.Cursor[Any], asked: Question, cut: Sheet, days: Piece) -> bool:
    """Whether enough days have a sheet, and where a rollup knows the same two dimensions not too many rows."""
    query = f"SELECT count(*), coalesce(sum(rows), 0) {_OF_DAYS}"
    found, rows = cursor.execute(query, _of_days(asked, cut, days)).fetchone() or (0, 0)
    if found < FEW_DAYS or (frozenset(asked.dimensions) in PAIRS and rows > MOST_ROWS):
        return False
    users = _users(asked)
    if cut != Sheet.ATTRIBUTION_USER or not users:
        return True
    query = f"SELECT coalesce(sum(events), 0) FROM spend_day {_WHERE} AND a = ANY(%s)"
    (events,) = cursor.execute(query, [*_of_days(asked, Sheet.USER, days), users]).fetchone() or (0,)
    return bool(events > FEW_EVENTS)


def _users(asked: Question) -> list[int]:
    """The end users that are asked for by name."""
    return [number for c in asked.conditions if c.dimension == USER and not c.negated for number in c.values]


_WHERE = "WHERE lane = %s AND cut = %s AND day >= %s AND day < %s"
_OF_DAYS = f"FROM spend_sheet {_WHERE}"


def _of_days(asked: Question, cut: Sheet, days: Piece) -> list[Any]:
    return [asked.lane, cut.value, *(periods.local_day(moment, asked.zone) for moment in (days.start, days.end))]


def _sheets(cursor: psycopg.Cursor[Any], asked: Question, cut: Sheet, days: Piece) -> tuple[list[date], Columns]:
    """The days that have a sheet, and the rows of all of them: ids, the `bucket`, and the measures still day by day."""
    names = ("a", "b", *summed(asked))
    query = f"SELECT day, rows, {', '.join(names)} {_OF_DAYS} ORDER BY day"
    found = cursor.execute(query, _of_days(asked, cut, days), binary=True).fetchall()
    edges = [periods.local_day(edge, asked.zone) for edge in asked.edges]
    buckets = [np.full(rows, bisect_right(edges, day), np.int32) for day, rows, *_ in found]
    parts = zip(*(sheets.read(packed, rows) for _, rows, *packed in found), strict=True)
    own: Columns = dict(zip(names, parts, strict=True))
    ids = {name: np.concatenate(own[name]) for name in ("a", "b")}
    return [row[0] for row in found], {**own, **ids, "bucket": np.concatenate(buckets)}


def _rest(cursor: psycopg.Cursor[Any], asked: Question, books: Snapshot, sheeted: frozenset[date]) -> Any:
    """What no sheet has: bucket, g0, … and the measures, each a column; None if a number is too large for one."""
    names = ["bucket", *(f"g{i}" for i in range(len(asked.group_by))), *summed(asked)]
    clause = everything(asked, books, sheeted)
    if clause is None:
        return {name: np.zeros(0, np.int64) for name in names}
    size, *packed = cursor.execute(*clause, binary=True).fetchone() or (0,)
    told = [column if isinstance(column, list) else np.frombuffer(column or b"", ">i8") for column in packed]
    return None if any(len(column) != size for column in told) else dict(zip(names, told, strict=True))


def _blocks(
    asked: Question, cut: Sheet, own: Columns, rest: dict[str, Any]
) -> tuple[list[Block], list[list[str] | None]]:
    """The rows of the sheets and the rest, and for each dimension the texts that its values are the places of (None:
    they are ids)."""
    axes = [_axis(asked.lane, cut, name, own, rest[f"g{i}"]) for i, name in enumerate(asked.group_by)]
    which: Any = slice(None)
    for condition in asked.conditions:
        held = _holds(asked.lane, cut, condition, own)
        which = held if isinstance(which, slice) else which & held
    measures = {name: _chosen(own[name], which) for name in summed(asked)}
    blocks = [
        Block([values[which] for values, _, _ in axes], own["bucket"][which], measures),
        Block([told for _, told, _ in axes], rest["bucket"], {name: rest[name] for name in measures}),
    ]
    return blocks, [texts for _, _, texts in axes]


def _chosen(days: Sequence[Array], which: Any) -> Array:
    """The chosen rows of a column that comes day by day; of few rows, joining the days first would take most time."""
    if isinstance(which, slice):
        return np.concatenate(days)
    ends = np.cumsum([len(day) for day in days])[:-1]
    return np.concatenate([day[own] for day, own in zip(days, np.split(which, ends), strict=True)])


def _axis(lane: int, cut: Sheet, dimension: str, own: Columns, told: Any) -> tuple[Array, Array, list[str] | None]:
    """The values of a dimension in the sheets and in the rest; for a tag as places in a list of texts."""
    values, texts = _values(lane, cut, dimension, own)
    if texts is None:
        return values, np.asarray(told, np.int64), None
    union = sorted({*texts, *told})
    place = {text: i for i, text in enumerate(union)}
    if len(union) > len(texts):
        values = np.array([place[text] for text in texts], np.int32)[values]
    return values, np.array([place[text] for text in told], np.int64), union


def _values(lane: int, cut: Sheet, dimension: str, own: Columns) -> tuple[Array, list[str] | None]:
    if dimension == USER:
        return own["a" if cut == Sheet.USER else "b"], None
    numbers, texts = attributions.numbers(lane, dimension, own["a"])
    return numbers, texts if dimension.startswith(TAG) else None


def _holds(lane: int, cut: Sheet, condition: Condition, own: Columns) -> Array:
    """For which rows a condition holds."""
    values, texts = _values(lane, cut, condition.dimension, own)
    return np.isin(values, _places(condition.values, texts), invert=condition.negated)


def _places(values: Sequence[Any], texts: list[str] | None) -> list[int]:
    """The places of texts among the sorted ones of a tag; ids as they are."""
    if texts is None:
        return [*values]
    place = {text: i for i, text in enumerate(texts)}
    return [place[text] for text in values if text in place]


def _named(values: list[int], texts: list[str] | None) -> list[Any]:
    return values if texts is None else [texts[value] for value in values]


def _told(total: columns.Total, measure: str) -> list[Any]:
    if measure not in MONEY:
        return total.whole()
    with localcontext() as context:
        context.prec = ENOUGH_DIGITS
        return [Decimal(number).scaleb(-12) for number in total.whole()]
