"""Sheets: the sums of closed days in columns, so that a question about all of them need not touch each row.

Reading 930,000 rows of `spend_day` and summing them takes PostgreSQL 3 s; the same numbers as columns 0.1 s. A sheet is
a copy: fold throws away those of the days it adds to, and `make` brings them back.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
from psycopg import Cursor

from costwatch.ledger import rollups
from costwatch.ledger.fold import LOCK
from costwatch.ledger.models import Cut, Sheet
from costwatch.ledger.store import MEASURES, writing
from costwatch.lib import integers
from costwatch.lib.periods import midnight, zone

COLUMNS = ("a", "b", *MEASURES)
ENOUGH_EVENTS = 2_000  # days with fewer are read row by row
PICO = 10**12
MOST_USD = 9_000_000  # in one row: what 8 bytes hold in 1e-12 USD

# the newest first: they are asked for most
_DUE = """
SELECT d.lane, d.day FROM spend_day d JOIN accounts_workspace w ON w.id = d.lane
 WHERE d.cut = %s AND d.events >= %s AND d.day < (now() AT TIME ZONE w.time_zone)::date AND NOT EXISTS (
       SELECT FROM spend_sheet s WHERE s.lane = d.lane AND s.day = d.day)
 ORDER BY d.day DESC, d.lane LIMIT %s"""
_INSERT = f"""
INSERT INTO spend_sheet (lane, cut, day, rows, {", ".join(COLUMNS)})
VALUES (%s, %s, %s, %s, {", ".join(["%s"] * len(COLUMNS))})"""


def packed(name: str, expression: str) -> str:
    """SQL for the values of a column (or sum), 8 bytes each, the greatest first; money too large for them is left out,
    which makes the column too short."""
    expression = f"coalesce({expression}, 0)"
    if name in rollups.MONEY:
        expression = f"CASE WHEN abs({expression}) < {MOST_USD} THEN ({expression} * {PICO})::bigint END"
    return f"string_agg(int8send(({expression})::bigint), '')"


_PACKED = f"SELECT count(*), {', '.join(packed(name, name) for name in COLUMNS)} FROM"
_FROM_ROWS = f"{_PACKED} (SELECT * FROM spend_day WHERE lane = %s AND day = %s AND cut = %s ORDER BY a, b) r"
# no rollup has both: in the day that goes on they would be nearly as many rows as events
_FROM_ENTRIES = f"""
{_PACKED} (
    SELECT attribution_id AS a, coalesce(end_user_id, 0) AS b, {rollups.SUMS}
      FROM ledger_entry e
     WHERE lane = %s AND occurred_at >= %s AND occurred_at < %s
       AND NOT EXISTS (SELECT FROM ingest_batch i WHERE i.id = e.batch_id)
     GROUP BY 1, 2 ORDER BY 1, 2) r"""


def make(most_days: int, enough_events: int = ENOUGH_EVENTS) -> int:
    """Make the sheets of up to that many closed days with enough events which have none; how many days that were.

    One day a transaction: nothing is folded meanwhile. Raises StorageUnavailable.
    """
    with writing() as cursor:
        due = cursor.execute(_DUE, [Cut.TOTAL.value, enough_events, most_days]).fetchall()
    for lane, day in due:
        with writing() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
            _make(cursor, lane, day)
    return len(due)


def differing(cursor: Cursor[Any]) -> Iterator[str]:
    """A sentence for each sheet that is not what its day says."""
    kept = (
        f"SELECT lane, cut, day, rows, {', '.join(COLUMNS)} FROM spend_sheet WHERE lane = %s AND cut = %s AND day = %s"
    )
    for key in cursor.execute("SELECT lane, cut, day FROM spend_sheet ORDER BY 1, 2, 3").fetchall():
        lane, cut, day = key
        found = cursor.execute(kept, key, binary=True).fetchone()
        if found != (*key, *(_sheet(cursor, lane, day, Sheet(cut)) or ())):
            yield f"workspace {lane}, spend_sheet {Sheet(cut).name.lower()} {day}: not what the events of the day say"


def _make(cursor: Cursor[Any], lane: int, day: date) -> None:
    """The sheets of a day. A number too large for a column leaves one out: its rows are read then."""
    cursor.execute("DELETE FROM spend_sheet WHERE lane = %s AND day = %s", [lane, day])
    found = {cut: _sheet(cursor, lane, day, cut) for cut in Sheet}
    for cut, sheet in found.items():
        if sheet:
            cursor.execute(_INSERT, [lane, cut.value, day, *sheet])


def _sheet(cursor: Cursor[Any], lane: int, day: date, cut: Sheet) -> tuple[Any, ...] | None:
    """The number of rows and the columns; None where one does not fit."""
    query: str = _FROM_ROWS
    parameters: list[Any] = [lane, day, cut.value]
    if cut == Sheet.ATTRIBUTION_USER:
        row = cursor.execute("SELECT time_zone FROM accounts_workspace WHERE id = %s", [lane]).fetchone()
        tz = zone(row[0] if row else "UTC")
        query, parameters = _FROM_ENTRIES, [lane, midnight(day, tz), midnight(day + timedelta(days=1), tz)]
    rows, *columns = cursor.execute(query, parameters, binary=True).fetchone() or (0,)
    if any(len(column or b"") != rows * 8 for column in columns):
        return None
    return (rows, *(narrow(column) for column in columns))


def narrow(column: bytes | None) -> bytes | None:
    """The numbers of a packed column in as few bytes as hold them all, the least first; None for nothing but zeros."""
    numbers = np.frombuffer(column or b"", ">i8")
    if not numbers.any():
        return None
    return bytes(integers.narrow(numbers).tobytes())


def read(columns: Sequence[bytes | None], rows: int) -> list[Any]:
    """The numbers of a sheet's columns as arrays."""
    return [np.zeros(rows, np.int8) if c is None else np.frombuffer(c, f"<i{len(c) // rows}") for c in columns]
