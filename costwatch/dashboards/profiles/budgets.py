"""The budgets that limit one value of a dimension."""

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from costwatch.accounts.models import Workspace
from costwatch.budgets.models import Budget
from costwatch.budgets.spent import NOTHING, Part, read
from costwatch.budgets.status import Status, statuses
from costwatch.budgets.terms import counted, scope
from costwatch.dashboards.budgets import words
from costwatch.dashboards.budgets.words import Mark
from costwatch.spend.sums import Sums

SHOWN = 6


@dataclass(frozen=True)
class Line:
    """A budget: its limit in words, what is used of it (of a template: by this value alone), how it stands."""

    name: str
    url: str
    limit: str
    used: str
    spent: str
    mark: Mark


def budgets_about(workspace: Workspace, dimension: str, value: str, now: datetime) -> list[Line]:
    """Budgets whose scope names the value, and templates that give each value of the dimension a limit."""
    rows = Budget.objects.filter(workspace=workspace).select_related("workspace", "owner").order_by("name", "pk")
    about = [row for row in rows if value in row.scope.get(dimension, ()) or _is_template_of(row, dimension, value)]
    return [_line(workspace, status, dimension, value) for status in statuses(workspace, now, about[:SHOWN])]


def _is_template_of(budget: Budget, dimension: str, value: str) -> bool:
    """Whether it limits every value of the dimension, this one among them."""
    return (
        budget.per == dimension
        and not budget.scope.get(dimension)
        and value not in budget.scope.get(f"{dimension}!", ())
    )


def _line(workspace: Workspace, status: Status, dimension: str, value: str) -> Line:
    budget, mark, spent = status.budget, words.mark(status), status.spent
    if budget.per == dimension:
        known = next((standing for standing in status.values if standing.value == value), None)
        spent = counted(_of_value(workspace, status, value), budget.in_tokens) if known is None else known.spent
        mark = words.of_value(known, budget) if known else Mark("muted hollow", "within")
    return Line(
        budget.name, reverse("budget", args=[budget.pk]), words.limit(budget), words.used(spent / status.limit),
        words.amount(spent, budget.in_tokens), mark,
    )  # fmt: skip


def _of_value(workspace: Workspace, status: Status, value: str) -> Sums:
    """What one value spent that is not among the dearest of its template."""
    part = Part(scope(status.budget), status.period, status.budget.per, (value,))
    return read(workspace, [part])[0].get(value, NOTHING)
