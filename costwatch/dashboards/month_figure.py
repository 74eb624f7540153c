"""The month at a glance: to date beside the month before, and where the forecast says it will end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256

from django.core.cache import cache

from costwatch.accounts.models import Workspace
from costwatch.dashboards import display
from costwatch.dashboards.month_budget import MonthBudget, month_budget
from costwatch.dashboards.ranges import DAY, at_same_time
from costwatch.dashboards.state import State
from costwatch.forecasts.accuracy import Accuracy, accuracy
from costwatch.lib import periods
from costwatch.spend.outlooks import MonthOutlook, daily, history, month_outlook
from costwatch.spend.queries import query

HISTORY_FOR = 60  # seconds: what is past hardly changes, and every open page asks for it
ACCURACY_FOR = 600  # seconds
WIDTH, HEIGHT, AIR = 300, 58, 55  # of the picture of the running sum
MARGIN = Decimal("0.12")  # of the picture of the band, on each side

Days = Sequence[tuple[date, Decimal]]


@dataclass(frozen=True)
class BandPicture:
    """Where the 80 % band, its middle and what it is compared with stand, in per cent of the picture."""

    start: str
    width: str
    middle: str
    mark: str | None


@dataclass(frozen=True)
class Month:
    """A month to date beside the one before.

    `before`: what that had cost at the same point, `before_total` in all; None where the books do not reach back.
    `before_days`: the days that `before` is of, 1–26 Oct; `before_name`: the whole month.
    `curve`, `curve_before`: the running sums; `ahead`, `band`: the forecast's, all as points of a picture.
    """

    outlook: MonthOutlook
    before: Decimal | None
    before_total: Decimal | None
    before_days: str
    before_name: str
    curve: str
    curve_before: str
    ahead: str
    band: str
    budget: MonthBudget | None

    @property
    def name(self) -> str:
        return f"{self.first:%B}"

    @property
    def first(self) -> date:
        return self.outlook.first

    @property
    def last(self) -> date:
        return self.outlook.last

    @property
    def spent(self) -> Decimal:
        return self.outlook.spent

    @property
    def picture(self) -> BandPicture | None:
        """The forecast's band, beside the budget or else the month before."""
        return band_picture(self.outlook, self.budget.limit if self.budget else self.before_total or None)

    @property
    def over_budget(self) -> Decimal | None:
        """How much more than the budget the month is forecast to cost; less: negative."""
        return self.outlook.total.mid - self.budget.limit if self.budget and self.outlook.total else None

    @property
    def gone_on(self) -> date | None:
        """The day on which the budget is forecast to be used up."""
        return self.outlook.reached_on(self.budget.limit) if self.budget else None


def month(workspace: Workspace, state: State, now: datetime, known: date | None) -> Month:
    """The month of `now`; `known`: the first day of the books."""
    zone = periods.zone(workspace.time_zone)
    today = periods.local_day(now, zone)
    first = today.replace(day=1)
    first_before = (first - DAY).replace(day=1)
    start, end = periods.midnight(first_before, zone), periods.midnight(today + DAY, zone)
    days = dict(daily(workspace, state.filter(start, end)))
    outlook = month_outlook(_past(workspace, state, today, days), days[today], today)
    earlier = [(day, amount) for day, amount in days.items() if day < first]
    reaches_back = known is not None and known <= first_before
    total_before = sum((amount for _, amount in earlier), Decimal(0))
    this = [(day, amount) for day, amount in days.items() if day >= first]
    length = max(outlook.last.day, (first - DAY).day)
    top = max(outlook.spent, total_before, outlook.total.high if outlook.total else Decimal(0))
    ahead, band = _ahead(outlook, length, top)
    return Month(
        outlook,
        _same_point(workspace, state, now, earlier) if reaches_back else None,
        total_before if reaches_back else None,
        up_to_same_day(first_before, today),
        f"{first_before:%B}",
        _points(_running(this), length, top),
        _points(_running(earlier), length, top) if total_before else "",
        ahead,
        band,
        None if state.include or state.exclude else month_budget(workspace, now, total_before),
    )


