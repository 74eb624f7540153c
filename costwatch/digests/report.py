"""What a period came to, as a digest tells it; the page, the mail and the PDF show this and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from costwatch.accounts.models import Workspace
from costwatch.alerts.models import PENDING, Incident, Severity
from costwatch.budgets import say
from costwatch.budgets.status import Standing, State, Status, statuses
from costwatch.digests import span as spans
from costwatch.digests.span import Span
from costwatch.lib import periods
from costwatch.spend import queries
from costwatch.spend.beginning import begun_after
from costwatch.spend.filters import SpendFilter
from costwatch.spend.outlooks import MonthOutlook, workspace_outlook
from costwatch.spend.sums import Sums

DIMENSIONS = ("agent", "model")
MOVERS = 5
BUDGETS, INCIDENTS, UNPRICED = 10, 10, 5
MOST_VALUES = 2_000
SMALLEST = Decimal("0.005")
NOTHING = Sums()
STATES = {State.OVER: "over", State.WARNING: "close", State.OK: "within", State.PAUSED: "paused"}


@dataclass(frozen=True)
class Mover:
    """One value that spent more or less than in the period before; "" = not attributed, None = all others."""

    dimension: str
    value: str | None
    now: Decimal
    before: Decimal

    @property
    def delta(self) -> Decimal:
        return self.now - self.before


@dataclass(frozen=True)
class BudgetLine:
    """How a budget stands, amounts as text in its unit."""

    id: int
    name: str
    spent: str
    limit: str
    share: Decimal
    state: str
    forecast: str
    exhausted_on: date | None


@dataclass(frozen=True)
class Report:
    """`until`: up to when it is counted, the end of the period or, while it runs, now. Money in USD.

    `before`: the sums of the period before, as long as the counted part of this one. `begun`: the first day of the
    books where they do not reach back to it; then nothing is said of a change, and the movers are the dearest.
    `days`: spend by local day (of a single day: by hour). `unpriced`: model → sums of its calls without a price.
    `outlook`: the month that is running.
    """

    span: Span
    until: datetime
    zone: str
    total: Sums
    before: Sums
    begun: date | None
    days: list[tuple[datetime, Decimal]]
    movers: list[Mover]
    budgets: list[BudgetLine]
    more_budgets: int
    incidents: list[Incident]
    incident_count: int
    open_count: int
    outlook: MonthOutlook
    unpriced: list[tuple[str, Sums]]

    @property
    def change(self) -> Decimal:
        return self.total.cost - self.before.cost

    def moved(self, dimension: str) -> list[Mover]:
        """The movers of a dimension, and all others together (the whole less these), so that they add up to it."""
        shown = [mover for mover in self.movers if mover.dimension == dimension]
        now = self.total.cost - sum(mover.now for mover in shown)
        before = self.before.cost - sum(mover.before for mover in shown)
        return [*shown, Mover(dimension, None, now, before)] if shown and (now or before) else shown

    @property
    def is_over(self) -> bool:
        return self.until >= self.span.end


def report(workspace: Workspace, span: Span, now: datetime, time_zone: str = "") -> Report:
    """The report of a period, of the part of it that is over where it still runs."""
    zone = time_zone or workspace.time_zone
    tz = periods.zone(zone)
    until = min(span.end, now)
    earlier = spans.before(span, tz, workspace.week_start)
    whole = SpendFilter(span.start, until)
    compared = SpendFilter(earlier.start, min(earlier.end, earlier.start + (until - span.start)))
    days = queries.query(workspace, whole, (), "hour" if span.kind == "daily" else "day", zone)
    now_by = {name: _by(workspace, whole, name) for name in DIMENSIONS}
    before_by = {name: _by(workspace, compared, name) for name in DIMENSIONS}
    begun = begun_after(workspace, compared.start)
    found = sorted(statuses(workspace, now), key=_urgency)
    incidents = Incident.objects.filter(workspace=workspace, opened_at__gte=span.start, opened_at__lt=until)
    return Report(
        span=span,
        until=until,
        zone=zone,
        total=days.total,
        before=queries.query(workspace, compared).total,
        begun=begun,
        days=_days(days, span, until, zone),
        movers=[
            mover for name in DIMENSIONS for mover in _movers(name, now_by[name], before_by[name], begun is not None)
        ],
        budgets=[_line(status) for status in found[:BUDGETS]],
        more_budgets=max(0, len(found) - BUDGETS),
        incidents=_worst(list(incidents.order_by("-opened_at")[:500])),
        incident_count=incidents.count(),
        open_count=incidents.filter(state__in=PENDING).count(),
        outlook=workspace_outlook(workspace, now),
        unpriced=_unpriced(now_by["model"]),
    )


def _by(workspace: Workspace, filter: SpendFilter, dimension: str) -> dict[str, Sums]:
    groups = queries.query(workspace, filter, (dimension,), limit=MOST_VALUES).groups
    return {group.values[dimension] or "": group.sums for group in groups if not group.other}


def _days(answer: queries.Answer, span: Span, until: datetime, zone: str) -> list[tuple[datetime, Decimal]]:
    """Every day (or hour) of the counted part, those without spend too."""
    amounts = {group.bucket: group.sums.cost for group in answer.groups}
    found = periods.buckets(span.start, until, "hour" if span.kind == "daily" else "day", periods.zone(zone))
    return [(bucket.start, amounts.get(bucket.start, Decimal(0))) for bucket in found]


def _movers(dimension: str, now: Mapping[str, Sums], before: Mapping[str, Sums], dearest: bool) -> list[Mover]:
    """The values that changed most, in dollars; or the dearest."""
    names = now.keys() | before.keys()
    movers = [Mover(dimension, name, now.get(name, NOTHING).cost, before.get(name, NOTHING).cost) for name in names]
    sizes = {mover.value: mover.now if dearest else abs(mover.delta) for mover in movers}
    large = [mover for mover in movers if sizes[mover.value] >= SMALLEST]
    return sorted(large, key=lambda mover: (-sizes[mover.value], mover.value))[:MOVERS]


def _unpriced(by_model: Mapping[str, Sums]) -> list[tuple[str, Sums]]:
    found = [(name, sums) for name, sums in by_model.items() if sums.unpriced_calls]
    return sorted(found, key=lambda row: (-row[1].upper_bound, -row[1].unpriced_calls, row[0]))[:UNPRICED]


def _urgency(status: Status) -> tuple[int, Decimal, str]:
    """What is over first, then what is nearest to it."""
    order = (State.OVER, State.WARNING, State.OK, State.PAUSED)
    return order.index(status.state), -_nearest(status).share, status.budget.name


def _nearest(status: Status) -> Standing:
    """What is nearest to the limit: of a template the value that spent most, for the limit is that of each."""
    return status.values[0] if status.budget.per and status.values else status


def _line(status: Status) -> BudgetLine:
    forecast = say.amount(status.budget, status.forecast.mid) if status.forecast else ""
    nearest = _nearest(status)
    return BudgetLine(
        id=status.budget.pk,
        name=status.budget.name if nearest is status else f"{status.budget.name}: {nearest.value}",
        spent=say.amount(status.budget, nearest.spent),
        limit=say.amount(status.budget, status.limit),
        share=nearest.share,
        state=_state(status),
        forecast=forecast,
        exhausted_on=status.exhausted_on,
    )


def _state(status: Status) -> str:
    """In a word; of a template how many of its values are over."""
    if status.budget.per:
        return f"{status.over_count:,} of {status.value_count:,} over"
    return STATES[status.state]


def _worst(incidents: Sequence[Incident]) -> list[Incident]:
    order = list(Severity)
    return sorted(incidents, key=lambda one: -order.index(Severity(one.severity)))[:INCIDENTS]
