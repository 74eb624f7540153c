"""The content of a profile, out of one snapshot of the books: figures = chart = tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from costwatch.accounts.models import Workspace
from costwatch.dashboards import charts, colours, display, incident_page
from costwatch.dashboards.addresses import profile_url, run_url
from costwatch.dashboards.bars import Bars, bars, drawn
from costwatch.dashboards.incident_page import Item
from costwatch.dashboards.marks.drawing import marked
from costwatch.dashboards.marks.find import Marks, placed
from costwatch.dashboards.profiles.budgets import Line, budgets_about
from costwatch.dashboards.profiles.incidents import SHOWN as INCIDENTS
from costwatch.dashboards.profiles.incidents import incidents_about, of_chart
from costwatch.dashboards.profiles.layouts import Layout, layout
from costwatch.dashboards.ranges import Compared
from costwatch.dashboards.sides import side_by_side
from costwatch.dashboards.state import State, plural, title
from costwatch.spend.filters import SpendFilter
from costwatch.spend.queries import Answer, query, query_both
from costwatch.spend.run_figures import RunFigures, run_figures
from costwatch.spend.runs import RunRow
from costwatch.spend.snapshot import snapshot
from costwatch.spend.sums import FIELDS, Sums, add

SHOWN = 8  # rows of a part
SHOWN_OF = ("cost", "calls", "unpriced_calls", "unknown_calls")
RUNS = 5
CSV_HEAD = ("by", "value", "cost_usd", "cost_before_usd", "change_usd", "calls", "priced_calls", "unpriced_calls",
            "usage_unknown_calls")  # fmt: skip
MOST_EVENTS = 60_000  # read one by one for a part that no rollup knows: about 100 ms


@dataclass(frozen=True)
class Row:
    """One value of a part; an empty `url` stands for all the others together. `before` None: not looked at."""

    label: str
    url: str
    sums: Sums
    before: Decimal | None
    bar: Decimal
    colour: str = "muted"

    @property
    def all_unpriced(self) -> bool:
        """Whether no price is known of anything here."""
        return bool(self.sums.calls) and not self.sums.priced_calls


@dataclass(frozen=True)
class Part:
    """The spend by one dimension. `too_many`: calls that would have to be read one by one are too many."""

    name: str
    title: str
    rows: list[Row]
    hidden: int
    url: str
    too_many: bool = False


@dataclass(frozen=True)
class Profile:
    """All on the page. `runs`: (run, its address, its share of the dearest's cost)."""

    dimension: str
    value: str
    total: Sums
    before: Sums
    compared: Compared
    parts: list[Part]
    chart: dict[str, Any] | None
    marks: Marks
    sentence: str
    figures: RunFigures
    runs: list[tuple[RunRow, str, Decimal]]
    incidents: list[Item]
    budgets: list[Line]


def profile(workspace: Workspace, state: State, dimension: str, value: str) -> Profile:
    """The profile of a value over the state's span, under its further conditions."""
    shown, compared = layout(dimension), state.range.compared()
    span = state.filter().with_value(dimension, value)
    earlier = span.within(compared.start, compared.end)
    main = shown.parts[0]
    owned = colours.slots(workspace, main, state.range.now)
    with snapshot(workspace.lane):
        found, before = side_by_side(workspace, span, earlier, (main,), FIELDS)
        order = drawn(found, main)
        amounts = bars(workspace, span, state.range, main, found, order)
        answers = [(main, found, before), *_others(workspace, span, earlier, shown, found.total)]
        figures = run_figures(workspace, span, RUNS)
    colour = colours.assign(order, owned)
    link = _Links(state, dimension, value)
    top = max((run.sums.cost for run in figures.dearest), default=Decimal(0)) or Decimal(1)
    told = incidents_about(workspace, state, dimension, value)
    places = charts.buckets_of(state.range, workspace.week_start)
    marks = placed(state.range, places, of_chart(workspace, state, told))
    return Profile(
        dimension, value, found.total, before.total, compared,
        [_part(link, *answer, before.total, colour if n == 0 else {}) for n, answer in enumerate(answers)],
        _chart(places, amounts, order, colour, marks) if found.total.cost > 0 else None,
        marks,
        f"Stacked bars: spend of {display.name(value)} per {state.range.bucket} by {title(main).lower()}, "
        f"{state.range.label}, total {display.money(found.total.cost)}. The table below holds the figures."
        f"{marks.sentence}",
        figures,
        [(run, run_url(run.run_id), run.sums.cost / top) for run in figures.dearest],
        [incident_page.item(row) for row in told[:INCIDENTS]],
        budgets_about(workspace, dimension, value, state.range.now),
    )  # fmt: skip


def csv_rows(page: Profile) -> list[tuple[Any, ...]]:
    """The tables with all digits, one after another: a head, the value itself, the rows of each part."""
    whole = Row(page.value, "", page.total, page.before.cost, Decimal(1))
    rows = [(page.dimension, whole), *((part.name, row) for part in page.parts for row in part.rows)]
    return [CSV_HEAD, *(_csv_row(by, row) for by, row in rows)]


def _csv_row(by: str, row: Row) -> tuple[Any, ...]:
    cost = None if row.all_unpriced else row.sums.cost
    change = None if cost is None or row.before is None else cost - row.before
    return (by, row.label, cost, row.before, change, row.sums.calls, row.sums.priced_calls, row.sums.unpriced_calls,
            row.sums.unknown_calls)  # fmt: skip


@dataclass(frozen=True)
class _Links:
    state: State
    dimension: str
    value: str

    def to(self, part: str, name: str) -> str:
        """The profile of a neighbour over the same days."""
        url, days = profile_url(part, name), urlencode(self.state.range.query())
        return url + (f"{'&' if '?' in url else '?'}{days}" if days and name else "")

    def all_of(self, part: str) -> str:
        """The Overview of this value by a part."""
        changes = self.state.narrowed(self.dimension, self.value)
        return self.state.url(path="/", by=part, **changes)


def _others(
    workspace: Workspace, span: SpendFilter, earlier: SpendFilter, shown: Layout, total: Sums
) -> list[tuple[str, Answer | None, Answer | None]]:
    """(part, now, before) of all parts but the charted one; None where too much would have to be read."""
    answers: list[tuple[str, Answer | None, Answer | None]] = []
    for part in shown.parts[1:]:
        if part in earlier.dimensions():
            answers.append((part, query(workspace, span, (part,), limit=SHOWN + 1), None))
        else:
            answers.append((part, *query_both(workspace, span, earlier, (part,), SHOWN + 1, measures=SHOWN_OF)))
    for part in shown.from_events:
        few = total.events <= MOST_EVENTS
        answers.append((part, query(workspace, span, (part,), limit=SHOWN + 1) if few else None, None))
    return answers


def _part(
    link: _Links, name: str, now: Answer | None, before: Answer | None, earlier: Sums, colour: dict[str, str]
) -> Part:
    """The rows of a part; `earlier` is what everything together cost before."""
    url = link.all_of(name)
    if now is None:
        return Part(name, plural(name), [], 0, url, too_many=True)
    sums, known = _by_value(now, name), _by_value(before, name) if before else None
    ranked = sorted(((v, s) for v, s in sums.items() if v is not None), key=lambda item: -item[1].cost)
    first, rest = ranked[:SHOWN], [s for _, s in ranked[SHOWN:]] + [s for v, s in sums.items() if v is None]
    top = max((s.cost for _, s in first), default=Decimal(0)) or Decimal(1)
    rows = []
    for value, s in first:
        was = known.get(value, Sums()).cost if known is not None else None
        key = colour.get(value, "other") if colour else "muted"
        rows.append(Row(display.name(value), link.to(name, value), s, was, max(s.cost / top, Decimal(0)), key))
    if rest:
        was = earlier.cost - sum((row.before or Decimal(0) for row in rows), Decimal(0)) if known is not None else None
        rows.append(Row("Other", "", add(rest), was, Decimal(0)))
    return Part(name, plural(name), rows, len(rest), url)


def _by_value(answer: Answer, name: str) -> dict[str | None, Sums]:
    """Value → its sums; None = those that the limit put together."""
    return {group.values[name]: group.sums for group in answer.groups}


def _chart(
    places: charts.Buckets, amounts: Bars, order: Sequence[str], colour: dict[str, str], marks: Marks
) -> dict[str, Any]:
    names: dict[str | None, tuple[str, str]] = {value: (value, colour[value]) for value in order}
    names |= {None: ("Other", colours.OTHER), "": (display.NOT_ATTRIBUTED, colours.NONE)}
    series = [charts.Series(name, token, amounts[key]) for key, (name, token) in names.items() if any(amounts[key])]
    return marked(charts.stacked(places, series), places, charts.heights(series), marks)
