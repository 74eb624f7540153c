"""What the statement of a month says, out of one snapshot of the books."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db.models import Count, Max, Sum

from costwatch.accounts.models import Workspace
from costwatch.dashboards import menu
from costwatch.dashboards.explore import comparing
from costwatch.dashboards.month_budget import MonthBudget, month_budget
from costwatch.dashboards.ranges import Compared, Range, month_end, of_kind
from costwatch.dashboards.sides import side_by_side
from costwatch.dashboards.state import State, plural
from costwatch.dashboards.table import Table, table
from costwatch.forecasts.accuracy import Accuracy, accuracy
from costwatch.forecasts.models import IssuedForecast
from costwatch.ledger import months
from costwatch.ledger.models import ClosedMonth, SpendAdjustment
from costwatch.lib import periods
from costwatch.spend.beginning import begun_after
from costwatch.spend.dimensions import TAG
from costwatch.spend.filters import SpendFilter
from costwatch.spend.outlooks import MonthOutlook, workspace_outlook
from costwatch.spend.queries import query
from costwatch.spend.snapshot import snapshot
from costwatch.spend.sums import Sums

SECTIONS = ("provider", "model", "agent")
USUAL_TAG = "customer"
TOLD_ON = (1, 8, 15, 22)  # the days of a month whose forecasts are shown
INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Section:
    """The month by one dimension."""

    by: str
    title: str
    table: Table


@dataclass(frozen=True)
class Correction:
    """All corrections of one reason that count in the month. `last_at`: when the last of them was recorded."""

    reason: str
    rows: int
    calls: int
    cost: Decimal
    last_at: datetime


@dataclass(frozen=True)
class Statement:
    """A month's statement. `budget`, `outlook` (of the running month alone), `accuracy`, `closed`: None without one.

    `before` is what the compared span cost; `begun`: the first day of the books where they do not reach back to it.
    """

    range: Range
    compared: Compared
    total: Sums
    before: Sums
    begun: date | None
    sections: list[Section]
    unpriced: list[tuple[str, Sums]]
    corrections: list[Correction]
    budget: MonthBudget | None
    outlook: MonthOutlook | None
    issued: list[IssuedForecast]
    accuracy: Accuracy | None
    closed: ClosedMonth | None
    tags: list[str]
    tag: str
    complete_until: datetime

    @property
    def change(self) -> Decimal:
        return self.total.cost - self.before.cost

    @property
    def is_over(self) -> bool:
        """Whether all of its days are."""
        return self.range.last < self.range.today

    @property
    def over_budget(self) -> Decimal | None:
        """How much more than the budget was spent, or will be by forecast; less: negative."""
        if self.budget is None:
            return None
        if self.is_over:
            return self.total.cost - self.budget.limit
        return self.outlook.total.mid - self.budget.limit if self.outlook and self.outlook.total else None


def statement(workspace: Workspace, first: date, now: datetime, tag: str = "", all_rows: bool = False) -> Statement:
    """The statement of the month that begins on a local day. `tag`: the one that is a section; "" = the usual one."""
    tz = periods.zone(workspace.time_zone)
    span = of_kind("month", first, now, tz)
    compared = comparing.compared(span, comparing.MONTH) or span.compared()
    closed = months.closed(workspace.lane).get(first)
    end = periods.midnight(month_end(first) + timedelta(days=1), tz)
    this = SpendFilter(closed.start, closed.end) if closed else SpendFilter(span.start, end)
    before = SpendFilter(compared.start, compared.end)
    tags = menu.tag_names(workspace.lane)
    chosen = tag if tag in tags else USUAL_TAG if USUAL_TAG in tags else (tags or [""])[0]
    dimensions = [*SECTIONS, *([f"{TAG}{chosen}"] if chosen else [])]
    state = State(span, all_rows=all_rows)
    with snapshot(workspace.lane) as books:
        sides = {by: side_by_side(workspace, this, before, (by,)) for by in dimensions}
        found, earlier = sides[SECTIONS[0]]
        whole_before = query(workspace, _month_before(first, tz), measures=("cost",)).total.cost
        outlook = workspace_outlook(workspace, now) if span.unfinished else None
    sections = [Section(by, plural(by), table(replace(state, by=by), *sides[by], {})) for by in dimensions]
    at = now if span.unfinished else this.end - INSTANT
    return Statement(
        span, compared, found.total, earlier.total, begun_after(workspace, compared.start), sections,
        [(str(g.values["model"]), g.sums) for g in sides["model"][0].groups if g.sums.unpriced_calls and not g.other],
        corrections(workspace, this), month_budget(workspace, at, whole_before), outlook, _issued(workspace, first),
        accuracy(workspace, now), closed, tags, chosen, books.at,
    )  # fmt: skip


def corrections(workspace: Workspace, span: SpendFilter) -> list[Correction]:
    """What was corrected in a span, by reason, the largest amount first."""
    rows = SpendAdjustment.objects.filter(
        lane=workspace.lane, occurred_at__gte=span.start, occurred_at__lt=span.end
    ).order_by()
    found = [
        Correction(*row)
        for row in rows.values_list("reason").annotate(Count("pk"), Sum("calls"), Sum("cost"), Max("recorded_at"))
    ]
    return sorted(found, key=lambda one: (-abs(one.cost), one.reason))


def _issued(workspace: Workspace, first: date) -> list[IssuedForecast]:
    """The forecasts of the month that were issued on the days that are told, and the last one."""
    rows = list(IssuedForecast.objects.filter(workspace=workspace, month=first).order_by("day"))
    told = [row for row in rows if row.day.day in TOLD_ON]
    return told if not rows or rows[-1] in told else [*told, rows[-1]]


def _month_before(first: date, tz: ZoneInfo) -> SpendFilter:
    last_month = (first - timedelta(days=1)).replace(day=1)
    return SpendFilter(periods.midnight(last_month, tz), periods.midnight(first, tz))


def csv_rows(found: Statement) -> Sequence[Sequence[object]]:
    """The statement with all digits: each section adds up to the line `total`."""
    heading = [
        "month", "section", "name", "cost_usd", "cost_before_usd", "change_usd", "runs", "calls", "priced_calls",
        "unpriced_calls", "usage_unknown_calls", "unpriced_upper_bound_usd", "input_tokens", "cached_input_tokens",
        "output_tokens",
    ]  # fmt: skip
    month = f"{found.range.first:%Y-%m}"
    lines: list[Sequence[object]] = [heading, [month, "total", "Total", *_cells(found.total, found.before)]]
    for section in found.sections:
        lines += [[month, section.by, row.label, *_cells(row.sums, row.before)] for row in section.table.rows]
    for one in found.corrections:
        line = [month, "of it corrections", one.reason, one.cost, "", "", "", one.calls]
        lines.append([*line, *[""] * (len(heading) - len(line))])
    return lines


def _cells(now: Sums, before: Sums) -> list[object]:
    return [
        now.cost, before.cost, now.cost - before.cost, now.runs, now.calls, now.priced_calls, now.unpriced_calls,
        now.unknown_calls, now.upper_bound, now.input_tokens, now.cached_input_tokens, now.output_tokens,
    ]  # fmt: skip
