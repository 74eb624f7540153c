"""What closed days come to, from their sheets: summed once for a question, and kept while these sheets are the same.

Most of what a page asks is asked again: by its next look a few seconds later, and by other pages of the same filter.
"""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
import psycopg

from costwatch.ledger import sheets
from costwatch.ledger.models import Sheet
from costwatch.lib import periods
from costwatch.spend import attributions, columns
from costwatch.spend.columns import Array, Block
from costwatch.spend.conditions import Condition
from costwatch.spend.dimensions import TAG, USER
from costwatch.spend.sources import Piece
from costwatch.spend.statement import Question, summed

MOST_BYTES = 32 << 20  # kept by a process
MOST_KEPT = 500  # answers; a small one takes 7 KB more than its numbers

WHERE = "WHERE lane = %s AND cut = %s AND day >= %s AND day < %s"  # of spend_sheet, and of spend_day
_SHEETS = f"SELECT day, rows, xmin::text::bigint{{}} FROM spend_sheet {WHERE} ORDER BY day"

Columns = dict[str, Array]


class Made(NamedTuple):
    """A sheet: its day, its rows, and the transaction that made it. It is never changed: if something is added to its
    day it goes, and another transaction makes another."""

    day: date
    rows: int
    by: int


@dataclass(frozen=True)
class Closed:
    """What some sheets come to: their sums, and for each grouped dimension the texts that its values are the places of
    (None: they are ids)."""

    made: Sequence[Made]
    block: Block
    texts: Sequence[list[str] | None]
    size: int

    @property
    def days(self) -> frozenset[date]:
        return frozenset(one.day for one in self.made)


_kept: OrderedDict[Hashable, Closed] = OrderedDict()
_lock = Lock()


def made(cursor: psycopg.Cursor[Any], asked: Question, cut: Sheet, days: Piece) -> list[Made]:
    """The sheets that these days have."""
    return [Made(*row) for row in cursor.execute(_SHEETS.format(""), of_days(asked, cut, days)).fetchall()]


def of_days(asked: Question, cut: Sheet, days: Piece) -> list[Any]:
    """The parameters of WHERE."""
    return [asked.lane, cut.value, *(periods.local_day(moment, asked.zone) for moment in (days.start, days.end))]


def sums(cursor: psycopg.Cursor[Any], asked: Question, cut: Sheet, days: Piece, made: Sequence[Made]) -> Closed:
    """What a question comes to in those of the days that have a sheet; `made` are these sheets."""
    conditions = tuple((c.dimension, tuple(c.values), c.negated) for c in asked.conditions)
    key = (*of_days(asked, cut, days), *made, asked.group_by, tuple(asked.edges), conditions, summed(asked))
    with _lock:
        kept = _kept.get(key)
        if kept:
            _kept.move_to_end(key)
            return kept
    summed_now = _sums(cursor, asked, cut, days)
    # others may have been made since, where the caller's transaction sees more with each statement
    if summed_now.made == [*made] and summed_now.size <= MOST_BYTES:
        _keep(key, summed_now)
    return summed_now


def forget() -> None:
    """Keep nothing (ids were rolled back)."""
    with _lock:
        _kept.clear()


def _keep(key: Hashable, closed: Closed) -> None:
    """As the latest of all; the least recently used make room."""
    with _lock:
        _kept[key] = closed
        size = sum(one.size for one in _kept.values())
        while size > MOST_BYTES or len(_kept) > MOST_KEPT:
            size -= _kept.popitem(last=False)[1].size


def _sums(cursor: psycopg.Cursor[Any], asked: Question, cut: Sheet, days: Piece) -> Closed:
    made, own = _rows(cursor, asked, cut, days)
    axes = [_values(asked.lane, cut, name, own) for name in asked.group_by]
    which: Any = slice(None)
    for condition in asked.conditions:
        held = _holds(asked.lane, cut, condition, own)
        which = held if isinstance(which, slice) else which & held
    measures = {name: _chosen(own[name], which) for name in summed(asked)}
    block = columns.condensed(Block([values[which] for values, _ in axes], own["bucket"][which], measures))
    told = [_that_occur(values, texts) for values, (_, texts) in zip(block.values, axes, strict=True)]
    block = replace(block, values=[values for values, _ in told])
    size = block.size + sum(64 + len(text) for _, texts in told for text in texts or ())
    return Closed(made, block, [texts for _, texts in told], size)


def _that_occur(values: Array, texts: list[str] | None) -> tuple[Array, list[str] | None]:
    """The same values as places in a list of no other texts."""
    if texts is None:
        return values, None
    (places,), found = columns.numbered([values])
    return places, [texts[place] for place in found.tolist()]


def _rows(cursor: psycopg.Cursor[Any], asked: Question, cut: Sheet, days: Piece) -> tuple[list[Made], Columns]:
    """The sheets, and the rows of all of them: ids, the `bucket`, and the measures still day by day."""
    names = ("a", "b", *summed(asked))
    query = _SHEETS.format("".join(f", {name}" for name in names))
    found = cursor.execute(query, of_days(asked, cut, days), binary=True).fetchall()
    made = [Made(*row[:3]) for row in found]
    edges = [periods.local_day(edge, asked.zone) for edge in asked.edges]
    buckets = [np.full(one.rows, bisect_right(edges, one.day), np.int32) for one in made]
    parts = zip(*(sheets.read(row[3:], row[1]) for row in found), strict=True)
    own: Columns = dict(zip(names, parts, strict=True))
    ids = {name: np.concatenate(own[name]) for name in ("a", "b")}
    return made, {**own, **ids, "bucket": np.concatenate(buckets)}


def _chosen(days: Sequence[Array], which: Any) -> Array:
    """The chosen rows of a column that comes day by day; of few rows, joining the days first would take most time."""
    if isinstance(which, slice):
        return np.concatenate(days)
    ends = np.cumsum([len(day) for day in days])[:-1]
    return np.concatenate([day[own] for day, own in zip(days, np.split(which, ends), strict=True)])


def _values(lane: int, cut: Sheet, dimension: str, own: Columns) -> tuple[Array, list[str] | None]:
    """The values of a dimension; for a tag as places in a list of texts."""
    if dimension == USER:
        return own["a" if cut == Sheet.USER else "b"], None
    numbers, texts = attributions.numbers(lane, dimension, own["a"])
    return numbers, texts if dimension.startswith(TAG) else None


def _holds(lane: int, cut: Sheet, condition: Condition, own: Columns) -> Array:
    """For which rows a condition holds."""
    values, texts = _values(lane, cut, condition.dimension, own)
    return np.isin(values, attributions.places(condition.values, texts), invert=condition.negated)
