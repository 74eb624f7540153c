"""The values of a template in its running period, the dearest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.core.cache import cache
from django.db.models import Q
from django.urls import reverse

from costwatch.budgets import evaluate
from costwatch.budgets.evaluate import ROLLING, Rule
from costwatch.budgets.models import Budget, BudgetPeriod
from costwatch.budgets.spent import NOTHING, Part, read, unattributed
from costwatch.budgets.status import Standing, State, status
from costwatch.budgets.terms import counted, rule, scope
from costwatch.dashboards.addresses import profile_url
from costwatch.dashboards.budgets import words
from costwatch.dashboards.budgets.kept import Kept, knows_all
from costwatch.dashboards.budgets.words import Mark
from costwatch.lib.periods import Period
from costwatch.spend.queries import MOST_GROUPS, query
from costwatch.spend.sums import Sums

SHOWN = 25
COUNTED_FOR = 60  # seconds


@dataclass(frozen=True)
class Value:
    """A row: one value against its own limit."""

    standing: Standing
    mark: Mark
    url: str
    profile: str

    @property
    def bar(self) -> Decimal:
        return min(Decimal(1), self.standing.share)

    @property
    def colour(self) -> str:
        return self.mark.css.split()[0]


@dataclass(frozen=True)
class Values:
    """A page of them, and how many there are in all (None: not counted); `unattributed` is held against no limit."""

    rows: list[Value]
    count: int | None
    unattributed: Sums
    more: bool


def values(budget: Budget, kept: Kept, now: datetime, page: int) -> Values:
    """The `page`th page of a template's values."""
    own = rule(budget, budget.workspace)
    period = evaluate.bounds(own, now)
    first = SHOWN * (page - 1)
    known = knows_all(budget, period)
    names = _kept(budget, now, first) if known else _read(budget, period, first)
    shown = names[:SHOWN]
    sums = read(budget.workspace, [Part(scope(budget), period, budget.per, tuple(shown))])[0] if shown else {}
    before = _before(budget, own, period, shown)
    rows = [_value(budget, own, period, name, sums.get(name, NOTHING), before.get(name)) for name in shown]
    rows.sort(key=lambda row: (-row.standing.share, row.standing.value))
    nobody = unattributed(budget.workspace, Part(scope(budget), period, budget.per))
    count = kept.count if known else _counted(budget, period)
    return Values(rows, count, nobody, len(names) > SHOWN)


def value_url(budget: Budget, value: str) -> str:
    """The page of one value of a template."""
    return f"{reverse('budget', args=[budget.pk])}?{urlencode({'value': value})}"


def csv_rows(budget: Budget, now: datetime) -> list[list[Any]]:
    """The dearest 10,000 with every digit, a heading first."""
    unit = "tokens" if budget.in_tokens else "usd"
    heading = [budget.per, f"spent_{unit}", f"limit_{unit}", f"remaining_{unit}", "used", "state", "calls",
               "unpriced_calls", "usage_unknown_calls"]  # fmt: skip
    every = status(budget, now, MOST_GROUPS).values
    return [heading, *([one.value, one.spent, one.limit, one.remaining, round(one.share, 6), one.state.value,
                        one.sums.calls, one.sums.unpriced_calls, one.sums.unknown_calls] for one in every)]  # fmt: skip


def _kept(budget: Budget, now: datetime, first: int) -> list[str]:
    """The names of the dearest by what is kept of them."""
    running = BudgetPeriod.objects.filter(budget=budget.pk).filter(
        Q(period_start__lte=now, period_end__gt=now) | Q(period_start=ROLLING)
    )
    ordered = running.order_by("-at_most", "value").values_list("value", flat=True)
    return list(ordered[first : first + SHOWN + 1])


def _read(budget: Budget, period: Period, first: int) -> list[str]:
    """The same, read from the books."""
    most = MOST_GROUPS if budget.in_tokens else first + SHOWN + 2  # ranked by dollars
    answer = query(budget.workspace, scope(budget).within(period), [budget.per], limit=most)
    named = [group for group in answer.groups if not group.other and group.values[budget.per]]
    named.sort(key=lambda group: (-counted(group.sums, budget.in_tokens), group.values[budget.per] or ""))
    return [group.values[budget.per] or "" for group in named[first : first + SHOWN + 1]]


def _counted(budget: Budget, period: Period) -> int:
    """How many values spent something: for a large workspace a second of work, so it is remembered for a minute."""
    minute = period.start.timestamp() // COUNTED_FOR  # of a rolling window the beginning moves
    key = f"budget-values:{budget.pk}:{budget.changed_at.timestamp()}:{minute}"
    count: int | None = cache.get(key)
    if count is None:
        answer = query(
            budget.workspace, scope(budget).within(period), [budget.per], limit=MOST_GROUPS, measures=("events",)
        )
        count = sum(not group.other and bool(group.values[budget.per]) for group in answer.groups)
        cache.set(key, count, COUNTED_FOR)
    return count


def _before(budget: Budget, own: Rule, period: Period, shown: Sequence[str]) -> dict[str, Sums]:
    if not own.carry_over or not shown:
        return {}
    return read(budget.workspace, [Part(scope(budget), evaluate.before(own, period), budget.per, tuple(shown))])[0]


def _value(budget: Budget, own: Rule, period: Period, name: str, sums: Sums, before: Sums | None) -> Value:
    limit = evaluate.limit(own, period, counted(before or NOTHING, budget.in_tokens))
    spent = counted(sums, budget.in_tokens)
    reached = evaluate.reached(spent, limit, own.thresholds)
    over = evaluate.is_over(spent, limit, own.thresholds)
    standing = Standing(name, spent, limit, State.OVER if over else State.WARNING if reached else State.OK, sums)
    return Value(standing, words.of_value(standing, budget), value_url(budget, name), profile_url(budget.per, name))
