"""The way of a budget through its period: what was spent, an even pace, the forecast with its band, and when each
threshold is reached. Amounts are dollars or tokens; nothing is drawn here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from costwatch.budgets.outlook import Outlook
from costwatch.lib import periods
from costwatch.lib.periods import DAY, Period

MOST_POINTS = 100
ZERO = Decimal(0)

Step = tuple[Period, Decimal]
Point = tuple[datetime, Decimal]


@dataclass(frozen=True)
class Ahead:
    """Where the running sum is expected at a moment; four times of five between low and high."""

    at: datetime
    low: Decimal
    mid: Decimal
    high: Decimal


@dataclass(frozen=True)
class Curve:
    """Running sums: `spent` up to now, `ahead` from now to the end of the period (empty without a forecast)."""

    spent: list[Point]
    ahead: list[Ahead]

    def expected(self, amount: Decimal) -> datetime | None:
        """When the forecast reaches an amount that is not reached yet."""
        return _within([(one.at, one.mid) for one in self.ahead], amount)

    def between(self, amount: Decimal) -> tuple[datetime | None, datetime | None]:
        """The same for the upper and for the lower edge of the band: the earliest and the latest of four in five."""
        high, low = ([(one.at, getattr(one, edge)) for one in self.ahead] for edge in ("high", "low"))
        return _within(high, amount), _within(low, amount)


def calendar(steps: Sequence[Step], period: Period, outlook: Outlook | None, now: datetime, zone: ZoneInfo) -> Curve:
    """The curve of a calendar period; `steps`: what was spent in each stretch of it up to now, in order."""
    running, points = ZERO, [(period.start, ZERO)]
    for step, amount in steps:
        running += amount
        points.append((min(step.end, now), running))
    ahead = _ahead(running, outlook, period, now, zone) if outlook else []
    return Curve(thinned(points), thinned(ahead))


def rolling(steps: Sequence[Step], window: timedelta, spent: Decimal, now: datetime) -> Curve:
    """What the window held at the end of each stretch, over the last two windows, and holds now (`spent`).

    `steps` reach back three windows.
    """
    points, held, oldest = [], ZERO, 0
    for step, amount in steps:
        held += amount
        # a day that the clocks change is not 24 hours long
        while steps[oldest][0].start + window <= step.start + (step.end - step.start) / 4:
            held -= steps[oldest][1]
            oldest += 1
        if now - 2 * window <= step.end < now:
            points.append((step.end, held))
    return Curve(thinned([*points, (now, spent)]), [])


def reached(points: Sequence[Point], amount: Decimal) -> datetime | None:
    """When a running sum reaches an amount, on the straight line between two points."""
    for (before, low), (after, high) in pairwise(points):
        if low < amount <= high:
            return before + (after - before) * float((amount - low) / (high - low))
    return None


def _within(points: Sequence[Point], amount: Decimal) -> datetime | None:
    """The same; what is reached at midnight is reached on the day that ends then."""
    at = reached(points, amount)
    return at - timedelta(microseconds=1) if at else None


def thinned(points: list[Any]) -> list[Any]:
    """At most so many points that a chart of them stays small; the ends stay."""
    step = -(-len(points) // MOST_POINTS)
    return points if step < 2 else [*points[:-1:step], points[-1]]


def _ahead(spent: Decimal, outlook: Outlook, period: Period, now: datetime, zone: ZoneInfo) -> list[Ahead]:
    """The middle follows the days of the forecast, the edges the same way to their own ends."""
    middle = list(_days(spent, outlook, period, now, zone))
    end = middle[-1][1] - spent
    found = []
    for at, amount in middle:
        share = (amount - spent) / end if end else ZERO
        edges = (spent + max(ZERO, edge - spent) * share for edge in (outlook.low, outlook.high))
        low, high = edges
        found.append(Ahead(at, low, amount, high))
    return found


def _days(
    spent: Decimal, outlook: Outlook, period: Period, now: datetime, zone: ZoneInfo
) -> Iterable[tuple[datetime, Decimal]]:
    """Now, then the end of today and of each coming day; the last one is the outlook's middle."""
    yield now, spent
    coming: list[tuple[date, Decimal]] = outlook.daily
    left = outlook.mid - spent
    after_today = sum((amount for _, amount in coming[1:]), ZERO)
    running = spent + max(ZERO, left - after_today)
    for number, (day, amount) in enumerate(coming):
        running += amount if number else ZERO
        at = min(periods.midnight(day + DAY, zone), period.end)
        if at > now:
            yield at, outlook.mid if number == len(coming) - 1 else min(running, outlook.mid)
