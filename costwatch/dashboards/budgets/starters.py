"""Three budgets to begin with, their amounts taken from the workspace's own spend."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from costwatch.accounts.models import Workspace
from costwatch.dashboards import display
from costwatch.lib import periods
from costwatch.lib.periods import DAY
from costwatch.spend.filters import SpendFilter
from costwatch.spend.queries import query

LATELY = 14 * DAY
LEAST = Decimal("0.05")  # dollars: less is not worth a budget


@dataclass(frozen=True)
class Starter:
    """A budget that could be made: its name, the spend it is derived from, and the form filled in."""

    name: str
    why: str
    url: str


def starters(workspace: Workspace, now: datetime) -> list[Starter]:
    """Those that the spend of the last weeks gives reason for."""
    since = SpendFilter(now - LATELY, now)
    found = [_month(workspace, now), _users(workspace, since), _agent(workspace, since)]
    return [one for one in found if one is not None]


def rounded_up(amount: Decimal) -> Decimal:
    """To two digits: 2,137 becomes 2,200."""
    step = Decimal(1).scaleb(amount.adjusted() - 1)
    return (amount / step).to_integral_value(ROUND_CEILING) * step


def _month(workspace: Workspace, now: datetime) -> Starter | None:
    tz = periods.zone(workspace.time_zone)
    this = periods.period("month", now, tz)
    last = periods.previous(this, "month", tz)
    spent = _spent(workspace, SpendFilter(last.start, last.end))
    said = f"{last.start.astimezone(tz):%B} came to {display.money(spent)}."
    if spent < LEAST:
        spent = _spent(workspace, SpendFilter(now - 30 * DAY, now))
        said = f"The last 30 days came to {display.money(spent)}."
    return _starter("All agents, each month", said, spent, period="monthly", forecast_thresholds="100")


def _users(workspace: Workspace, since: SpendFilter) -> Starter | None:
    user, spent = _dearest_day(workspace, since, "user")
    said = f"The dearest day of a user in two weeks was {display.money(spent)}."
    return _starter("Each user, each day", said, spent, period="daily", per="user") if user else None


def _agent(workspace: Workspace, since: SpendFilter) -> Starter | None:
    agents = query(workspace, since, ["agent"], limit=2).groups
    agent = next((name for group in agents if (name := group.values["agent"])), None)
    if agent is None:
        return None
    of_it = SpendFilter(since.start, since.end, {"agent": (agent,)})
    _, spent = _dearest_day(workspace, of_it, "agent")
    said = f"Your dearest agent; its dearest day in two weeks was {display.money(spent)}."
    return _starter(f"{agent}, each day"[:200], said, spent, period="daily", agent=agent)


def _dearest_day(workspace: Workspace, since: SpendFilter, dimension: str) -> tuple[str, Decimal]:
    """Who had the dearest day, and what it came to."""
    dearest = [
        name for group in query(workspace, since, [dimension], limit=20).groups if (name := group.values[dimension])
    ]
    if not dearest:
        return "", Decimal(0)
    of_them = SpendFilter(since.start, since.end, {**since.include, dimension: tuple(dearest)})
    days = query(workspace, of_them, [dimension], "day").groups
    top = max(days, key=lambda group: group.sums.cost)
    return top.values[dimension] or "", top.sums.cost


def _spent(workspace: Workspace, filter: SpendFilter) -> Decimal:
    return query(workspace, filter).total.cost


def _starter(name: str, said: str, spent: Decimal, **fields: Any) -> Starter | None:
    if spent < LEAST:
        return None
    amount = rounded_up(spent)
    text = f"{amount.quantize(Decimal('0.01')) if amount < 10 else amount:f}"
    asked: Sequence[tuple[str, Any]] = [("name", name), ("amount", text), *fields.items()]
    return Starter(name, f"{said} The budget: ${Decimal(text):,}.", f"{reverse('budget-new')}?{urlencode(asked)}")
