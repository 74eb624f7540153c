"""The budgets of the demo's company: what its finance lead would have set up."""

from typing import Any

from costwatch.accounts.models import Workspace
from costwatch.budgets import manage
from costwatch.budgets.models import Budget

ACTOR = "demo"
BUDGETS: tuple[dict[str, Any], ...] = (
    {"name": "All agents", "amount_usd": "2000", "period": "monthly", "forecast_thresholds": [100]},
    {"name": "Reasoning, a day", "amount_usd": "45", "period": "daily", "scope": {"agent": ["reasoning"]},
     "thresholds": [80, 100]},
    {"name": "Each end user, a month", "amount_usd": "15", "period": "monthly", "per": "user", "thresholds": [80, 100]},
    {"name": "Each customer, a quarter", "amount_usd": "400", "period": "quarterly", "per": "tag.customer"},
    {"name": "Code review, any seven days", "amount_usd": "80", "period": "rolling_7d",
     "scope": {"agent": ["code-review"]}},
)  # fmt: skip


def make(workspace: Workspace) -> None:
    """Make them, in a workspace that has none."""
    if not Budget.objects.filter(workspace=workspace).exists():
        for wanted in BUDGETS:
            manage.create(workspace, {**wanted, "allow_unseen": True}, ACTOR)
