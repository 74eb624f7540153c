"""What time alone changes: periods end, windows move on, rows that say nothing are forgotten."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from costwatch.budgets import say, tell
from costwatch.budgets.evaluate import ROLLING
from costwatch.budgets.models import BudgetPeriod
from costwatch.budgets.say import ACTUAL, FORECAST

MOST = 1_000
KEPT_FOR = timedelta(days=3)  # after their end, rows in which nothing was told


def turn(now: datetime) -> int:
    """Resolve the incidents of periods that have ended, and look again at rolling budgets that are used up."""
    BudgetPeriod.objects.filter(period_start=ROLLING, over=True, due=False).update(due=True, touched_from=now)
    ended = BudgetPeriod.objects.filter(settle_at__lte=now).select_related("budget").order_by("settle_at")
    return sum(_end(row, now) for row in ended[:MOST])


def forget(now: datetime) -> None:
    """Drop rows of old periods in which nothing was told; should late events come, the ledger has all of them."""
    old = BudgetPeriod.objects.filter(period_end__lt=now - KEPT_FOR, crossings=[], over=False)
    old.exclude(Q(period_start=ROLLING) | Q(due=True)).delete()


def _end(row: BudgetPeriod, now: datetime) -> bool:
    with transaction.atomic():
        if not BudgetPeriod.objects.filter(pk=row.pk, settle_at=row.settle_at).update(settle_at=None, over=False):
            return False
        for basis in (ACTUAL, FORECAST):
            key = say.key(row.budget_id, row.value, row.period_start, basis)
            tell.end(row.budget.workspace_id, key, now, "The period is over")
        if row.budget.is_rolling:  # from now on it may tell again
            again = BudgetPeriod.objects.filter(budget=row.budget_id, value=row.value, period_start=ROLLING)
            again.filter(due=False).update(due=True, touched_from=row.period_end)
    return True
