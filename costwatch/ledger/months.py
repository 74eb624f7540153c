"""Closing a month's books: it then keeps its sums to the last digit, and what comes late counts in the open month.

A late event keeps its own time; an adjustment takes its sums out of the closed month and one brings them to the first
instant that is open. Corrections of a closed month's events are brought there too.
"""

from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from psycopg import Cursor

from costwatch.accounts import audit
from costwatch.accounts.models import ApiKey, Member, Workspace
from costwatch.ledger.models import ClosedMonth
from costwatch.ledger.store import MEASURES, writing
from costwatch.lib import periods
from costwatch.lib.dates import in_zone

LOCK = 7_301_004
SETTLING = timedelta(hours=1)  # batches under way at midnight are in by then
OLD = timedelta(minutes=45)  # a younger event lies in no month that can be closed while its batch is stored

_SUMS = """
SELECT coalesce(sum(calls), 0), coalesce(sum(unpriced_calls), 0), coalesce(sum(cost), 0)
  FROM ledger_entry WHERE lane = %s AND occurred_at >= %s AND occurred_at < %s"""
_MINUS = ", ".join(f"-{measure}" for measure in MEASURES)
_CARRY = f"""
WITH late AS MATERIALIZED (
    SELECT * FROM ledger_entry WHERE lane = %(lane)s AND batch_id = %(batch)s
       AND occurred_at >= %(first)s AND occurred_at < %(open)s),
moved AS (
    SELECT occurred_at AS at, lane, attribution_id, session_id, end_user_id, {_MINUS} FROM late
    UNION ALL SELECT %(open)s, lane, attribution_id, session_id, end_user_id, {", ".join(MEASURES)} FROM late)
INSERT INTO spend_adjustment (occurred_at, lane, attribution_id, session_id, end_user_id, {", ".join(MEASURES)},
                              batch_id, recorded_at, reason)
SELECT *, %(batch)s, %(now)s, 'came after its month was closed' FROM moved"""


class CannotClose(ValueError):
    """The month is not over, or is not the one whose turn it is; the text says so to a person."""


def close(
    workspace: Workspace, month: date, by: Member | ApiKey | str, now: datetime, ip: str | None = None
) -> ClosedMonth:
    """Close the books of the month that holds this local day, and of all before it. Raises CannotClose.

    What it came to is kept beside it, and `costwatch verify` compares.
    """
    span, first = _span(workspace, month)
    if now < span.end + SETTLING:
        opens = in_zone(span.end + SETTLING, periods.zone(workspace.time_zone))
        raise CannotClose(f"{first:%B %Y} can be closed from {opens} on.")
    with writing() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, workspace.lane])
        until = _closed_until(cursor, workspace.lane)
        if until is not None and until >= span.end:
            raise CannotClose(f"{first:%B %Y} is closed already.")
        sums = cursor.execute(_SUMS, [workspace.lane, span.start, span.end]).fetchone() or (0, 0, 0)
        closed = ClosedMonth.objects.create(
            lane=workspace.lane, month=first, start=span.start, end=span.end, closed_at=now, closed_by=str(by)[:255],
            calls=sums[0], unpriced_calls=sums[1], cost=sums[2],
        )  # fmt: skip
        audit.record(workspace, by, "month.closed", closed, _facts(closed), ip)
    return closed


def reopen(workspace: Workspace, month: date, by: Member | ApiKey | str, ip: str | None = None) -> None:
    """Open the month that was closed last again; what was carried out of it stays where it is. Raises CannotClose."""
    first = month.replace(day=1)
    with transaction.atomic():
        last = ClosedMonth.objects.select_for_update().filter(lane=workspace.lane).order_by("-end").first()
        if last is None or last.month != first:
            which = f"only {last.month:%B %Y}, which was closed last, can be" if last else "no month is closed"
            raise CannotClose(f"{first:%B %Y} cannot be opened again: {which}.")
        last.delete()
        audit.record(workspace, by, "month.reopened", f"{first:%Y-%m}", _facts(last), ip)


def closed(lane: int) -> dict[date, ClosedMonth]:
    """The closed months of a workspace by their first day."""
    return {row.month: row for row in ClosedMonth.objects.filter(lane=lane)}


def closed_until(lane: int, at: datetime | None = None) -> datetime | None:
    """Before this instant nothing changes any more, or did when it was `at`; None where nothing is closed."""
    closed = ClosedMonth.objects.filter(lane=lane)
    row = (closed.filter(closed_at__lte=at) if at else closed).order_by("-end").first()
    return row.end if row else None


def hold(cursor: Cursor[Any], lane: int) -> datetime | None:
    """`closed_until` for a transaction that writes: no month closes before it is over."""
    cursor.execute("SELECT pg_advisory_xact_lock_shared(%s, %s)", [LOCK, lane])
    return _closed_until(cursor, lane)


def carry(cursor: Cursor[Any], lane: int, batch: int, first_at: datetime, now: datetime) -> None:
    """Bring the events of a new batch that lie in closed months to the open one, in the batch's own transaction."""
    if first_at > now - OLD:
        return
    until = hold(cursor, lane)
    if until is None or first_at >= until:
        return
    values = {"lane": lane, "batch": batch, "first": first_at, "open": until, "now": now}
    cursor.execute(_CARRY, values)
    cursor.execute("UPDATE ingest_batch SET last_at = greatest(last_at, %s) WHERE id = %s", [until, batch])


def differing(cursor: Cursor[Any]) -> list[str]:
    """What closed months do not come to any more."""
    found = []
    rows = cursor.execute('SELECT lane, month, start, "end", calls, unpriced_calls, cost FROM closed_month').fetchall()
    for lane, month, start, end, *kept in rows:
        now = list(cursor.execute(_SUMS, [lane, start, end]).fetchone() or ())
        if now != kept:
            found.append(
                f"workspace {lane}: the closed {month:%B %Y} had {kept[0]} calls, {kept[2]} USD, now {now[0]}, {now[2]}"
            )
    return found


def _closed_until(cursor: Cursor[Any], lane: int) -> datetime | None:
    row = cursor.execute('SELECT max("end") FROM closed_month WHERE lane = %s', [lane]).fetchone()
    return row[0] if row else None


def _span(workspace: Workspace, month: date) -> tuple[periods.Period, date]:
    tz = periods.zone(workspace.time_zone)
    first = month.replace(day=1)
    return periods.period("month", periods.midnight(first, tz), tz), first


def _facts(row: ClosedMonth) -> dict[str, str]:
    return {"month": f"{row.month:%Y-%m}", "cost": format(row.cost, "f"), "calls": str(row.calls)}
