"""Broad questions, of all values of a dimension over many days: from what the sheets of the closed days come to.

What no sheet has (today, days that changed, the edges of the range, what is not folded) comes from the tables, in
columns too.
"""

import math
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
from costwatch.spend import attributions, closed, columns
from costwatch.spend.columns import Array, Block
from costwatch.spend.dimensions import KEY, RUN, SESSION, USER
from costwatch.spend.snapshot import Snapshot
from costwatch.spend.sources import DAYS, ENTRIES, PAIRS, Piece, Source, sources_for, whole_days
from costwatch.spend.statement import FEW_PROBES, Question, everything, ids_on_index, summed
from costwatch.spend.sums import ENOUGH_DIGITS

FEW_DAYS = 3  # of sheets: fewer are not worth a second way
MOST_ROWS = 500_000  # of sheets, where a rollup knows the same two dimensions: that has fewer rows, each for 4 of these

FEW_EVENTS = 20_000  # of some end users, which an index finds in about the time that a month's sheets take

Row = tuple[Any, ...]
Ids = tuple[Any, ...]


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
            which &= np.isin(value, attributions.places(wanted, texts))
        rank = {ids: i for i, ids in enumerate(kept)}
        codes = np.flatnonzero(which)
        yield from (
            (rank[ids], code) for code, ids in zip(codes.tolist(), self._ids(codes), strict=True) if ids in rank
        )


def opened(asked: Question, books: Snapshot) -> Broad | None:
    """The question ready to be answered; None where the tables answer as well or better."""
    sheet = _sheet_of(asked)
    if sheet is None:
        return None
    cut, days = sheet
    with psycopg.Cursor(connection.connection) as cursor:
        made = closed.made(cursor, asked, cut, days)
        if not _are_worth_it(cursor, asked, cut, days, made):
            return None
        own = closed.sums(cursor, asked, cut, days, made)
        rest = _rest(cursor, asked, books, own.days)
    if rest is None:
        return None
    blocks, texts = _blocks(asked, own, rest)
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


def _are_worth_it(
    cursor: psycopg.Cursor[Any], asked: Question, cut: Sheet, days: Piece, made: Sequence[closed.Made]
) -> bool:
    """Whether enough days have a sheet, and where a rollup knows the same two dimensions not too many rows."""
    if len(made) < FEW_DAYS or (frozenset(asked.dimensions) in PAIRS and sum(one.rows for one in made) > MOST_ROWS):
        return False
    users = _users(asked)
    if cut != Sheet.ATTRIBUTION_USER or not users:
        return True
    query = f"SELECT coalesce(sum(events), 0) FROM spend_day {closed.WHERE} AND a = ANY(%s)"
    (events,) = cursor.execute(query, [*closed.of_days(asked, Sheet.USER, days), users]).fetchone() or (0,)
    return bool(events > FEW_EVENTS)


def _users(asked: Question) -> list[int]:
    """The end users that are asked for by name."""
    return [number for c in asked.conditions if c.dimension == USER and not c.negated for number in c.values]


def _rest(cursor: psycopg.Cursor[Any], asked: Question, books: Snapshot, sheeted: frozenset[date]) -> Any:
    """What no sheet has: bucket, g0, … and the measures, each a column; None if a number is too large for one."""
    names = ["bucket", *(f"g{i}" for i in range(len(asked.group_by))), *summed(asked)]
    clause = everything(asked, books, sheeted)
    if clause is None:
        return {name: np.zeros(0, np.int64) for name in names}
    size, *packed = cursor.execute(*clause, binary=True).fetchone() or (0,)
    told = [column if isinstance(column, list) else np.frombuffer(column or b"", ">i8") for column in packed]
    return None if any(len(column) != size for column in told) else dict(zip(names, told, strict=True))


def _blocks(asked: Question, own: closed.Closed, rest: dict[str, Any]) -> tuple[list[Block], list[list[str] | None]]:
    """The sums of the sheets and the rest, and for each dimension the texts that its values are the places of (None:
    they are ids)."""
    parts = zip(own.block.values, own.texts, strict=True)
    axes = [_axis(values, texts, rest[f"g{i}"]) for i, (values, texts) in enumerate(parts)]
    blocks = [
        Block([values for values, _, _ in axes], own.block.bucket, own.block.measures),
        Block([told for _, told, _ in axes], rest["bucket"], {name: rest[name] for name in own.block.measures}),
    ]
    return blocks, [texts for _, _, texts in axes]


def _axis(values: Array, texts: list[str] | None, told: Any) -> tuple[Array, Array, list[str] | None]:
    """The values of a dimension in the sheets and in the rest; for a tag as places in a list of texts."""
    if texts is None:
        return values, np.asarray(told, np.int64), None
    union = sorted({*texts, *told})
    place = {text: i for i, text in enumerate(union)}
    if len(union) > len(texts):
        values = np.array([place[text] for text in texts], np.int32)[values]
    return values, np.array([place[text] for text in told], np.int64), union


def _named(values: list[int], texts: list[str] | None) -> list[Any]:
    return values if texts is None else [texts[value] for value in values]


def _told(total: columns.Total, measure: str) -> list[Any]:
    if measure not in MONEY:
        return total.whole()
    with localcontext() as context:
        context.prec = ENOUGH_DIGITS
        return [Decimal(number).scaleb(-12) for number in total.whole()]
