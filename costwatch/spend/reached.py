"""How many sessions reach which agent or model."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from django.db import connection

from costwatch.spend.conditions import names_of
from costwatch.spend.dimensions import LABELS

_REACHED = """
SELECT t.{column}, count(DISTINCT e.session_id), sum(coalesce(e.cost, 0)), grouping(t.{column})
  FROM usage_event e JOIN attribution t ON t.id = e.attribution_id
 WHERE e.lane = %s AND e.occurred_at >= %s AND e.occurred_at < %s AND e.session_id IS NOT NULL
 GROUP BY ROLLUP (t.{column})"""


def reached(lane: int, dimension: str, start: datetime, end: datetime) -> tuple[int, Mapping[str, tuple[int, Decimal]]]:
    """The sessions with calls in [start, end): how many, and by value of a label how many it and what it cost in them.

    Reads the events themselves: for once a day.
    """
    assert dimension in LABELS
    with connection.cursor() as cursor:
        cursor.execute(_REACHED.format(column=f"{dimension}_id"), [lane, start, end])
        rows = cursor.fetchall()
    names = names_of(dimension, {row[0] for row in rows if not row[3]})
    sessions = sum(row[1] for row in rows if row[3])
    return sessions, {names.get(row[0], ""): (row[1], row[2]) for row in rows if not row[3]}
