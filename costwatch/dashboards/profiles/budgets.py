"""The budgets that limit one value of a dimension."""

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from costwatch.accounts.models import Workspace
from costwatch.budgets.models import Budget
from costwatch.budgets.spent import NOTHING, Part, read
from costwatch.budgets.status import Standing, State, Status, statuses
from costwatch.budgets.terms import NOT, counted, scope
from costwatch.dashboards.budgets import words
from costwatch.dashboards.budgets.words import Mark

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
    narrowed = budget.scope.get(dimension) or value in budget.scope.get(f"{dimension}{NOT}", ())
    return budget.per == dimension and not narrowed


def _line(workspace: Workspace, status: Status, dimension: str, value: str) -> Line:
    budget, mark, spent = status.budget, words.mark(status), status.spent
    if budget.per == dimension:
        known = next((standing for standing in status.values if standing.value == value), None)
        standing = known or _standing(workspace, status, value)
        mark, spent = words.of_value(standing, budget), standing.spent
    return Line(
        budget.name, reverse("budget", args=[budget.pk]), words.limit(budget), words.used(spent / status.limit),
        words.amount(spent, budget.in_tokens), mark,
    )  # fmt: skip


def _standing(workspace: Workspace, status: Status, value: str) -> Standing:
    """How a value stands that is not among the dearest of its template."""
    part = Part(scope(status.budget), status.period, status.budget.per, (value,))
    sums = read(workspace, [part])[0].get(value, NOTHING)
    spent = counted(sums, status.budget.in_tokens)
    return Standing(value, spent, status.limit, State.OVER if spent >= status.limit else State.OK, sums)
