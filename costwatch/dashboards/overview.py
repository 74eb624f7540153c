"""Everything on the Overview, out of one snapshot of the books: figure = chart = table = CSV."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from costwatch.accounts.models import Workspace
from costwatch.alerts import incidents
from costwatch.dashboards import charts, colours, display
from costwatch.dashboards.figures import Figures, figures
from costwatch.dashboards.movers import Movers, grouping, movers, worth_a_look
from costwatch.dashboards.ranges import Compared
from costwatch.dashboards.sides import side_by_side
from costwatch.dashboards.state import State
from costwatch.dashboards.table import Table, table
from costwatch.lib import periods
from costwatch.spend.queries import MOST_GROUPS, Answer, query
from costwatch.spend.snapshot import snapshot

COST, MOVED = ("cost",), ("cost", "calls")


Bars = defaultdict[datetime | None, Decimal]


@dataclass(frozen=True)
class LegendItem:
    """A series: its colour, what a click on it asks for."""

    label: str
    colour: str
    url: str
    leaves: bool


@dataclass(frozen=True)
class Chart:
    """The figure, its legend in the order of the series, and the sentence that says what is to be seen.

    `expects`: what the bar that is still filling will come to is drawn too.
    """

    figure: dict[str, Any]
    legend: list[LegendItem]
    sentence: str
    expects: bool


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
        order, colour = _series(found, state.by, owned)
        bars = _bars(workspace, state, found, order)
        head = figures(workspace, state, now)
    return Overview(
        found,
        state.range.compared(),
        bool(earlier.total),
        head,
        _chart(workspace, state, bars, found, order, colour, head) if found.total else None,
        movers(state, moved, moved_before, found.total.cost - earlier.total.cost),
        table(state, found, earlier, colour),
    )


def table_only(workspace: Workspace, state: State) -> Table:
    """The table alone, for its CSV."""
    with snapshot(workspace.lane):
        found, earlier = _grouped(workspace, state, (state.by,))
    return table(state, found, earlier, {})


def version(workspace: Workspace, state: State, now: datetime) -> str:
    """A short text that changes when the page would: with the sums of its span and of today, and with the minute."""
    today = periods.period("day", now, periods.zone(workspace.time_zone))
    with snapshot(workspace.lane):
        sums = [query(workspace, state.filter(s, e)).total for s, e in
                ((state.range.start, state.range.end), (today.start, today.end))]  # fmt: skip
    told = repr((sums, incidents.open_count(workspace.pk), now.replace(second=0, microsecond=0), state.query()))
    return sha256(told.encode()).hexdigest()[:16]


def _grouped(workspace: Workspace, state: State, by: Sequence[str]) -> tuple[Answer, Answer]:
    """The sums of the span and of the compared one."""
    compared = state.range.compared()
    return side_by_side(workspace, state.filter(), state.filter(compared.start, compared.end), by)


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


def _series(found: Answer, by: str, owned: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The values that are drawn, dearest first, and their colours."""
    ranked = sorted(found.groups, key=lambda g: -g.sums.cost)
    order = [value for g in ranked if not g.other and (value := g.values[by]) and g.sums.cost > 0][: colours.SERIES]
    return order, colours.assign(order, owned)


def _bars(workspace: Workspace, state: State, found: Answer, order: Sequence[str]) -> dict[str | None, Bars]:
    """The cost in each bucket of the values that are drawn ("": not attributed), and of all others together (None).

    The others are the whole less those: looking up eight values takes a tenth of ranking thousands in each bucket.
    """
    known = {group.values[state.by] for group in found.groups}
    drawn = tuple(value for value in (*order, "") if value in known)
    own = replace(state, include={**state.include, state.by: drawn}).filter() if drawn else None
    bucket = state.range.bucket
    parts = query(workspace, own, (state.by,), bucket, limit=len(drawn), measures=COST).groups if own else []
    amounts: dict[str | None, Bars] = {value: defaultdict(Decimal) for value in (*order, "", None)}
    for group in query(workspace, state.filter(), (), bucket, measures=COST).groups:
        amounts[None][group.bucket] += group.sums.cost
    for group in parts:
        amounts[group.values[state.by]][group.bucket] += group.sums.cost
        amounts[None][group.bucket] -= group.sums.cost
    return amounts


def _chart(
    workspace: Workspace,
    state: State,
    bars: Mapping[str | None, Bars],
    found: Answer,
    order: list[str],
    colour: dict[str, str],
    head: Figures,
) -> Chart:
    places = charts.buckets_of(state.range, workspace.week_start)
    starts = periods.buckets(
        state.range.start, state.range.end, state.range.bucket, state.range.zone, workspace.week_start
    )
    amounts = {key: [own.get(period.start, Decimal(0)) for period in starts] for key, own in bars.items()}
    others = sum(1 for g in found.groups if g.values[state.by] and g.values[state.by] not in order)
    more = "+" if any(group.other for group in found.groups) else ""
    shown: list[tuple[str, str, str, str | None]] = [
        (value, colour[value], state.drill(value), value) for value in order
    ]
    shown.append((f"Other ({others:,}{more})", colours.OTHER, state.url(all_rows=True), None))
    shown.append((display.NOT_ATTRIBUTED, colours.NONE, state.drill(""), ""))
    shown = [item for item in shown if any(amounts[item[3]])]
    series = [charts.Series(name, token, amounts[key]) for name, token, _, key in shown]
    legend = [LegendItem(name, token, url, state.leaves(key)) for name, token, url, key in shown]
    totals = [sum(column, Decimal(0)) for column in zip(*(s.amounts for s in series), strict=True)]
    expected, pace = _marks(state, head)
    figure = charts.stacked(places, series, expected, pace)
    return Chart(figure, legend, _sentence(state, places, totals, found.total.cost), expected is not None)


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
