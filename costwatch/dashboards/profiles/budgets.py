"""The budgets that limit one value of a dimension."""

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from costwatch.accounts.models import Workspace
from costwatch.budgets.models import Budget
from costwatch.budgets.status import Standing, Status, standing, statuses
from costwatch.budgets.terms import NOT
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
    shown = about[:SHOWN]
    whole = {status.budget.pk: status for status in statuses(workspace, now, [b for b in shown if b.per != dimension])}
    return [_of_value(b, value, now) if b.per == dimension else _of_budget(whole[b.pk]) for b in shown]


def _is_template_of(budget: Budget, dimension: str, value: str) -> bool:
    """Whether it limits every value of the dimension, this one among them."""
    narrowed = budget.scope.get(dimension) or value in budget.scope.get(f"{dimension}{NOT}", ())
    return budget.per == dimension and not narrowed


def _of_budget(status: Status) -> Line:
    return _line(status.budget, status, words.mark(status))


def _of_value(budget: Budget, value: str, now: datetime) -> Line:
    one = standing(budget, value, now)
    return _line(budget, one, words.of_value(one, budget))


def _line(budget: Budget, one: Standing, mark: Mark) -> Line:
    return Line(
        budget.name, reverse("budget", args=[budget.pk]), words.limit(budget), words.used(one.share),
        words.amount(one.spent, budget.in_tokens), mark,
    )  # fmt: skip
