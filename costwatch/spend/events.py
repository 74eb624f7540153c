"""Single events as they were sent, with what they cost and why."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from costwatch.ledger.keys import FIRST_SECOND, event_key
from costwatch.ledger.models import Cut, EventKey, UsageEvent
from costwatch.ledger.rows import said
from costwatch.spend import conditions as where
from costwatch.spend.conditions import Clause
from costwatch.spend.dimensions import FACTS
from costwatch.spend.filters import BadQuery, SpendFilter
from costwatch.spend.page import MOST_ITEMS, Page, from_cursor, to_cursor
from costwatch.spend.shown import shown
from costwatch.spend.snapshot import Snapshot, snapshot
from costwatch.spend.sources import Source

ORDERS = ("-time", "time")
FIRST_WINDOW = timedelta(hours=6)
WINDOW_GROWTH = 4

SOURCE = Source("usage_event", "occurred_at", None, {name: f"r.{c}" for name, c in FACTS.items()}, "r.attribution_id")
_COLUMNS = tuple(str(field.column) for field in UsageEvent._meta.concrete_fields)
_SELECT = f"SELECT {', '.join(said(c, 'r') for c in _COLUMNS)} FROM"


def events(
    workspace: Any, filter: SpendFilter, cursor: str | None = None, limit: int = 100, order: str = "-time"
) -> Page[dict[str, Any]]:
    """The events that a filter means, newest first ("time": oldest first), each as API.md §3 names its fields.

    Raises BadQuery.
    """
    if order not in ORDERS:
        raise BadQuery("order", f"order must be one of {', '.join(ORDERS)}.")
    limit = max(1, min(limit, MOST_ITEMS))
    position = from_cursor(f"events.{order}", cursor) if cursor else None
    with snapshot(workspace.lane) as books:
        conditions = where.resolve(workspace.lane, filter)
        attributions = where.few_attributions(workspace.lane, conditions)
        tables = where.from_clause(SOURCE, ())
        clauses = [("r.lane = %s", [workspace.lane]), *where.on_source(SOURCE, conditions, attributions)]
        rows = _first(workspace.lane, books, filter, tables, clauses, position, limit + 1, order)
    more = to_cursor(f"events.{order}", _position(rows[limit - 1])) if len(rows) > limit else None
    return Page(shown(rows[:limit]), more)


def oldest(workspace: Any, filter: SpendFilter, most: int) -> tuple[list[dict[str, Any]], bool]:
    """The first `most` events that a filter means, in order of time, and whether there are more; of one snapshot."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    with snapshot(workspace.lane):
        while len(found) < most:
            page = events(workspace, filter, cursor, min(MOST_ITEMS, most - len(found)), "time")
            found, cursor = found + page.items, page.next_cursor
            if cursor is None:
                break
    return found, cursor is not None


def event(workspace: Any, event_id: str) -> dict[str, Any] | None:
    """One event by any id it was sent with; None where this workspace has no such event."""
    try:
        key = UUID(bytes=event_key(event_id))
    except UnicodeEncodeError:
        return None
    known = EventKey.objects.filter(lane=workspace.lane, event_key=key).first()
    if known is None:
        return None
    at = datetime.fromtimestamp(known.second + FIRST_SECOND, UTC)
    clauses = [
        ("r.lane = %s AND r.event_key = %s", [workspace.lane, known.alias_of or key]),
        ("r.occurred_at >= %s AND r.occurred_at < %s", [at, at + timedelta(seconds=1)]),
    ]
    rows = _rows("usage_event r", where.joined(clauses), "")
    return shown(rows)[0] if rows else None


def _first(
    lane: int,
    books: Snapshot,
    filter: SpendFilter,
    tables: str,
    clauses: Sequence[Clause],
    position: list[Any] | None,
    count: int,
    order: str,
) -> list[dict[str, Any]]:
    """The first rows in this order, from parts of the range that grow: there is no index in order of time."""
    newest = order == "-time"
    start, end = bounds(lane, books, filter)
    if position:
        at = datetime.fromisoformat(position[0])
        start, end = (start, min(end, at + timedelta(microseconds=1))) if newest else (max(start, at), end)
        beyond = "<" if newest else ">"
        clauses = [*clauses, (f"(r.occurred_at, r.event_key) {beyond} (%s::timestamptz, %s::uuid)", position)]
    way = "DESC" if newest else "ASC"
    rows: list[dict[str, Any]] = []
    for first, last in _windows(start, end, newest, whole=bool(filter.include.keys() & FACTS.keys())):
        period = ("r.occurred_at >= %s AND r.occurred_at < %s", [first, last])
        ordered = f"ORDER BY r.occurred_at {way}, r.event_key {way} LIMIT {count - len(rows)}"
        rows += _rows(tables, where.joined([*clauses, period]), ordered)
        if len(rows) == count:
            break
    return rows


def _windows(start: datetime, end: datetime, newest: bool, whole: bool) -> Iterator[tuple[datetime, datetime]]:
    """[start, end) in parts of growing length, in one direction; at once where an index leads to the rows."""
    length = FIRST_WINDOW
    while start < end:
        if whole or end - start <= length:
            yield start, end
            return
        if newest:
            yield end - length, end
            end -= length
        else:
            yield start, start + length
            start += length
        length *= WINDOW_GROWTH


def bounds(lane: int, books: Snapshot, filter: SpendFilter) -> tuple[datetime, datetime]:
    """The part of a range in which there are events at all; a local day is within a day of the UTC day of its name."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(day), max(day) FROM spend_day WHERE lane = %s AND cut = %s", [lane, Cut.TOTAL.value])
        days = [datetime(d.year, d.month, d.day, tzinfo=UTC) for d in cursor.fetchone() if d]
    first = [*days[:1], *(batch[2] for batch in books.batches)]
    last = [*days[1:], *(batch[3] for batch in books.batches)]
    if not first:
        return filter.end, filter.end
    return max(filter.start, min(first) - timedelta(days=2)), min(filter.end, max(last) + timedelta(days=3))


def _rows(tables: str, condition: Clause, ordered: str) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(f"{_SELECT} {tables} WHERE {condition[0]} {ordered}", condition[1])
        return [dict(zip(_COLUMNS, row, strict=True)) for row in cursor.fetchall()]


def _position(row: Mapping[str, Any]) -> list[Any]:
    return [row["occurred_at"].isoformat(), str(row["event_key"])]
