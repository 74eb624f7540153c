"""What closed days come to, from their sheets: summed once for a question, and kept while these sheets are the same.

Most of what a page asks is asked again: by its next look a few seconds later, and by other pages of the same filter.
"""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
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

WHERE = "WHERE lane = %s AND cut = %s AND day >= %s AND day < %s"
# each sheet is written once: of a day that changed it goes, and what is made again has a younger transaction
_FOUND = f"SELECT count(*), coalesce(sum(rows), 0), max(xmin::text::bigint) FROM spend_sheet {WHERE}"

Columns = dict[str, Array]


class Sheets(NamedTuple):
    """Which sheets some days have: the same while all three are."""

    days: int
    rows: int
    youngest: int | None


@dataclass(frozen=True)
class Closed:
    """The days that have a sheet, their sums, and for each grouped dimension the texts that its values are the places
    of (None: they are ids)."""

    days: frozenset[date]
    block: Block
    texts: Sequence[list[str] | None]


_kept: OrderedDict[Hashable, Closed] = OrderedDict()
_lock = Lock()


def found(cursor: psycopg.Cursor[Any], asked: Question, cut: Sheet, days: Piece) -> Sheets:
    """The sheets of these days."""
    return Sheets(*(cursor.execute(_FOUND, of_days(asked, cut, days)).fetchone() or (0, 0, None)))


def of_days(asked: Question, cut: Sheet, days: Piece) -> list[Any]:
    """The parameters of WHERE."""
    return [asked.lane, cut.value, *(periods.local_day(moment, asked.zone) for moment in (days.start, days.end))]


def sums(cursor: psycopg.Cursor[Any], asked: Question, cut: Sheet, days: Piece, found: Sheets) -> Closed:
    """What a question comes to in the days that have one of the sheets `found`, of the same snapshot."""
    conditions = tuple((c.dimension, tuple(c.values), c.negated) for c in asked.conditions)
    key = (*of_days(asked, cut, days), found, asked.group_by, tuple(asked.edges), conditions, summed(asked))
    with _lock:
        closed = _kept.get(key)
        if closed:
            _kept.move_to_end(key)
            return closed
    closed = _sums(cursor, asked, cut, days)
    with _lock:
        _kept[key] = closed
        while sum(one.block.size for one in _kept.values()) > MOST_BYTES:
            _kept.popitem(last=False)
    return closed


def forget() -> None:
    """Keep nothing (ids were rolled back)."""
    with _lock:
        _kept.clear()


def _sums(cursor: psycopg.Cursor[Any], asked: Question, cut: Sheet, days: Piece) -> Closed:
    sheeted, own = _rows(cursor, asked, cut, days)
    axes = [_values(asked.lane, cut, name, own) for name in asked.group_by]
    which: Any = slice(None)
    for condition in asked.conditions:
        held = _holds(asked.lane, cut, condition, own)
        which = held if isinstance(which, slice) else which & held
    measures = {name: _chosen(own[name], which) for name in summed(asked)}
    block = Block([values[which] for values, _ in axes], own["bucket"][which], measures)
    return Closed(frozenset(sheeted), columns.condensed(block), [texts for _, texts in axes])


def _rows(cursor: psycopg.Cursor[Any], asked: Question, cut: Sheet, days: Piece) -> tuple[list[date], Columns]:
    """The days that have a sheet, and the rows of all of them: ids, the `bucket`, and the measures still day by day."""
    names = ("a", "b", *summed(asked))
    query = f"SELECT day, rows, {', '.join(names)} FROM spend_sheet {WHERE} ORDER BY day"
    found = cursor.execute(query, of_days(asked, cut, days), binary=True).fetchall()
    edges = [periods.local_day(edge, asked.zone) for edge in asked.edges]
    buckets = [np.full(rows, bisect_right(edges, day), np.int32) for day, rows, *_ in found]
    parts = zip(*(sheets.read(packed, rows) for _, rows, *packed in found), strict=True)
    own: Columns = dict(zip(names, parts, strict=True))
    ids = {name: np.concatenate(own[name]) for name in ("a", "b")}
    return [row[0] for row in found], {**own, **ids, "bucket": np.concatenate(buckets)}


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
    return np.isin(values, places(condition.values, texts), invert=condition.negated)


def places(values: Sequence[Any], texts: list[str] | None) -> list[int]:
    """The places of texts among the sorted ones of a tag; ids as they are."""
    if texts is None:
        return [*values]
    place = {text: i for i, text in enumerate(texts)}
    return [place[text] for text in values if text in place]
