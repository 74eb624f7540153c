"""Many periods of budgets written by one statement each; a portion of the feed touches thousands."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from psycopg import Cursor

from costwatch.budgets.evaluate import ZERO

# excluded.revision is 1 for "look, whatever the sum": a judgement that is under way then counts for nothing. A budget
# that somebody is deleting is left out; in order, because somebody may be changing the same rows.
_ADD = """
INSERT INTO budget_period AS p (budget_id, value, period_start, period_end, at_most, look_at, due, touched_from,
                                revision, crossings, over)
SELECT b.id, n.value, s.starts, s.ends, n.spent, s.look_at, n.due OR coalesce(n.spent >= s.look_at, false),
       s.touched, n.due::integer, '[]', false
  FROM unnest(%b::int[], %b::text[], %b::numeric[], %b::boolean[]) AS n(number, value, spent, due)
  JOIN unnest(%b::int[], %b::bigint[], %b::timestamptz[], %b::timestamptz[], %b::numeric[], %b::timestamptz[])
       AS s(number, budget, starts, ends, look_at, touched) USING (number)
  JOIN budget b ON b.id = s.budget ORDER BY b.id, n.value, s.starts FOR KEY SHARE OF b SKIP LOCKED
ON CONFLICT (budget_id, value, period_start) DO UPDATE SET
       at_most = p.at_most + excluded.at_most,
       touched_from = least(p.touched_from, excluded.touched_from), revision = p.revision + excluded.revision,
       due = p.due OR excluded.revision > 0 OR coalesce(p.at_most + excluded.at_most >= p.look_at, false)"""

# what the feed added since the row was read stays in at_most, although the sum may hold it already; a row that somebody
# is at stays due
_JUDGED = """
WITH n AS (
    SELECT n.* FROM unnest(%b::bigint[], %b::int[], %b::numeric[], %b::numeric[], %b::numeric[])
           AS n(id, revision, before, spent, look_at)),
free AS (
    SELECT p.id FROM budget_period p JOIN n ON n.id = p.id AND n.revision = p.revision FOR UPDATE OF p SKIP LOCKED)
UPDATE budget_period p SET at_most = p.at_most - n.before + n.spent, look_at = n.look_at, touched_from = NULL,
       due = coalesce(p.at_most - n.before + n.spent >= n.look_at, false), revision = p.revision + 1, judged_at = %b
  FROM n JOIN free USING (id) WHERE p.id = n.id"""


@dataclass(slots=True)
class Additions:
    """What the feed added to one period of a budget, by values of its template ("" without one).

    `due`: values to be looked at whatever the sum. `touched`: from when on, for a rolling budget.
    """

    end: datetime
    look_at: Decimal | None
    spent: dict[str, Decimal] = field(default_factory=dict)
    due: set[str] = field(default_factory=set)
    touched: datetime | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """A row as it was read (number, revision, `before` = at_most), what was spent, and when to look again."""

    number: int
    revision: int
    before: Decimal
    spent: Decimal
    look_at: Decimal | None


Key = tuple[int, datetime]
"""A budget, and the beginning of a period."""


def add(cursor: Cursor[Any], additions: Mapping[Key, Additions]) -> None:
    """Add to the periods, making rows of those that have none."""
    if not additions:
        return
    numbers: list[int] = []
    values: list[str] = []
    spent: list[Decimal] = []
    due: list[bool] = []
    for number, own in enumerate(additions.values()):
        for value in own.spent.keys() | own.due:
            numbers.append(number)
            values.append(value)
            spent.append(own.spent.get(value, ZERO))
            due.append(value in own.due)
    periods = [
        list(range(len(additions))),
        [budget for budget, _ in additions],
        [start for _, start in additions],
        [own.end for own in additions.values()],
        [own.look_at for own in additions.values()],
        [own.touched for own in additions.values()],
    ]
    cursor.execute(_ADD, [numbers, values, spent, due, *periods])


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
        cursor.execute(_JUDGED, [*columns, now])
