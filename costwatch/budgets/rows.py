"""Many periods of budgets written by one statement each; a portion of the feed touches thousands."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from psycopg import Cursor

from costwatch.budgets.evaluate import ZERO

# excluded.revision stands for "look, whatever the sum": a new row has no judgements to count. A budget may have been
# deleted meanwhile; in order, because a judgement may be writing the same rows.
_ADD = """
INSERT INTO budget_period AS p (budget_id, value, period_start, period_end, at_most, look_at, due, touched_from,
                                revision, crossings, over)
SELECT n.budget, n.value, n.starts, n.ends, n.spent, n.look_at, n.due OR coalesce(n.spent >= n.look_at, false),
       n.touched, n.due::integer, '[]', false
  FROM unnest(%b::bigint[], %b::text[], %b::timestamptz[], %b::timestamptz[], %b::numeric[], %b::numeric[],
              %b::boolean[], %b::timestamptz[]) AS n(budget, value, starts, ends, spent, look_at, due, touched)
  JOIN budget b ON b.id = n.budget ORDER BY n.budget, n.value, n.starts
ON CONFLICT (budget_id, value, period_start) DO UPDATE SET
       at_most = p.at_most + excluded.at_most,
       touched_from = least(p.touched_from, excluded.touched_from),
       due = p.due OR excluded.revision > 0 OR coalesce(p.at_most + excluded.at_most >= p.look_at, false)"""

# what the feed added since the row was read stays in at_most, although the sum may hold it already
_JUDGED = """
UPDATE budget_period p SET at_most = p.at_most - n.before + n.spent, look_at = n.look_at, touched_from = NULL,
       due = coalesce(p.at_most - n.before + n.spent >= n.look_at, false), revision = p.revision + 1, judged_at = %b
  FROM unnest(%b::bigint[], %b::int[], %b::numeric[], %b::numeric[], %b::numeric[])
       AS n(id, revision, before, spent, look_at)
 WHERE p.id = n.id AND p.revision = n.revision"""


@dataclass(slots=True)
class Addition:
    """What the feed added to a period. `due`: to be looked at whatever the sum; `touched`: from when on (rolling)."""

    end: datetime
    look_at: Decimal | None
    spent: Decimal = ZERO
    due: bool = False
    touched: datetime | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """A row as it was read (number, revision, `before` = at_most), what was spent, and when to look again."""

    number: int
    revision: int
    before: Decimal
    spent: Decimal
    look_at: Decimal | None


Key = tuple[int, str, datetime]
"""Budget, value, beginning of the period."""


def add(cursor: Cursor[Any], additions: dict[Key, Addition]) -> None:
    """Add to the periods, making rows of those that have none."""
    if not additions:
        return
    keys, rows = list(additions), list(additions.values())
    columns = [
        [key[0] for key in keys],
        [key[1] for key in keys],
        [key[2] for key in keys],
        [row.end for row in rows],
        [row.spent for row in rows],
        [row.look_at for row in rows],
        [row.due for row in rows],
        [row.touched for row in rows],
    ]
    cursor.execute(_ADD, columns)


def judged(cursor: Cursor[Any], rows: Iterable[Judged], now: datetime) -> None:
    """Keep judgements that have nothing to tell; one of a row that was judged meanwhile is dropped."""
    every = list(rows)
    if every:
        columns = [
            [row.number for row in every],
            [row.revision for row in every],
            [row.before for row in every],
            [row.spent for row in every],
            [row.look_at for row in every],
        ]
        cursor.execute(_JUDGED, [now, *columns])
