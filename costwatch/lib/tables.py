"""Rows as files: CSV, NDJSON and Parquet, written piece by piece so that no size needs more memory. Pure.

A column has a kind: text, count, money (USD, exact, twelve places), share (six places), time, flag. Values are Python's
own; None is an empty cell. CSV holds no cell that a spreadsheet would run as a formula.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from io import StringIO
from typing import Any

TEXT, COUNT, MONEY, SHARE, TIME, FLAG = "text", "count", "money", "share", "time", "flag"
FORMATS = {
    "csv": "text/csv; charset=utf-8",
    "ndjson": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}
# what spreadsheets take for the beginning of a formula, also behind blanks; full-width forms are read alike
FORMULA = frozenset("=+-@\uff1d\uff0b\uff0d\uff20")
LINE_ENDS = frozenset("\t\r\n")
MONEY_DIGITS, MONEY_PLACES = 38, 12
ROW_GROUP = 10_000  # rows that are in memory at once

Rows = Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Column:
    """A column of a file."""

    name: str
    kind: str = TEXT


def written(format: str, columns: Sequence[Column], batches: Iterable[Rows]) -> Iterator[bytes]:
    """The file, piece by piece, one of FORMATS. `batches`: rows in groups of any size."""
    return _WRITERS[format](columns, batches)


def cell(value: Any) -> str:
    """One cell of a CSV: numbers in full without an exponent, text so that it stays text."""
    if isinstance(value, str):
        return f"'{value}" if value[:1] in LINE_ENDS or value.lstrip()[:1] in FORMULA else value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return moment(value)
    return str(value) if isinstance(value, int | float) else cell(str(value))


def value_of(text: str) -> str:
    """What a text was before `cell` kept it from being run as a formula."""
    return text[1:] if text[:1] == "'" and cell(text[1:]) == text else text


def csv_text(rows: Iterable[Sequence[Any]]) -> str:
    """Rows as CSV with CRLF (RFC 4180)."""
    out = StringIO()
    csv.writer(out).writerows([cell(value) for value in row] for row in rows)
    return out.getvalue()


def moment(at: datetime) -> str:
    """A time as RFC 3339 in its own zone."""
    return at.isoformat().replace("+00:00", "Z")


def _csv(columns: Sequence[Column], batches: Iterable[Rows]) -> Iterator[bytes]:
    yield csv_text([[column.name for column in columns]]).encode()
    for rows in batches:
        yield csv_text(rows).encode()


def _ndjson(columns: Sequence[Column], batches: Iterable[Rows]) -> Iterator[bytes]:
    """Money and shares as text with all digits, for JSON numbers are floats to most who read them."""
    import msgspec

    names = [column.name for column in columns]
    encoder = msgspec.json.Encoder()
    for rows in batches:
        yield encoder.encode_lines([dict(zip(names, map(_json, row), strict=True)) for row in rows])


def _json(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return moment(value) if isinstance(value, datetime) else value


def _parquet(columns: Sequence[Column], batches: Iterable[Rows]) -> Iterator[bytes]:
    """Row groups of at most ROW_GROUP rows, given out as soon as they are written; the index of the file comes last."""
    import pyarrow as pa  # 60 MB that a process needs only for this
    import pyarrow.parquet as pq

    types = {
        TEXT: pa.string(),
        COUNT: pa.int64(),
        MONEY: pa.decimal128(MONEY_DIGITS, MONEY_PLACES),
        SHARE: pa.decimal128(MONEY_DIGITS, MONEY_PLACES),
        TIME: pa.timestamp("us", tz="UTC"),
        FLAG: pa.bool_(),
    }
    schema = pa.schema([(column.name, types[column.kind]) for column in columns])
    out = _Drain()
    with pq.ParquetWriter(pa.PythonFile(out, mode="w"), schema, compression="zstd") as writer:
        for rows in _grouped(batches):
            values = list(zip(*rows, strict=True)) or [()] * len(columns)
            arrays = [pa.array(column, field.type) for column, field in zip(values, schema, strict=True)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            yield out.taken()
    yield out.taken()


def _grouped(batches: Iterable[Rows]) -> Iterator[list[Sequence[Any]]]:
    """The rows in groups as large as a row group."""
    waiting: list[Sequence[Any]] = []
    for rows in batches:
        waiting.extend(rows)
        while len(waiting) >= ROW_GROUP:
            yield waiting[:ROW_GROUP]
            waiting = waiting[ROW_GROUP:]
    if waiting:
        yield waiting


class _Drain:
    """A file that gives away what was written to it."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        return len(self._parts[-1])

    def flush(self) -> None:
        """Nothing is kept back."""

    def taken(self) -> bytes:
        """What was written since the last time."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


_WRITERS: dict[str, Callable[[Sequence[Column], Iterable[Rows]], Iterator[bytes]]] = {
    "csv": _csv,
    "ndjson": _ndjson,
    "parquet": _parquet,
}
