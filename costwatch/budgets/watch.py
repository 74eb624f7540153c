"""The watch: what was folded since the last look is added to the budgets it counts for; whoever may have reached a
threshold is due to be judged (judge.py).

It does what the tables say: killed anywhere it has done nothing, twice at once the second does nothing.
"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from psycopg import Cursor

from costwatch.budgets import evaluate, index, judge, names, rows
from costwatch.budgets.evaluate import ROLLING, ZERO, Rule
from costwatch.budgets.index import Index, Watched
from costwatch.budgets.rows import Additions, Key
from costwatch.ledger import feed
from costwatch.ledger.feed import Folded, Spent
from costwatch.lib.periods import Period

READER = "budgets"
MOST_BATCHES = (
    20  # of up to 10,000 events; with more at once those of single events would go faster, others fill memory
)
AHEAD = timedelta(minutes=10)  # events may be dated five minutes ahead
REMEMBERED = timedelta(days=1)  # rows in which nothing was told are kept for longer than this after their end
LATE = timedelta(hours=1)


def watch_all(now: datetime, seconds: float) -> int:
    """Look at portions until nothing is new or the time is up, and judge what is due; how many batches.

    Raises StorageUnavailable.
    """
    until = time.monotonic() + seconds
    batches = 0
    while portion := watch(now):
        batches += portion
        judge.judge_due(now, until)
        if time.monotonic() >= until:
            return batches
    judge.judge_due(now, until)
    return batches


def watch(now: datetime) -> int:
    """Add the next portion of folded batches to the budgets; how many batches. Raises StorageUnavailable."""
    with feed.reading(READER, MOST_BATCHES) as (cursor, batches):
        indexes = index.current({batch.lane for batch in batches}) if batches else {}
        for lane, own in groupby(sorted(batches, key=lambda batch: batch.lane), key=lambda batch: batch.lane):
            if indexes.get(lane):
                _add(cursor, indexes[lane], list(own), now)
    return len(batches)


def _add(cursor: Cursor[Any], budgets: Index, batches: Sequence[Folded], now: datetime) -> None:
    spent = feed.spent(cursor, batches, budgets.needs)
    labels = names.labels(row.attribution for row in spent)
    portion = Portion(now)
    for row in spent:
        facts = {dimension: getattr(row, dimension) for dimension in budgets.needs}
        of_event = labels.get(row.attribution, {})
        for budget in budgets.of(row.attribution, of_event, facts):
            value = (facts.get(budget.per) or of_event.get(budget.per, "")) if budget.per else ""
            if value or not budget.per:  # what is not attributed is nobody's, so no amount holds for it
                portion.count(budget, value, row)
    rows.add(cursor, portion.additions)


class Portion:
    """What a portion of the feed adds to the periods of budgets."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.additions: dict[Key, Additions] = {}
        self._of_slot: dict[tuple[int, int], Additions] = {}
        self._periods: dict[tuple[str, str, int, int], Period] = {}

    def count(self, budget: Watched, value: str, row: Spent) -> None:
        """Add a row to the period of a budget in which its quarter hour lies: none has an edge inside one."""
        own = self._of_slot.get((budget.number, row.slot))
        if own is None:
            own = self._of_slot[budget.number, row.slot] = self._find(budget, row.slot)
        own.spent[value] = own.spent.get(value, ZERO) + (row.tokens if budget.in_tokens else row.cost)
        if row.less or (own.touched is not None and own.touched < self.now - LATE):
            own.due.add(value)  # what is kept of a rolling budget bounds the windows that ended within the last hour
        if budget.rule.carry_over:
            self._next_too(budget, value, row.slot)

    def _find(self, budget: Watched, slot: int) -> Additions:
        if budget.rule.window is not None:
            own = self.additions.setdefault((budget.number, ROLLING), Additions(ROLLING, ZERO))
            begins = datetime.fromtimestamp(slot, UTC)
            own.touched = min(own.touched or begins, begins)
            return own
        return self._of_period(budget, self._period(budget.rule, slot))

    def _of_period(self, budget: Watched, period: Period) -> Additions:
        key = (budget.number, period.start)
        if key not in self.additions:
            # since before the period began the feed has told everything; of others the ledger has to be asked
            told_all = period.start > budget.counted_since + AHEAD and period.end > self.now - REMEMBERED
            look_at = budget.first_look(evaluate.planned_amount(budget.rule, period)) if told_all else ZERO
            self.additions[key] = Additions(period.end, look_at)
        return self.additions[key]

    def _next_too(self, budget: Watched, value: str, slot: int) -> None:
        """What is left of a period that is over moves on: the one after is to be looked at."""
        end = self._period(budget.rule, slot).end
        if end <= self.now + AHEAD:
            self._of_period(budget, evaluate.bounds(budget.rule, end)).due.add(value)

    def _period(self, rule: Rule, slot: int) -> Period:
        """Worked out once for all budgets with the same calendar."""
        key = (rule.period, rule.zone.key, rule.week_start, slot)
        if key not in self._periods:
            self._periods[key] = evaluate.bounds(rule, datetime.fromtimestamp(slot, UTC))
        return self._periods[key]
