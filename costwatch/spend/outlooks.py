"""What a month will cost: what it has cost, and the forecast of the rest of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from costwatch.lib import periods
from costwatch.spend.filters import SpendFilter
from costwatch.spend.forecast import Forecast, Outlook, forecast, outlook, run_rate
from costwatch.spend.queries import Workspace, query

DAY = timedelta(days=1)
HISTORY = 91  # days: eight weeks for the forecast, as many more as make its band narrower

Values = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class MonthOutlook:
    """A month at a moment within it. `total` and `coming` are None where there is not enough data.

    `today` is the day of the moment; `rate` what the month would cost if all its days were like the whole ones so far,
    None on its first day.
    """

    first: date
    last: date
    today: date
    before_today: Decimal
    spent_today: Decimal
    coming: Forecast | None
    total: Outlook | None
    rate: Decimal | None

    @property
    def spent(self) -> Decimal:
        return self.before_today + self.spent_today

    @property
    def running(self) -> list[tuple[date, Decimal]]:
        """What the month is forecast to have cost by the end of today and of each day after it; empty without one."""
        if self.coming is None or self.total is None:
            return []
        (today, first), *rest = self.coming.daily
        sums = [(today, self.before_today + max(first, self.spent_today))]
        for day, amount in rest:
            sums.append((day, sums[-1][1] + amount))
        return sums

    def reached_on(self, amount: Decimal) -> date | None:
        """The day on which the month is forecast to have cost this much; None: it has already, or not this month."""
        if self.spent >= amount:
            return None
        return next((day for day, running in self.running if running >= amount), None)


def daily(workspace: Workspace, filter: SpendFilter) -> list[tuple[date, Decimal]]:
    """The spend of every local day that a filter touches, days without any among them."""
    tz = periods.zone(workspace.time_zone)
    amounts = {
        group.bucket: group.sums.cost for group in query(workspace, filter, (), "day", measures=("cost",)).groups
    }
    days = periods.buckets(filter.start, filter.end, "day", tz)
    return [(periods.local_day(day.start, tz), amounts.get(day.start, Decimal(0))) for day in days]


def history(
    workspace: Workspace, today: date, include: Values | None = None, exclude: Values | None = None
) -> list[tuple[date, Decimal]]:
    """The whole days before a day: what a forecast is made of."""
    tz = periods.zone(workspace.time_zone)
    start, end = periods.midnight(today - HISTORY * DAY, tz), periods.midnight(today, tz)
    return daily(workspace, SpendFilter(start, end, include or {}, exclude or {}))


def month_outlook(past: list[tuple[date, Decimal]], spent_today: Decimal, today: date) -> MonthOutlook:
    """The month of `today`, from `past` (whole days up to yesterday, at least this month's) and today so far."""
    first, last = today.replace(day=1), (today.replace(day=1) + 31 * DAY).replace(day=1) - DAY
    before_today = sum((amount for day, amount in past if first <= day < today), Decimal(0))
    coming = forecast(past, last)
    return MonthOutlook(
        first,
        last,
        today,
        before_today,
        spent_today,
        coming,
        outlook(before_today, spent_today, coming) if coming else None,
        run_rate(before_today, Decimal(today.day - 1), last.day) if today > first else None,
    )


def workspace_outlook(workspace: Workspace, now: datetime) -> MonthOutlook:
    """The month of the whole workspace at `now`."""
    tz = periods.zone(workspace.time_zone)
    today = periods.local_day(now, tz)
    so_far = SpendFilter(periods.midnight(today, tz), periods.midnight(today + DAY, tz))
    return month_outlook(history(workspace, today), query(workspace, so_far, measures=("cost",)).total.cost, today)
