"""The headline figures: today, the month, now. They follow the conditions of the page, not its span of days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.core.cache import cache

from costwatch.accounts.models import Workspace
from costwatch.dashboards.month_figure import HISTORY_FOR, Month, conditions_key, month
from costwatch.dashboards.ranges import DAY, at_same_time, of_kind
from costwatch.dashboards.state import State
from costwatch.lib import periods
from costwatch.spend.beginning import first_day
from costwatch.spend.queries import query
from costwatch.spend.sums import Sums

COST = ("cost",)
WEEKS = 4
QUARTERS = 12
PER_HOUR = 4


@dataclass(frozen=True)
class Usual:
    """Means of the same weekday over up to four weeks; None where the books do not reach back that far."""

    so_far: Decimal | None
    whole_day: Decimal | None
    per_hour: Decimal | None


@dataclass(frozen=True)
class Bar:
    """A quarter of an hour in the picture of now: where it stands and how high, in per cent of the picture."""

    left: str
    top: str
    height: str
    unfinished: bool


@dataclass(frozen=True)
class Figures:
    """All that stands above the fold."""

    today: Sums
    usual: Usual
    month: Month
    rate: Decimal
    bars: list[Bar]
    usual_line: str | None
    bars_from: datetime
    now: datetime

    @property
    def today_share(self) -> float:
        return _part(self.today.cost, self._day_scale)

    @property
    def usual_mark(self) -> str:
        return f"{100 * _part(self.usual.so_far or Decimal(0), self._day_scale):.1f}%"

    @property
    def today_width(self) -> str:
        return f"{100 * self.today_share:.1f}%"

    @property
    def _day_scale(self) -> Decimal:
        return max(self.today.cost, self.usual.whole_day or Decimal(0))


def figures(workspace: Workspace, state: State, now: datetime) -> Figures:
    """The figures at `now`."""
    zone = periods.zone(workspace.time_zone)
    day = of_kind("today", periods.local_day(now, zone), now, zone)
    since = periods.floor(now) - (QUARTERS - 1) * periods.QUARTER_HOUR
    history = _history(workspace, state, now)
    recent = query(workspace, state.filter(since, day.end), (), "15m", measures=COST).groups
    quarters = _by_quarter(since, {g.bucket: g.sums.cost for g in recent})
    last = _spent(workspace, state, now - periods.QUARTER_HOUR, day.end)
    usual_quarter = history.per_hour / PER_HOUR if history.per_hour else None
    scale = max([*quarters, usual_quarter or Decimal(0)])
    return Figures(
        today=query(workspace, state.filter(day.start, day.end)).total,
        usual=history,
        month=month(workspace, state, now, first_day(workspace.lane)),
        rate=last * PER_HOUR,
        bars=_bars(quarters, scale),
        usual_line=f"{100 - 92 * _part(usual_quarter, scale):.1f}%" if usual_quarter else None,
        bars_from=since,
        now=now,
    )


def _history(workspace: Workspace, state: State, now: datetime) -> Usual:
    key = f"usual:{conditions_key(workspace, state)}:{int(now.timestamp()) // HISTORY_FOR}"
    known: Usual | None = cache.get_or_set(key, lambda: _usual(workspace, state, now), HISTORY_FOR)
    return known or _usual(workspace, state, now)


def _usual(workspace: Workspace, state: State, now: datetime) -> Usual:
    zone = periods.zone(workspace.time_zone)
    today = periods.local_day(now, zone)
    weeks = [timedelta(days=7 * week) for week in range(1, WEEKS + 1)]
    known = first_day(workspace.lane)
    so_far, whole, hour = [], [], []
    for back in weeks:
        if known is None or today - back < known:
            continue
        start, then = periods.midnight(today - back, zone), at_same_time(now, back, zone)
        whole.append(_spent(workspace, state, start, periods.midnight(today - back + DAY, zone)))
        so_far.append(_spent(workspace, state, start, then))
        hour.append(_spent(workspace, state, then - periods.HOUR, then))
    return Usual(_mean(so_far), _mean(whole), _mean(hour))


def _by_quarter(since: datetime, amounts: dict[datetime | None, Decimal]) -> list[Decimal]:
    return [amounts.get(since + n * periods.QUARTER_HOUR, Decimal(0)) for n in range(QUARTERS)]


def _bars(amounts: Sequence[Decimal], scale: Decimal) -> list[Bar]:
    step = 100 / QUARTERS
    return [
        Bar(
            f"{number * step + 0.5:.2f}%",
            f"{100 - 92 * _part(amount, scale):.1f}%",
            f"{92 * _part(amount, scale):.1f}%",
            number == QUARTERS - 1,
        )
        for number, amount in enumerate(amounts)
    ]


def _spent(workspace: Workspace, state: State, start: datetime, end: datetime) -> Decimal:
    return query(workspace, state.filter(start, end), measures=COST).total.cost if start < end else Decimal(0)


def _mean(amounts: Sequence[Decimal]) -> Decimal | None:
    return sum(amounts, Decimal(0)) / len(amounts) if amounts else None


def _part(amount: Decimal, whole: Decimal) -> float:
    return max(0.0, min(1.0, float(amount / whole))) if whole > 0 else 0.0
