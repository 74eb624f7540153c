"""What a budget's whole period will cost, and on which day the amount will be used up."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from costwatch.budgets.models import Budget
from costwatch.budgets.terms import Scope, counted, rule, scope
from costwatch.lib import periods
from costwatch.lib.periods import Period
from costwatch.spend import queries
from costwatch.spend.forecast import Forecast, forecast
from costwatch.spend.forecast import outlook as whole_period

HISTORY = 140  # days: 56 say how high spend is, the others how far past forecasts were off
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Outlook:
    """Four times of five the period will end from `low` to `high`. `daily`: what each coming day adds, today first.

    `exhausted_on`: the local day on which `mid` reaches the limit; None if it does not in this period, or has already.
    """

    low: Decimal
    mid: Decimal
    high: Decimal
    exhausted_on: date | None
    at: datetime
    daily: list[tuple[date, Decimal]]

    def at_least(self, spent: Decimal) -> "Outlook":
        """The same where more was spent since it was made: no period ends below what it has cost already."""
        low, mid, high = (max(amount, spent) for amount in (self.low, self.mid, self.high))
        return replace(self, low=low, mid=mid, high=high)


def make(budget: Budget, period: Period, limit: Decimal, now: datetime, value: str | None = None) -> Outlook | None:
    """The outlook of a calendar period that holds `now` (of one value of a template); None: not enough data."""
    own = rule(budget, budget.workspace)
    part = scope(budget) if value is None else scope(budget).with_values(budget.per, (value,))
    today = periods.local_day(now, own.zone)
    days = daily(budget, part, periods.midnight(min(today - DAY * HISTORY, periods.local_day(period.start, own.zone)),
                                                own.zone), now)  # fmt: skip
    until = periods.local_day(period.end - timedelta(microseconds=1), own.zone)
    coming = forecast([(day, amount) for day, amount in days if day < today], until)
    if coming is None:
        return None
    began = periods.local_day(period.start, own.zone)
    past = sum((amount for day, amount in days if began <= day < today), Decimal(0))
    spent_today = sum((amount for day, amount in days if day == today), Decimal(0))
    whole = whole_period(past, spent_today, coming)
    exhausted = _exhausted(past, spent_today, coming, limit)
    return Outlook(whole.low, whole.mid, whole.high, exhausted, now, coming.daily)


def daily(budget: Budget, part: Scope, start: datetime, end: datetime) -> list[tuple[date, Decimal]]:
    """What was spent on each local day of [start, end), without the days on which nothing was."""
    own = rule(budget, budget.workspace)
    answer = queries.query(budget.workspace, part.within(Period(start, end)), bucket="day", time_zone=own.zone.key)
    return [
        (periods.local_day(group.bucket, own.zone), counted(group.sums, budget.in_tokens))
        for group in answer.groups
        if group.bucket is not None
    ]


def stored(budget: Budget, period: Period) -> Outlook | None:
    """The outlook that was kept for this period."""
    kept = budget.forecast
    if not kept or kept["period_start"] != period.start.isoformat():
        return None
    exhausted = date.fromisoformat(kept["exhausted_on"]) if kept["exhausted_on"] else None
    low, mid, high = (Decimal(kept[name]) for name in ("low", "mid", "high"))
    return Outlook(low, mid, high, exhausted, datetime.fromisoformat(kept["at"]), [])


def to_store(made: Outlook, period: Period) -> dict[str, Any]:
    """What is kept of an outlook."""
    return {
        "at": made.at.isoformat(),
        "period_start": period.start.isoformat(),
        "low": str(made.low),
        "mid": str(made.mid),
        "high": str(made.high),
        "exhausted_on": made.exhausted_on.isoformat() if made.exhausted_on else None,
    }


def _exhausted(past: Decimal, today: Decimal, coming: Forecast, limit: Decimal) -> date | None:
    if past + today >= limit:
        return None
    running = past
    for number, (day, amount) in enumerate(coming.daily):
        running += max(amount, today) if number == 0 else amount
        if running >= limit:
            return day
    return None
