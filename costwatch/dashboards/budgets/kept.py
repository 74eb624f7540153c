"""What the watch keeps of running periods: enough to put budgets in order without reading the books of them all."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from django.db.models import Count, Max, Q, QuerySet

from costwatch.accounts.models import Workspace
from costwatch.budgets import evaluate
from costwatch.budgets.evaluate import ROLLING
from costwatch.budgets.models import Budget, BudgetPeriod
from costwatch.budgets.terms import rule
from costwatch.lib.periods import Period


class Group(StrEnum):
    """What a list of budgets can be narrowed to, in the order of urgency."""

    OVER = "over"
    CLOSE = "close"
    WITHIN = "within"
    PAUSED = "paused"


@dataclass(frozen=True)
class Kept:
    """Values (1 without a template) that spent something, that are over, and of which something was told.

    `most`: what the dearest has spent at most.
    """

    count: int = 0
    over: int = 0
    told: int = 0
    most: Decimal = Decimal(0)


@dataclass(frozen=True)
class Ranked:
    """A budget with its place in the list; `count`: how many values of a template spent something, where known."""

    budget: Budget
    kept: Kept
    count: int | None
    group: Group
    share: Decimal


def ranked(workspace: Workspace, now: datetime) -> list[Ranked]:
    """All budgets of a workspace as they were last evaluated, the most urgent first."""
    budgets = list(Budget.objects.filter(workspace=workspace).select_related("owner"))
    for budget in budgets:
        budget.workspace = workspace  # instead of one object each
    known = of_running(budgets, now)
    found = [_place(budget, known.get(budget.pk, Kept()), now) for budget in budgets]
    order = list(Group)
    return sorted(found, key=lambda one: (order.index(one.group), -one.share, one.budget.name, one.budget.pk))


def of_running(budgets: Iterable[Budget], now: datetime) -> dict[int, Kept]:
    """Budget id → what is kept of its running period; nothing where nothing was spent."""
    found = (
        _running(budgets, now)
        .order_by()
        .values_list("budget")
        .annotate(
            count=Count("pk"),
            overs=Count("pk", filter=Q(over=True)),
            told=Count("pk", filter=~Q(crossings=[])),
            most=Max("at_most"),
        )
    )
    return {number: Kept(*numbers) for number, *numbers in found}


def dearest(budgets: Iterable[Budget], now: datetime) -> dict[int, str]:
    """Template's id → the value whose spend is `Kept.most`."""
    running = _running((budget for budget in budgets if budget.per), now)
    return dict(running.order_by("budget", "-at_most", "value").distinct("budget").values_list("budget", "value"))


def _running(budgets: Iterable[Budget], now: datetime) -> QuerySet[BudgetPeriod]:
    own = BudgetPeriod.objects.filter(budget__in=[budget.pk for budget in budgets])
    return own.filter(Q(period_start__lte=now, period_end__gt=now) | Q(period_start=ROLLING))


def _place(budget: Budget, kept: Kept, now: datetime) -> Ranked:
    own = rule(budget, budget.workspace)
    period = evaluate.bounds(own, now)
    limit = evaluate.planned_amount(own, period)
    ahead = Decimal(budget.forecast["mid"]) if budget.forecast and not budget.per else Decimal(0)
    group = Group.WITHIN
    if budget.paused:
        group = Group.PAUSED
    elif kept.over:
        group = Group.OVER
    elif kept.told or ahead >= limit:
        group = Group.CLOSE
    count = kept.count if budget.per and knows_all(budget, period) else None
    return Ranked(budget, kept, count, group, kept.most / limit)


def knows_all(budget: Budget, period: Period) -> bool:
    """Whether what is kept names every value: so it is from the first period on that began under the watch."""
    return not budget.is_rolling and budget.judged_at is not None and budget.counted_since <= period.start
