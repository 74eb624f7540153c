"""Everything on the Overview, out of one snapshot of the books: figure = chart = table = CSV."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from costwatch.accounts.models import Workspace
from costwatch.alerts import incidents
from costwatch.dashboards import charts, colours, display, live
from costwatch.dashboards.bars import Bars, bars, drawn
from costwatch.dashboards.figures import Figures, figures
from costwatch.dashboards.marks.drawing import marked
from costwatch.dashboards.marks.find import Marks, marks
from costwatch.dashboards.movers import Movers, grouping, movers, worth_a_look
from costwatch.dashboards.ranges import Compared
from costwatch.dashboards.sides import MOST_VALUES, side_by_side
from costwatch.dashboards.state import State
from costwatch.dashboards.table import Table, table
from costwatch.lib import periods
from costwatch.spend.queries import MOST_GROUPS, Answer, query
from costwatch.spend.snapshot import snapshot

MOVED = ("cost", "calls")


@dataclass(frozen=True)
class LegendItem:
    """A series: its colour, what a click on it asks for."""

    label: str
    colour: str
    url: str
    leaves: bool


@dataclass(frozen=True)
class Chart:
    """The figure, its legend in the order of the series, the sentence that says what is to be seen, its incidents.

    `expects`: what the bar that is still filling will come to is drawn too.
    """

    figure: dict[str, Any]
    legend: list[LegendItem]
    sentence: str
    expects: bool
    marks: Marks


@dataclass(frozen=True)
class Overview:
    """The page's content. `comparable`: there was something in the compared span; `chart` None: nothing in this."""

    answer: Answer
    compared: Compared
    comparable: bool
    figures: Figures
    chart: Chart | None
    movers: Movers
    table: Table


def overview(workspace: Workspace, state: State, now: datetime) -> Overview:
    """The content for a state."""
    owned = colours.slots(workspace, state.by, now)
    with snapshot(workspace.lane):
        found, earlier = _grouped(workspace, state, (state.by,))
        moved, moved_before = _crossed(workspace, state, found, earlier)
        order = drawn(found, state.by)
        amounts = bars(workspace, state.filter(), state.range, state.by, found, order)
        head = figures(workspace, state, now)
    colour = colours.assign(order, owned)
    return Overview(
        found,
        state.range.compared(),
        bool(earlier.total),
        head,
        _chart(workspace, state, amounts, found, order, colour, head) if found.total else None,
        movers(state, moved, moved_before, found.total.cost - earlier.total.cost),
        table(state, found, earlier, colour),
    )


def table_only(workspace: Workspace, state: State) -> Table:
    """The table alone, for its CSV: once all rows are asked for, as many as can be told at all."""
    with snapshot(workspace.lane):
        found, earlier = _grouped(workspace, state, (state.by,), MOST_GROUPS if state.all_rows else MOST_VALUES)
    return table(state, found, earlier, {}, most=None)


def version(workspace: Workspace, state: State, now: datetime) -> str:
    """Changes when the page would: with the sums of its span and of today, and with the open incidents."""
    today = periods.period("day", now, periods.zone(workspace.time_zone))
    spans = [state.filter(), state.filter(today.start, today.end)]
    return live.version(workspace, spans, now, incidents.open_count(workspace.pk), state.query())


def _grouped(workspace: Workspace, state: State, by: Sequence[str], most: int = MOST_VALUES) -> tuple[Answer, Answer]:
    """The sums of the span and of the compared one."""
    compared = state.range.compared()
    return side_by_side(workspace, state.filter(), state.filter(compared.start, compared.end), by, most=most)


def _crossed(workspace: Workspace, state: State, found: Answer, earlier: Answer) -> tuple[Answer, Answer]:
    """The sums that the movers are found among, of both spans."""
    pairs = grouping(state.by)
    if len(pairs) == 1:
        return found, earlier
    looked_into = worth_a_look(state.by, found, earlier)
    if not looked_into:
        return found, earlier
    compared = state.range.compared()
    narrowed = replace(state, include={**state.include, state.by: looked_into})
    now, before = (
        query(workspace, narrowed.filter(start, end), pairs, limit=MOST_GROUPS, measures=MOVED)
        for start, end in ((state.range.start, state.range.end), (compared.start, compared.end))
    )
    return now, before


def _chart(
    workspace: Workspace,
    state: State,
    amounts: Bars,
    found: Answer,
    order: list[str],
    colour: dict[str, str],
    head: Figures,
) -> Chart:
    places = charts.buckets_of(state.range, workspace.week_start)
    others = sum(1 for g in found.groups if g.values[state.by] and g.values[state.by] not in order)
    shown: list[tuple[str, str, str, str | None]] = [
        (value, colour[value], state.drill(value), value) for value in order
    ]
    shown.append((f"Other ({display.at_least(others, found.left_out)})", colours.OTHER, state.url(all_rows=True), None))
    shown.append((display.NOT_ATTRIBUTED, colours.NONE, state.drill(""), ""))
    shown = [item for item in shown if any(amounts[item[3]])]
    series = [charts.Series(name, token, amounts[key]) for name, token, _, key in shown]
    legend = [LegendItem(name, token, url, state.leaves(key)) for name, token, url, key in shown]
    totals = [sum(column, Decimal(0)) for column in zip(*(s.amounts for s in series), strict=True)]
    expected, pace = _marks(state, head)
    told = marks(workspace, state.range, places, state.include, state.exclude)
    heights = charts.heights(series, places, expected)
    figure = marked(charts.stacked(places, series, expected, pace), places, heights, told)
    said = _sentence(state, places, totals, found.total.cost) + told.sentence
    return Chart(figure, legend, said, expected is not None, told)


def _marks(state: State, head: Figures) -> tuple[Decimal | None, Decimal | None]:
    """What today will come to, and the even pace of the budget in its month: where bars are days."""
    if state.range.bucket != "day" or not state.range.unfinished:
        return None, None
    month, coming = head.month, head.month.outlook.coming
    expected = coming.daily[0][1] if coming else None
    within = month.budget is not None and month.first <= state.range.first
    return expected, month.budget.limit / month.last.day if within and month.budget else None


def _sentence(state: State, places: charts.Buckets, totals: Sequence[Decimal], total: Decimal) -> str:
    said = (
        f"Stacked bars: spend per {state.range.bucket} by {state.by.removeprefix('tag.')}, {state.range.label}, "
        f"total {display.money(total)}."
    )
    if totals and max(totals) > 0:
        peak = max(range(len(totals)), key=lambda n: totals[n])
        said += f" The peak is {display.money(totals[peak])}, {places.labels[peak]}."
    if places.unfinished is not None:
        said += f" The last {state.range.bucket} is not over."
    return f"{said} The table below holds the figures."
