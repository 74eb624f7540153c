"""What each attribution says of a dimension, as a table in memory by its id: attributions are only ever added."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
import psycopg
from django.db import connection

from costwatch.spend.columns import Array
from costwatch.spend.dimensions import TAG

MOST_TABLES = 32  # 4 bytes an attribution each
UNKNOWN = -1

_LABELS = "SELECT string_agg(int4send(id), ''), string_agg(int4send({column}), '') FROM attribution WHERE lane = %s"
_TAGS = "SELECT coalesce(tags ->> %s, ''), string_agg(int4send(id), '') FROM attribution WHERE lane = %s GROUP BY 1"

_tables: OrderedDict[tuple[int, str], "Table"] = OrderedDict()
_lock = Lock()


@dataclass(frozen=True)
class Table:
    """`numbers[id - first]`: the id of the label or key; for a tag the place of its value in the sorted `texts`."""

    first: int
    numbers: Array
    texts: list[str]

    def of(self, ids: Array) -> Array:
        """The numbers of these attributions; UNKNOWN for one that is not in the table."""
        at = ids.astype(np.int64) - self.first
        if len(at) and not 0 <= at.min() <= at.max() < len(self.numbers):
            return np.full(len(at), UNKNOWN, np.int32)
        return self.numbers[at]


EMPTY = Table(0, np.zeros(0, np.int32), [])


def numbers(lane: int, dimension: str, ids: Array) -> tuple[Array, list[str]]:
    """What these attributions say of a dimension, as a Table's numbers; and its texts."""
    with _lock:
        known = _tables.get((lane, dimension), EMPTY)
    found = known.of(ids)
    if (found == UNKNOWN).any():
        known = _loaded(lane, dimension)
        found = known.of(ids)
    with _lock:
        _tables[lane, dimension] = known
        _tables.move_to_end((lane, dimension))
        if len(_tables) > MOST_TABLES:
            _tables.popitem(last=False)
    return found, known.texts


def places(values: Sequence[Any], texts: list[str] | None) -> list[int]:
    """The places of texts among the sorted ones of a tag; ids as they are."""
    if texts is None:
        return [*values]
    place = {text: i for i, text in enumerate(texts)}
    return [place[text] for text in values if text in place]


def forget() -> None:
    """Empty the tables (ids were rolled back)."""
    _tables.clear()


def _loaded(lane: int, dimension: str) -> Table:
    with psycopg.Cursor(connection.connection) as cursor:
        if dimension.startswith(TAG):
            rows: Any = cursor.execute(_TAGS, [dimension.removeprefix(TAG), lane], binary=True).fetchall()
            return _of_texts(dict(rows))
        query = _LABELS.format(column=f"{dimension}_id")
        ids, labels = cursor.execute(query, [lane], binary=True).fetchone() or (None, None)
        return _of(_numbers(ids), _numbers(labels), [])


def _of_texts(ids: dict[str, bytes]) -> Table:
    texts = sorted(ids)
    arrays = [_numbers(ids[text]) for text in texts]
    places = np.repeat(np.arange(len(texts), dtype=np.int32), [len(array) for array in arrays])
    return _of(np.concatenate(arrays) if arrays else _numbers(None), places, texts)


def _of(ids: Array, numbers: Array, texts: list[str]) -> Table:
    first = int(ids.min()) if len(ids) else 0
    placed = np.full(int(ids.max()) - first + 1 if len(ids) else 0, UNKNOWN, np.int32)
    placed[ids - first] = numbers
    return Table(first, placed, texts)


def _numbers(packed: bytes | None) -> Array:
    return np.frombuffer(packed or b"", ">i4").astype(np.int64)
