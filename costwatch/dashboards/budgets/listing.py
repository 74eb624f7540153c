"""The list of budgets: the most urgent first, one page of them read from the books."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from costwatch.accounts.models import Workspace
from costwatch.budgets.models import Action, Budget
from costwatch.budgets.status import Status, statuses
from costwatch.dashboards.budgets import words
from costwatch.dashboards.budgets.kept import Group, Kept, Ranked, dearest, ranked
from costwatch.dashboards.budgets.words import Mark, Resets
from costwatch.lib.periods import zone
from costwatch.lib.tables import MONEY_PLACES
from costwatch.spend.snapshot import snapshot

SHOWN = 20
TABS = {"": "All", Group.OVER: "Over", Group.CLOSE: "Close", Group.WITHIN: "Within", Group.PAUSED: "Paused"}


@dataclass(frozen=True)
class Tab:
    """A state the list can be narrowed to."""

    label: str
    count: int
    url: str
    current: bool


@dataclass(frozen=True)
class Row:
    """A budget as the list shows it. `status` of a template is of all its values together, `dearest` the one that used
    most of its own limit."""

    budget: Budget
    url: str
    mark: Mark
    status: Status
    kept: Kept
    dearest: str
    count: int | None
    limit: str
    scope: str
    spent: str
    remaining: str
    forecast: str
    forecast_note: str
    resets: Resets

    @property
    def bar(self) -> Decimal:
        """The share of the limit that is used; of a template, by the value that used most."""
        return self.kept.most / self.status.limit if self.budget.per else self.status.share

    @property
    def pace(self) -> Decimal | None:
        """Where an even pace would stand now."""
        pace = None if self.budget.per else self.status.even_pace
        return None if pace is None else pace / self.status.limit

    @property
    def used(self) -> str:
        return words.used(self.bar)

    @property
    def colour(self) -> str:
        """Of the bar: that of its state."""
        return self.mark.css.split()[0]

    @property
    def blocks(self) -> bool:
        return self.budget.action == Action.BLOCK


@dataclass(frozen=True)
class Page:
    """A page of the list, its tabs, and the addresses of its neighbours."""

    rows: list[Row]
    tabs: list[Tab]
    count: int
    newer: str
    older: str


def page(workspace: Workspace, now: datetime, group: str, number: int) -> Page:
    """The `number`th page of the budgets of a group ("" = all)."""
    every = ranked(workspace, now)
    chosen = [one for one in every if group in ("", one.group)]
    first = SHOWN * (number - 1)
    return Page(
        rows(workspace, chosen[first : first + SHOWN], now),
        [Tab(label, _count(every, name), list_url(name), name == group) for name, label in TABS.items()],
        len(every),
        list_url(group, number - 1) if number > 1 else "",
        list_url(group, number + 1) if len(chosen) > first + SHOWN else "",
    )


def list_url(group: str, number: int = 1) -> str:
    """The list of one state."""
    query = {name: value for name, value in (("state", str(group)), ("page", number if number > 1 else "")) if value}
    return reverse("budgets") + (f"?{urlencode(query)}" if query else "")


def rows(workspace: Workspace, chosen: Sequence[Ranked], now: datetime) -> list[Row]:
    """These budgets as they stand now, in this order."""
    with snapshot(workspace.lane):
        found = statuses(workspace, now, [_whole(one.budget) for one in chosen])
    named = dearest((one.budget for one in chosen), now)
    return [_row(one, status, named.get(one.budget.pk, ""), now) for one, status in zip(chosen, found, strict=True)]


def csv_rows(workspace: Workspace, now: datetime, group: str) -> list[list[Any]]:
    """All of them with every digit, a heading first."""
    heading = ["budget", "state", "period", "per", "scope", "unit", "limit", "spent", "remaining", "even_pace",
               "forecast", "forecast_low", "forecast_high", "exhausted_on", "values", "values_over", "resets_at",
               "time_zone", "unpriced_calls", "usage_unknown_calls", "owner", "action"]  # fmt: skip
    chosen = [one for one in ranked(workspace, now) if group in ("", one.group)]
    return [heading, *(_csv(row) for row in rows(workspace, chosen, now))]


def _whole(budget: Budget) -> Budget:
    """A template as one budget over all its values: how many of them are over is known without reading them."""
    whole = copy(budget)
    if budget.per:
        whole.per, whole.carry_over = "", Decimal(0)
    return whole


def _row(one: Ranked, status: Status, dearest: str, now: datetime) -> Row:
    budget, unit = one.budget, one.budget.in_tokens
    ahead = status.forecast
    return Row(
        budget,
        reverse("budget", args=[budget.pk]),
        words.template(budget, one.kept, one.count) if budget.per else words.mark(status),
        status,
        one.kept,
        dearest,
        one.count,
        words.limit(budget) if not budget.planned and not status.carried else _limit_now(status, budget),
        words.scope(budget.scope),
        words.amount(status.spent, unit),
        words.amount(abs(status.remaining), unit),
        words.about(ahead.mid, unit) if ahead else "",
        words.band(ahead.low, ahead.high, unit) if ahead else "",
        words.resets(status, zone(budget.time_zone or budget.workspace.time_zone), now),
    )


def _limit_now(status: Status, budget: Budget) -> str:
    return f"{words.amount(status.limit, budget.in_tokens)} this {words.name(budget.period)}{words.per(budget)}"


def _count(every: Sequence[Ranked], group: str) -> int:
    return sum(group in ("", one.group) for one in every)


def _csv(row: Row) -> list[Any]:
    budget, status, kept = row.budget, row.status, row.kept
    ahead, pace = status.forecast, status.even_pace
    if pace is not None:  # a share of time has no end of digits
        pace = round(pace, 0 if budget.in_tokens else MONEY_PLACES)
    return [
        budget.name, row.mark.words, budget.period, budget.per, row.scope, "tokens" if budget.in_tokens else "USD",
        status.limit, status.spent, None if budget.per else status.remaining, pace,
        ahead and ahead.mid, ahead and ahead.low, ahead and ahead.high, status.exhausted_on if not budget.per else None,
        row.count, kept.over if budget.per else None, status.resets_at,
        budget.time_zone or budget.workspace.time_zone, status.sums.unpriced_calls, status.sums.unknown_calls,
        budget.owner.email if budget.owner else "", budget.action,
    ]  # fmt: skip
