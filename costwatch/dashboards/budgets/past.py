"""The periods of a budget that are over: spent against limit, read from the books."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from costwatch.budgets import evaluate
from costwatch.budgets.evaluate import HUNDRED, Rule
from costwatch.budgets.models import Budget, BudgetPeriod
from costwatch.budgets.terms import counted, rule, scope
from costwatch.lib.periods import Period
from costwatch.spend.queries import query

SHOWN = {"daily": 14, "weekly": 13, "monthly": 12, "quarterly": 8, "yearly": 5}
BY_DAY = ("daily", "weekly")


@dataclass(frozen=True)
class Past:
    """A period; of a template `spent` is of all its values, `over` how many of them were told to be over."""

    period: Period
    spent: Decimal
    limit: Decimal
    over: int = 0

    @property
    def share(self) -> Decimal:
        return self.spent / self.limit

    @property
    def remaining(self) -> Decimal:
        return self.limit - self.spent


def past(budget: Budget, now: datetime) -> list[Past]:
    """The running period and those before it since something was spent, newest first; none of a rolling budget."""
    if budget.is_rolling:
        return []
    own = rule(budget, budget.workspace)
    spans = [evaluate.bounds(own, now)]
    for _ in range(SHOWN[budget.period]):
        spans.append(evaluate.before(own, spans[-1]))
    spent = _spent(budget, own, spans)
    while len(spans) > 1 and not spent[spans[-1]]:
        spans.pop()
    over = _over(budget, own, spans[-1].start) if budget.per else {}
    return [
        Past(span, spent[span], _limit(budget, own, span, spent), over.get(span.start, 0)) for span in spans
    ]  # fmt: skip


def csv_rows(budget: Budget, now: datetime) -> list[list[Any]]:
    """The periods with every digit, a heading first."""
    unit = "tokens" if budget.in_tokens else "usd"
    heading = ["period_start", "period_end", f"spent_{unit}", f"limit_{unit}", f"remaining_{unit}", "used"]
    rows = [[one.period.start, one.period.end, one.spent, one.limit, one.remaining, round(one.share, 6)]
            for one in past(budget, now)]  # fmt: skip
    return [heading, *rows]


def _limit(budget: Budget, own: Rule, span: Period, spent: dict[Period, Decimal]) -> Decimal:
    """The limit of a period; that of a template is without what single values carried over."""
    if budget.per or not own.carry_over:
        return evaluate.planned_amount(own, span)
    return evaluate.limit(own, span, spent[evaluate.before(own, span)])


def _spent(budget: Budget, own: Rule, spans: Sequence[Period]) -> dict[Period, Decimal]:
    """What was spent in each, and in the one before the first for what that may have carried over."""
    whole = Period(evaluate.before(own, spans[-1]).start, spans[0].end)
    bucket = "day" if budget.period in BY_DAY else "month"
    answer = query(budget.workspace, scope(budget).within(whole), bucket=bucket, time_zone=own.zone.key)
    sums: dict[Period, Decimal] = defaultdict(Decimal)
    for group in answer.groups:
        if group.bucket is not None:
            sums[evaluate.bounds(own, group.bucket)] += counted(group.sums, budget.in_tokens)
    return sums


def _over(budget: Budget, own: Rule, since: datetime) -> dict[datetime, int]:
    """Beginning of a period → how many values were told to be over in it."""
    highest = min(HUNDRED, max(own.thresholds, default=HUNDRED))
    told = BudgetPeriod.objects.filter(budget=budget.pk, period_start__gte=since).exclude(crossings=[])
    counts: dict[datetime, int] = defaultdict(int)
    for start, crossings in told.values_list("period_start", "crossings"):
        counts[start] += any(Decimal(str(one["threshold"])) >= highest for one in crossings)
    return counts
