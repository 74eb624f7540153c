"""The budget that the whole workspace has for its months, if it has one."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from costwatch.accounts.models import Workspace
from costwatch.budgets import evaluate
from costwatch.budgets.models import Budget
from costwatch.budgets.terms import rule


@dataclass(frozen=True)
class MonthBudget:
    """What may be spent in a month, and how much of it at an even pace up to now."""

    name: str
    limit: Decimal
    pace: Decimal
    url: str


def month_budget(workspace: Workspace, at: datetime, spent_before: Decimal | None) -> MonthBudget | None:
    """The workspace's monthly budget in dollars, the oldest of several, at a moment; None: it has none.

    `spent_before`: what the month before came to, for what may be carried over.
    """
    wide = Budget.objects.filter(
        workspace=workspace, scope={}, per="", period="monthly", amount_usd__isnull=False, paused=False
    )
    budget = wide.filter(time_zone__in=("", workspace.time_zone)).order_by("pk").first()
    if budget is None:
        return None
    own = rule(budget, workspace)
    period = evaluate.bounds(own, at)
    limit = evaluate.limit(own, period, spent_before or Decimal(0))
    return MonthBudget(budget.name, limit, evaluate.even_pace(period, limit, at), f"/budgets/{budget.pk}")
