"""How good the forecasts were: what was issued against what the months came to, beside the run-rate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from costwatch.accounts.models import Workspace
from costwatch.forecasts.models import IssuedForecast
from costwatch.lib import periods
from costwatch.spend.filters import SpendFilter
from costwatch.spend.queries import query

MONTHS = 3
LEAST = 5  # days that were forecast of a month; fewer say nothing
STAGES = ((1, "first ten days"), (11, "middle ten days"), (21, "last days"))


@dataclass(frozen=True)
class Score:
    """Errors of the forecasts of `days` days. Shares of 1: `error` and `naive` are WAPE (sum of the errors' sizes ÷ sum
    of the months' totals) of the forecast and of the run-rate on the same days; `in_band` promises 0.8."""

    days: int
    error: Decimal
    naive: Decimal
    in_band: Decimal


@dataclass(frozen=True)
class Accuracy:
    """The last months that are over and were forecast: `first` and `last` of them, in all and by part of the month."""

    first: date
    last: date
    whole: Score
    stages: list[tuple[str, Score]]


def accuracy(workspace: Workspace, now: datetime) -> Accuracy | None:
    """The score of the last three months that are over; None: not enough data."""
    tz = periods.zone(workspace.time_zone)
    this = periods.local_day(now, tz).replace(day=1)
    months = [this]
    for _ in range(MONTHS):
        months.append((months[-1] - timedelta(days=1)).replace(day=1))
    rows = IssuedForecast.objects.filter(workspace=workspace, month__in=months[1:]).order_by("day")
    by_month: dict[date, list[IssuedForecast]] = {}
    for row in rows:
        by_month.setdefault(row.month, []).append(row)
    known = {month: issued for month, issued in by_month.items() if len(issued) >= LEAST}
    if not known:
        return None
    came = _actual(workspace, min(known), this)
    actual = {month: came.get(month, Decimal(0)) for month in known}  # nothing spent is a miss of all that was forecast
    if not any(actual.values()):
        return None
    issued = [row for rows in known.values() for row in rows]
    edges = [start for start, _ in STAGES[1:]] + [32]
    parts = [
        (name, [row for row in issued if start <= row.day.day < end])
        for (start, name), end in zip(STAGES, edges, strict=True)
    ]
    stages = [(name, score(rows, actual)) for name, rows in parts if any(actual[row.month] for row in rows)]
    return Accuracy(min(known), max(known), score(issued, actual), [(name, own) for name, own in stages if own.days])


def score(issued: Sequence[IssuedForecast], actual: Mapping[date, Decimal]) -> Score:
    """Issued forecasts against what their months came to; first days, which have no run-rate, are left out of both."""
    both = [(row, row.run_rate, actual[row.month]) for row in issued if row.run_rate is not None]
    held = sum(1 for row, _, came in both if row.low <= came <= row.high)
    return Score(
        len(both),
        _wape([(row.mid, came) for row, _, came in both]),
        _wape([(naive, came) for _, naive, came in both]),
        Decimal(held) / len(both) if both else Decimal(0),
    )


def _wape(pairs: Sequence[tuple[Decimal, Decimal]]) -> Decimal:
    total = sum((came for _, came in pairs), Decimal(0))
    return sum((abs(said - came) for said, came in pairs), Decimal(0)) / total if total else Decimal(0)


def _actual(workspace: Workspace, first: date, end: date) -> dict[date, Decimal]:
    """What the months from `first` up to `end` came to."""
    tz = periods.zone(workspace.time_zone)
    span = SpendFilter(periods.midnight(first, tz), periods.midnight(end, tz))
    groups = query(workspace, span, (), "month").groups
    return {periods.local_day(group.bucket, tz): group.sums.cost for group in groups if group.bucket}
