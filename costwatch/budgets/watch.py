"""The watch: what was folded since the last look is added to the budgets it counts for; whoever may have reached a
threshold is due to be judged (judge.py).

It does what the tables say: killed anywhere it has done nothing, twice at once the second does nothing.
"""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from psycopg import Cursor

from costwatch.budgets import evaluate, index, judge, names, rows
from costwatch.budgets.evaluate import ROLLING, Rule
from costwatch.budgets.index import Index, Watched
from costwatch.budgets.rows import Addition, Key
from costwatch.ledger import feed
from costwatch.ledger.feed import Folded, Spent
from costwatch.lib.periods import QUARTER_HOUR, Period
from costwatch.spend.dimensions import FACTS

READER = "budgets"
MOST_BATCHES = 100  # small ones, if there are so many; the fold takes up to 500 at once
AHEAD = timedelta(minutes=10)  # events may be dated five minutes ahead
REMEMBERED = timedelta(days=1)  # rows in which nothing was told are kept for longer than this after their end
LATE = timedelta(hours=1)

Additions = dict[Key, Addition]


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
    spent = feed.spent(cursor, batches, {FACTS[dimension] for dimension in budgets.needs})
    labels = names.labels(row.attribution for row in spent)
    known = {dimension: names.facts(dimension, {getattr(row, dimension) for row in spent})
             for dimension in budgets.needs}  # fmt: skip
    additions, periods = Additions(), Periods()
    for row in spent:
        facts = {dimension: own.get(getattr(row, dimension), "") for dimension, own in known.items()}
        of_event = labels.get(row.attribution, {})
        for budget in budgets.of(row.attribution, of_event, facts):
            value = (facts.get(budget.per) or of_event.get(budget.per, "")) if budget.per else ""
            if value or not budget.per:  # what is not attributed is nobody's, so no amount holds for it
                _count(additions, budget, value, row, now, periods)
    rows.add(cursor, additions)


def _count(additions: Additions, budget: Watched, value: str, row: Spent, now: datetime, periods: "Periods") -> None:
    """Add a row to the period it lies in, and have the one after looked at where something moves on into that."""
    if budget.rule.window is not None:
        addition = _rolling(additions, budget, value, row.slot, now)
    else:
        period = periods.of(budget.rule, row.slot)
        addition = _of(additions, budget, value, period, now)
        if budget.rule.carry_over and period.end <= now + AHEAD:
            _of(additions, budget, value, periods.of(budget.rule, period.end), now).due = True
    addition.spent += row.tokens if budget.in_tokens else row.cost
    addition.due = addition.due or row.less


def _of(additions: Additions, budget: Watched, value: str, period: Period, now: datetime) -> Addition:
    key = (budget.number, value, period.start)
    addition = additions.get(key)
    if addition is None:
        # since before the period began the feed has told everything; of others the ledger has to be asked
        told_all = period.start > budget.counted_since + AHEAD and period.end > now - REMEMBERED
        look_at = budget.first_look(evaluate.planned_amount(budget.rule, period))
        addition = additions[key] = Addition(period.end, look_at if told_all else evaluate.ZERO)
    return addition


def _rolling(additions: Additions, budget: Watched, value: str, slot: datetime, now: datetime) -> Addition:
    key = (budget.number, value, ROLLING)
    addition = additions.get(key)
    if addition is None:
        addition = additions[key] = Addition(ROLLING, evaluate.ZERO)
    addition.touched = min(addition.touched or slot, slot)
    # what is kept bounds the windows that ended within the last hour
    addition.due = addition.due or slot + QUARTER_HOUR < now - LATE
    return addition


class Periods:
    """The period of each quarter hour, worked out once for all budgets with the same calendar."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, int, datetime], Period] = {}

    def of(self, rule: Rule, slot: datetime) -> Period:
        """The period of a rule that holds a quarter hour: none has an edge inside one."""
        key = (rule.period, rule.zone.key, rule.week_start, slot)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = evaluate.bounds(rule, slot)
        return known