def band_picture(outlook: MonthOutlook, mark: Decimal | None) -> BandPicture | None:
    """The picture of a forecast, with a `mark` (a budget, the month before); None without a forecast."""
    total = outlook.total
    if total is None:
        return None
    edges = [total.low, total.high, *([mark] if mark is not None else [])]
    air = (max(edges) - min(edges)) * MARGIN or Decimal(1)
    start, end = min(edges) - air, max(edges) + air

    def place(amount: Decimal) -> float:
        return float(100 * (amount - start) / (end - start))

    width = max(place(total.high) - place(total.low), 0.8)
    return BandPicture(
        f"{place(total.low):.1f}%",
        f"{width:.1f}%",
        f"{place(total.mid):.1f}%",
        f"{place(mark):.1f}%" if mark is not None else None,
    )


def how_good(workspace: Workspace, now: datetime) -> Accuracy | None:
    """How good the workspace's forecasts were, as of the last ten minutes."""
    key = f"accuracy:{workspace.pk}:{periods.local_day(now, periods.zone(workspace.time_zone))}"
    known: tuple[Accuracy | None] | None = cache.get_or_set(key, lambda: (accuracy(workspace, now),), ACCURACY_FOR)
    return (known or (accuracy(workspace, now),))[0]


def conditions_key(workspace: Workspace, state: State) -> str:
    """A cache key's part that says whose figures these are and under which conditions."""
    conditions = repr((workspace.pk, workspace.time_zone, sorted(state.include.items()), sorted(state.exclude.items())))
    return sha256(conditions.encode()).hexdigest()


def _past(workspace: Workspace, state: State, today: date, fresh: Mapping[date, Decimal]) -> list[tuple[date, Decimal]]:
    """The days a forecast is made of: long past ones as they were a minute ago, those just read as they are."""
    key = f"history:{conditions_key(workspace, state)}:{today}"
    kept: list[tuple[date, Decimal]] | None = cache.get_or_set(
        key, lambda: history(workspace, today, state.include, state.exclude), HISTORY_FOR
    )
    past = dict(kept or history(workspace, today, state.include, state.exclude))
    return sorted((past | {day: amount for day, amount in fresh.items() if day < today}).items())


def _same_point(workspace: Workspace, state: State, now: datetime, earlier: Days) -> Decimal:
    """What the month before had cost at the same day and time; the same point of a shorter month is its end."""
    zone = periods.zone(workspace.time_zone)
    last = earlier[-1][0]
    then = at_same_time(now, timedelta(days=last.day), zone)
    on = periods.local_day(then, zone)
    whole = sum((amount for day, amount in earlier if day < on), Decimal(0))
    start = periods.midnight(on, zone)
    if on > last or then <= start:
        return whole
    return whole + query(workspace, state.filter(start, then), measures=("cost",)).total.cost


def up_to_same_day(first: date, today: date) -> str:
    """The days of an earlier month up to the same one, or to its end where it is shorter: 1–26 Oct."""
    last = (first + DAY * 31).replace(day=1) - DAY
    return display.days(first, min(first + DAY * (today.day - 1), last), year=False)


def _running(days: Days) -> list[tuple[int, Decimal]]:
    """The sum up to the end of each day of the month."""
    total, sums = Decimal(0), [(0, Decimal(0))]
    for day, amount in days:
        total += amount
        sums.append((day.day, total))
    return sums


def _ahead(outlook: MonthOutlook, length: int, top: Decimal) -> tuple[str, str]:
    """The forecast's running sum from yesterday's end on, and the band around it; empty without one."""
    if outlook.total is None or not outlook.total.mid:
        return "", ""
    begin, total = outlook.before_today, outlook.total
    sums = [(outlook.today.day - 1, begin), *((day.day, amount) for day, amount in outlook.running)]
    low, high = (_scaled(sums, begin, total.mid, edge) for edge in (total.low, total.high))
    band = f"{_points(low, length, top)} {_points(high[::-1], length, top)}"
    return _points(sums, length, top), band


def _scaled(
    sums: Sequence[tuple[int, Decimal]], begin: Decimal, middle: Decimal, edge: Decimal
) -> list[tuple[int, Decimal]]:
    """The same way, to another end."""
    ratio = (edge - begin) / (middle - begin) if middle > begin else Decimal(1)
    return [(day, begin + (amount - begin) * ratio) for day, amount in sums]


def _points(sums: Sequence[tuple[int, Decimal]], length: int, top: Decimal) -> str:
    """Day numbers and amounts as points of the picture."""
    return " ".join(
        f"{WIDTH * day / length:.1f},{HEIGHT - AIR * (float(amount / top) if top > 0 else 0):.1f}"
        for day, amount in sums
    )
