"""Broad questions, of all values of a dimension over many days: summed here, from the sheets of the closed days.

What no sheet has (today, days that changed, the edges of the range, what is not folded) comes from the tables, in
columns too. The rows are those that `statement` gives.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import psycopg
from django.db import connection

from costwatch.ledger import sheets
from costwatch.lib import periods
from costwatch.spend import attributions, columns
from costwatch.spend.columns import Array, Block
from costwatch.spend.conditions import Condition
from costwatch.spend.dimensions import KEY, TAG, USER
from costwatch.spend.snapshot import Snapshot
from costwatch.spend.sources import Piece, Source, cover, sources_for
from costwatch.spend.statement import FEW_PROBES, MONEY, Question, everything, ids_on_index, summed
from costwatch.spend.sums import ENOUGH_DIGITS

FEW_DAYS = 3  # of sheets: fewer are not worth a second way

Row = tuple[Any, ...]


def fetch(asked: Question, books: Snapshot, limit: int) -> list[Row] | None:
    """Rows of (rank, bucket number, ids, sums); None where the tables answer as well or better."""
    piece = _days(asked)
    if piece is None:
        return None
    with psycopg.Cursor(connection.connection) as cursor:
        found = _sheets(cursor, asked, piece)
        if len(found) < FEW_DAYS:
            return None
        rest = _rest(cursor, replace(asked, sheeted=frozenset(day for day, _ in found)), books)
    if rest is None:
        return None
    blocks, texts = _blocks(asked, piece.source, found, rest)
    return list(_rows(asked, blocks, texts, limit))


def _days(asked: Question) -> Piece | None:
    """The whole days of a broad question; None for one that few rows answer, which an index finds."""
    source, *finer = sources_for(asked.dimensions, asked.edges, asked.zone)
    if source.cut not in sheets.CUTS or KEY in asked.group_by:
        return None
    pieces = cover(asked.start, asked.end, [source, *finer], asked.zone)
    piece = next((piece for piece in pieces if piece.source is source), None)
    if piece is None or (USER in asked.group_by and not _asks_for(asked, USER)):
        return piece
    probes = ids_on_index(asked, source) * (piece.end - piece.start).days
    return None if 0 < probes <= FEW_PROBES else piece


def _asks_for(asked: Question, dimension: str) -> bool:
    return any(c.dimension == dimension and not c.negated for c in asked.conditions)


def _sheets(cursor: psycopg.Cursor[Any], asked: Question, piece: Piece) -> list[tuple[date, dict[str, Array]]]:
    """The days of the piece that have a sheet, each with the columns that are needed."""
    names = ("a", "b", *summed(asked))
    days = [periods.local_day(moment, asked.zone) for moment in (piece.start, piece.end)]
    query = f"""SELECT day, rows, {", ".join(names)} FROM spend_sheet
                 WHERE lane = %s AND cut = %s AND day >= %s AND day < %s ORDER BY day"""
    rows = cursor.execute(query, [asked.lane, piece.source.cut, *days], binary=True)
    return [(day, dict(zip(names, sheets.read(packed, size), strict=True))) for day, size, *packed in rows]


def _rest(cursor: psycopg.Cursor[Any], asked: Question, books: Snapshot) -> dict[str, Any] | None:
    """What no sheet has: bucket, g0, … and the measures, each a column; None if a number is too large for one."""
    names = ["bucket", *(f"g{i}" for i in range(len(asked.group_by))), *summed(asked)]
    clause = everything(asked, books)
    if clause is None:
        return {name: [] if name.startswith("g") else np.zeros(0, np.int64) for name in names}
    size, *packed = cursor.execute(*clause, binary=True).fetchone() or (0,)
    told = [column if isinstance(column, list) else np.frombuffer(column or b"", ">i8") for column in packed]
    if any(len(column) != size for column in told):
        return None
    return dict(zip(names, told, strict=True))


def _blocks(
    asked: Question, source: Source, found: Sequence[tuple[date, dict[str, Array]]], rest: dict[str, Any]
) -> tuple[list[Block], list[list[str] | None]]:
    """All rows as blocks, and for each dimension the texts that its values are the places of (None: they are ids)."""
    own = [sheet for _, sheet in found]
    axes = [_axis(asked, source, name, own, rest[f"g{i}"]) for i, name in enumerate(asked.group_by)]
    masks = [_holds(asked, source, condition, own) for condition in asked.conditions]
    edges = [periods.local_day(edge, asked.zone) for edge in asked.edges]
    names = summed(asked)
    blocks = []
    for i, (day, sheet) in enumerate(found):
        which = np.logical_and.reduce([mask[i] for mask in masks]) if masks else slice(None)
        measures = {name: sheet[name][which] for name in names}
        bucket = np.full(len(measures[names[0]]), bisect_right(edges, day), np.int32)
        blocks.append(Block([values[i][which] for values, _, _ in axes], bucket, measures))
    blocks.append(Block([told for _, told, _ in axes], rest["bucket"], {name: rest[name] for name in names}))
    return blocks, [texts for _, _, texts in axes]


def _axis(
    asked: Question, source: Source, dimension: str, own: Sequence[dict[str, Array]], told: Any
) -> tuple[list[Array], Array, list[str] | None]:
    """The values of a dimension in each sheet and in the rest; for a tag as places in a list of texts."""
    values, texts = _values(asked, source, dimension, own)
    if texts is None:
        return values, np.asarray(told, np.int64), None
    union = sorted({*texts, *told})
    place = {text: i for i, text in enumerate(union)}
    if len(union) > len(texts):
        moved = np.array([place[text] for text in texts], np.int32)
        values = [moved[value] for value in values]
    return values, np.array([place[text] for text in told], np.int64), union


def _values(
    asked: Question, source: Source, dimension: str, own: Sequence[dict[str, Array]]
) -> tuple[list[Array], list[str] | None]:
    column = source.columns.get(dimension)
    if column is not None:
        return [sheet[column.removeprefix("r.")] for sheet in own], None
    known = attributions.table(asked.lane, dimension, [sheet["a"] for sheet in own])
    return [known.of(sheet["a"]) for sheet in own], known.texts if dimension.startswith(TAG) else None


def _holds(asked: Question, source: Source, condition: Condition, own: Sequence[dict[str, Array]]) -> list[Array]:
    """For each sheet the rows for which a condition holds."""
    values, texts = _values(asked, source, condition.dimension, own)
    wanted = condition.values
    if texts is not None:
        place = {text: i for i, text in enumerate(texts)}
        wanted = [place[text] for text in wanted if text in place]
    return [np.isin(value, wanted, invert=condition.negated) for value in values]


def _rows(asked: Question, blocks: Sequence[Block], texts: Sequence[list[str] | None], limit: int) -> Iterator[Row]:
    codes, values = columns.combined(blocks, len(asked.group_by))
    count = len(values[0]) if values else 1
    ranking = [columns.total(blocks, codes, name, count) for name in dict.fromkeys((asked.rank, "cost", "calls"))]
    kept = columns.first(ranking, limit)
    buckets = len(asked.edges) + 1
    place = np.full(count, len(kept), np.int64)
    place[kept] = np.arange(len(kept))
    cells = [place[code] * buckets + block.bucket for code, block in zip(codes, blocks, strict=True)]
    size = (len(kept) + (count > len(kept))) * buckets
    sums = [_told(columns.total(blocks, cells, name, size).whole(), name) for name in asked.measures]
    ids = [_named(column[kept].tolist(), names) for column, names in zip(values, texts, strict=True)]
    for cell, row in enumerate(zip(*sums, strict=True)):
        rank, bucket = divmod(cell, buckets)
        if any(row):
            named = [column[rank] if rank < len(kept) else None for column in ids]
            yield (rank + 1 if rank < len(kept) else limit + 1, bucket, *named, *row)


def _named(values: list[int], texts: list[str] | None) -> list[Any]:
    return values if texts is None else [texts[value] for value in values]


def _told(numbers: list[int], measure: str) -> list[Any]:
    if measure not in MONEY:
        return numbers
    with localcontext() as context:
        context.prec = ENOUGH_DIGITS
        return [Decimal(number).scaleb(-12) for number in numbers]
