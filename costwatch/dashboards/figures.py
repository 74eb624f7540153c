"""The headline figures: today, the month, now. They follow the conditions of the page, not its span of days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256

from django.core.cache import cache

from costwatch.accounts.models import Workspace
from costwatch.dashboards.ranges import DAY, Range, at_same_time, month_end, of_kind
from costwatch.dashboards.state import State
from costwatch.ledger.models import Cut, SpendDay
from costwatch.lib import periods
from costwatch.spend.queries import query
from costwatch.spend.sums import Sums

WEEKS = 4
HISTORY_FOR = 60  # seconds: what is past hardly changes, and every open page asks for it
QUARTERS = 12
PER_HOUR = 4


@dataclass(frozen=True)
class Usual:
    """Means of the same weekday over up to four weeks; None where the books do not reach back that far."""

    so_far: Decimal | None
    whole_day: Decimal | None
    per_hour: Decimal | None


@dataclass(frozen=True)
class Month:
    """A month to date beside the one before: amounts per day for the curve, and the sum up to the same point."""

    name: str
    spent: Decimal
    before: Decimal | None
    before_name: str
    curve: str
    curve_before: str
    first: date
    last: date


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
    recent = query(workspace, state.filter(since, day.end), (), "15m").groups
    quarters = _by_quarter(since, {g.bucket: g.sums.cost for g in recent})
    last = query(workspace, state.filter(now - periods.QUARTER_HOUR, day.end)).total.cost
    usual_quarter = history.per_hour / PER_HOUR if history.per_hour else None
    scale = max([*quarters, usual_quarter or Decimal(0)])
    return Figures(
        today=query(workspace, state.filter(day.start, day.end)).total,
        usual=history,
        month=_month(workspace, state, now),
        rate=last * PER_HOUR,
        bars=_bars(quarters, scale),
        usual_line=f"{100 - 92 * _part(usual_quarter, scale):.1f}%" if usual_quarter else None,
        bars_from=since,
        now=now,
    )


def _history(workspace: Workspace, state: State, now: datetime) -> Usual:
    conditions = repr((workspace.pk, workspace.time_zone, sorted(state.include.items()), sorted(state.exclude.items())))
    key = f"usual:{sha256(conditions.encode()).hexdigest()}:{int(now.timestamp()) // HISTORY_FOR}"
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


def first_day(lane: int) -> date | None:
    """The first local day of the books."""
    return SpendDay.objects.filter(lane=lane, cut=Cut.TOTAL).order_by("day").values_list("day", flat=True).first()


def _month(workspace: Workspace, state: State, now: datetime) -> Month:
    zone = periods.zone(workspace.time_zone)
    this = of_kind("month", periods.local_day(now, zone), now, zone)
    before = of_kind("month", this.first - DAY, now, zone)
    length = max(month_end(this.first).day, before.last.day)
    spent, by_day = _per_day(workspace, state, this)
    earlier, by_day_before = _per_day(workspace, state, before)
    known = first_day(workspace.lane)
    # the same point of a shorter month is its end
    same_point = min(at_same_time(now, timedelta(days=before.last.day), zone), before.end)
    upto = _spent(workspace, state, before.start, same_point) if known and known <= before.first else None
    top = max(spent, earlier)
    return Month(
        f"{this.first:%B}", spent, upto, f"{before.first:%B}",
        _curve(by_day, length, top), _curve(by_day_before, length, top) if earlier else "",
        this.first, month_end(this.first),
    )  # fmt: skip


def _per_day(workspace: Workspace, state: State, span: Range) -> tuple[Decimal, list[Decimal]]:
    """The sum of a span, and the amount of each of its days."""
    answer = query(workspace, state.filter(span.start, span.end), (), "day")
    amounts = {group.bucket: group.sums.cost for group in answer.groups}
    starts = [periods.midnight(span.first + n * DAY, span.zone) for n in range(span.length)]
    return answer.total.cost, [amounts.get(start, Decimal(0)) for start in starts]


def _curve(amounts: Sequence[Decimal], length: int, top: Decimal) -> str:
    """The points of the running sum in a picture of 300 by 60."""
    points, total = ["0,58"], Decimal(0)
    for number, amount in enumerate(amounts, 1):
        total += amount
        points.append(f"{300 * number / length:.1f},{58 - 55 * _part(total, top):.1f}")
    return " ".join(points)


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
    return query(workspace, state.filter(start, end)).total.cost if start < end else Decimal(0)


def _mean(amounts: Sequence[Decimal]) -> Decimal | None:
    return sum(amounts, Decimal(0)) / len(amounts) if amounts else None


def _part(amount: Decimal, whole: Decimal) -> float:
    return max(0.0, min(1.0, float(amount / whole))) if whole > 0 else 0.0
