"""What time alone changes: periods end, windows move on, rows that say nothing are forgotten."""

from datetime import datetime, timedelta
from itertools import groupby

from django.db import transaction
from django.db.models import Q

from costwatch.alerts.models import PENDING, Incident
from costwatch.budgets import judge, say, tell
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


def follow(now: datetime) -> int:
    """Bring the figures of open incidents up to what is spent by now; how many have changed."""
    told = BudgetPeriod.objects.filter(settle_at__gt=now).exclude(period_start=ROLLING)
    rows = told.exclude(budget__period__startswith="rolling_").select_related("budget__workspace")
    changed = 0
    for _, own in groupby(rows.order_by("budget__workspace", "-pk")[:MOST], key=lambda row: row.budget.workspace_id):
        moved = _moved(list(own))
        for case in judge.cases(moved):
            tell.follow(case, now)
        changed += len(moved)
    return changed


def _moved(rows: list[BudgetPeriod]) -> list[BudgetPeriod]:
    """The rows whose incident is open and says another sum than the row."""
    keys = {say.key(row.budget_id, row.value, row.period_start): row for row in rows}
    known = Incident.objects.filter(workspace=rows[0].budget.workspace_id, dedupe_key__in=keys, state__in=PENDING)
    found = []
    for key, facts in known.values_list("dedupe_key", "facts"):
        row = keys[key]
        unit = "spent_tokens" if row.budget.in_tokens else "spent_usd"
        if facts.get(unit) != say.exact(row.budget, row.at_most):
            found.append(row)
    return found


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
