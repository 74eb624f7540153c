"""A stored budget in the terms of evaluation and of queries."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Protocol

from costwatch.budgets.evaluate import HUNDRED, Rule
from costwatch.budgets.models import Action, Budget
from costwatch.lib.periods import Period, zone
from costwatch.spend.filters import SpendFilter, Values
from costwatch.spend.sums import Sums

NOT = "!"
"""Stands behind the name of a dimension whose values are excluded."""


class Zoned(Protocol):
    """What is needed of a workspace here."""

    time_zone: str
    week_start: int


@dataclass(frozen=True)
class Scope:
    """Which part of the usage: dimension → values, as in a SpendFilter."""

    include: Values
    exclude: Values

    def within(self, period: Period) -> SpendFilter:
        """The events of this part in a period."""
        return SpendFilter(period.start, period.end, self.include, self.exclude)

    def with_values(self, dimension: str, values: tuple[str, ...]) -> "Scope":
        """Narrowed to some values of a dimension."""
        return replace(self, include={**self.include, dimension: values})

    def without(self, dimension: str, value: str) -> "Scope":
        """Without one value of a dimension."""
        return replace(self, exclude={**self.exclude, dimension: (*self.exclude.get(dimension, ()), value)})


def rule(budget: Budget, workspace: Zoned) -> Rule:
    """What of a budget decides. One that blocks has a threshold of 100 % where it has none."""
    return Rule(
        budget.period,
        zone(budget.time_zone or workspace.time_zone),
        budget.week_start or workspace.week_start,
        budget.amount,
        percentages(budget.thresholds) or ((HUNDRED,) if budget.action == Action.BLOCK else ()),
        {month: Decimal(amount) for month, amount in budget.planned.items()},
        budget.carry_over,
    )


def scope(budget: Budget) -> Scope:
    """Which part of the usage counts."""
    include = {name: tuple(values) for name, values in budget.scope.items() if not name.endswith(NOT)}
    exclude = {name[:-1]: tuple(values) for name, values in budget.scope.items() if name.endswith(NOT)}
    return Scope(include, exclude)


def percentages(stored: list[float]) -> tuple[Decimal, ...]:
    """Thresholds as they are stored (50, 99.5) in exact numbers, ascending."""
    return tuple(sorted(Decimal(str(threshold)) for threshold in stored))


def counted(sums: Sums, in_tokens: bool) -> Decimal:
    """What of some sums a budget counts: dollars, or all tokens."""
    return Decimal(sums.input_tokens + sums.output_tokens) if in_tokens else sums.cost
