"""The answer to a question: rows, columns, cells and bars out of one snapshot of the books, so that all of them add up.

What has no row, column or series of its own is the whole less what has one: nothing is lost to a limit.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from costwatch.accounts.models import Workspace
from costwatch.dashboards import charts, colours, display
from costwatch.dashboards.explore.question import OF, Question
from costwatch.dashboards.ranges import Compared
from costwatch.dashboards.sides import side_by_side
from costwatch.dashboards.table import NO_SUMS, less
from costwatch.lib import periods
from costwatch.spend.filters import SpendFilter
from costwatch.spend.queries import MOST_GROUPS, Answer, query
from costwatch.spend.snapshot import snapshot
from costwatch.spend.sums import Sums, add

SHOWN = 9  # values with a row and a colour of their own; the others are one row, which opens
MOST_ROWS = 150  # once it is open
COLUMNS = 6
VALUE, OTHER, NONE, TOTAL = "value", "other", "not attributed", "total"


@dataclass(frozen=True)
class Line:
    """A row of the table, and a series of the chart. `cells`: by column; `bars`: by bucket. `value` None: several."""

    role: str
    value: str | None
    label: str
    sums: Sums
    before: Sums = NO_SUMS
    colour: str = colours.OTHER
    url: str = ""
    leaves: bool = False
    cells: Sequence[Sums] = ()
    bars: Sequence[Sums] = ()


@dataclass(frozen=True)
class Found:
    """`lines`: in the order asked for, Other and what is not attributed after them. `series`: as drawn."""

    question: Question
    compared: Compared | None
    places: charts.Buckets
    lines: list[Line]
    columns: list[Line]
    total: Line
    series: list[Line]
    before_bars: list[Sums]
    hidden: int
    more: bool
    complete_until: datetime
    comparable: bool = field(default=False)

    @property
    def count(self) -> int:
        """How many values the first dimension has here (at least)."""
        return sum(line.role == VALUE for line in self.lines) + self.hidden


def answer(workspace: Workspace, question: Question, now: datetime) -> Found:
    """What the books say at `now`."""
    owned = colours.slots(workspace, question.by, now) if question.by else []
    compared = question.compared
    span = question.range
    buckets = periods.buckets(span.start, span.end, question.bucket, span.zone, workspace.week_start)
    with snapshot(workspace.lane):
        found, before = _both(workspace, question, compared)
        ranked = _ranked(question, found)
        shown = ranked if question.all_rows else ranked[:SHOWN]
        lines, other = _lines(question, found, before, shown[:MOST_ROWS], len(ranked))
        columns, lines, other = _crossed(workspace, question, found, lines, other)
        total_bars, lines = _bars(workspace, question, buckets, lines)
        before_bars = _before(workspace, question, compared)
    places = charts.buckets_of(span, workspace.week_start, question.bucket)
    total = Line(TOTAL, None, "Total", found.total, before.total, "ink" if question.by else "s1", bars=total_bars,
                 cells=[column.sums for column in columns])  # fmt: skip
    lines = _coloured(question, lines, owned) if question.by else _over_time(question, places, total_bars, before_bars)
    series = _series(question, lines, total)
    return Found(
        question, compared, places, _sorted(question, columns, lines, other),
        columns, total, series, before_bars, len(ranked) - len(shown[:MOST_ROWS]),
        any(group.other for group in found.groups), found.complete_until, bool(before.total),
    )  # fmt: skip


def _both(workspace: Workspace, question: Question, compared: Compared | None) -> tuple[Answer, Answer]:
    """The sums by the first dimension, of the span and of the compared one."""
    by = (question.by,) if question.by else ()
    if compared and by:
        return side_by_side(workspace, question.filter(), question.within(compared), by, question.metric.rank)
    found = query(workspace, question.filter(), by, limit=500, rank=question.metric.rank)
    nothing = replace(found, groups=[], total=NO_SUMS)
    return found, query(workspace, question.within(compared), by) if compared else nothing


def _ranked(question: Question, found: Answer) -> list[str]:
    """The values of the first dimension that were used, those with the most of the metric first."""
    if not question.by:
        return []
    order = sorted(found.groups, key=lambda g: (-getattr(g.sums, question.metric.rank), -g.sums.cost))
    return [value for group in order if (value := group.values[question.by])]


def _lines(
    question: Question, found: Answer, before: Answer, shown: Sequence[str], count: int
) -> tuple[list[Line], Line | None]:
    """The rows of the values that are shown and of what is not attributed; and of all others together."""
    if not question.by:
        return [], None
    now, then = _by_value(found, question.by), _by_value(before, question.by)
    lines = [Line(VALUE, v, v, now[v], then.get(v, NO_SUMS)) for v in shown]
    nameless = Line(NONE, "", display.NOT_ATTRIBUTED, now.get("", NO_SUMS), then.get("", NO_SUMS), colours.NONE)
    lines += [nameless] if nameless.sums or nameless.before else []
    rest = less(found.total, *(line.sums for line in lines))
    rest_before = less(before.total, *(line.before for line in lines))
    lines = [replace(line, url=question.drill(line.value or ""), leaves=question.leaves(line.value)) for line in lines]
    if not rest and not rest_before:
        return lines, None
    hidden = count - len(shown)
    more = "+" if any(group.other for group in found.groups) else ""
    label = f"Other ({hidden:,}{more})" if hidden else "Other" if rest else "No longer there"
    opens = "" if question.all_rows or not rest else question.url(all_rows=True)
    return lines, Line(OTHER, None, label, rest, rest_before, url=opens)


def _crossed(
    workspace: Workspace, question: Question, found: Answer, lines: list[Line], other: Line | None
) -> tuple[list[Line], list[Line], Line | None]:
    """The columns of the second dimension, and the rows with their cells."""
    if not question.across:
        return [], lines, other
    across = question.across
    totals = query(workspace, question.filter(), (across,), limit=500, rank=question.metric.rank)
    by_value = _by_value(totals, across)
    names = sorted((v for v in by_value if v), key=lambda v: -getattr(by_value[v], question.metric.rank))
    columns = [Line(VALUE, v, v, by_value[v]) for v in names[:COLUMNS]]
    nameless = [Line(NONE, "", display.NOT_ATTRIBUTED, by_value[""])] if "" in by_value else []
    rest = less(totals.total, *(column.sums for column in (*columns, *nameless)))
    more = "+" if any(group.other for group in totals.groups) else ""
    others = [Line(OTHER, None, f"Other ({len(names) - COLUMNS:,}{more})", rest)] if rest else []
    known = [*columns, *nameless]
    cells = _cells(workspace, question, lines, known)
    lines = [_with_cells(line, columns, others, nameless, cells) for line in lines]
    placed = [*columns, *others, *nameless]
    if other:
        left = [less(column.sums, *(line.cells[n] for line in lines)) for n, column in enumerate(placed)]
        other = replace(other, cells=left)
    return placed, lines, other


def _cells(
    workspace: Workspace, question: Question, lines: Sequence[Line], columns: Sequence[Line]
) -> dict[tuple[str | None, str | None], Sums]:
    asked = _only(question.filter(), question.by, lines)
    asked = _only(asked, question.across, columns)
    groups = query(workspace, asked, (question.by, question.across), limit=MOST_GROUPS).groups
    return {(group.values[question.by], group.values[question.across]): group.sums for group in groups}


def _with_cells(
    line: Line,
    columns: Sequence[Line],
    others: Sequence[Line],
    nameless: Sequence[Line],
    cells: dict[tuple[str | None, str | None], Sums],
) -> Line:
    def of(column: Line) -> Sums:
        return cells.get((line.value, column.value), NO_SUMS)

    rest = less(line.sums, *(of(column) for column in (*columns, *nameless)))
    own = [of(column) for column in columns] + [rest] * len(others) + [of(column) for column in nameless]
    return replace(line, cells=own)


def _bars(
    workspace: Workspace, question: Question, buckets: Sequence[periods.Period], lines: list[Line]
) -> tuple[list[Sums], list[Line]]:
    """The sums of each bucket: of everything, and of the rows that are drawn."""
    at = {bucket.start: number for number, bucket in enumerate(buckets)}
    whole = query(workspace, question.filter(), (), question.bucket)
    total = _placed(at, ((group.bucket, group.sums) for group in whole.groups))
    if not question.by:
        return total, lines
    drawn = [line for n, line in enumerate(lines) if n < SHOWN or line.role == NONE]
    asked = _only(question.filter(), question.by, drawn)
    groups = query(workspace, asked, (question.by,), question.bucket, limit=SHOWN + 1).groups if drawn else []
    bars = {
        line.value: _placed(at, ((g.bucket, g.sums) for g in groups if g.values[question.by] == line.value))
        for line in drawn
    }
    return total, [replace(line, bars=bars.get(line.value, ())) for line in lines]


def _before(workspace: Workspace, question: Question, compared: Compared | None) -> list[Sums]:
    """The sums of the buckets of the compared span, in order."""
    if compared is None:
        return []
    zone = question.range.zone
    found = periods.buckets(compared.start, compared.end, question.bucket, zone, workspace.week_start)
    groups = query(workspace, question.within(compared), (), question.bucket).groups
    return _placed({p.start: n for n, p in enumerate(found)}, ((group.bucket, group.sums) for group in groups))


def _placed(at: dict[datetime, int], sums: Iterable[tuple[datetime | None, Sums]]) -> list[Sums]:
    bars = [NO_SUMS] * len(at)
    for start, amount in sums:
        if start is not None:
            bars[at[start]] = amount
    return bars


def _series(question: Question, lines: Sequence[Line], total: Line) -> list[Line]:
    """What is drawn: the rows with bars, all others as one, what is not attributed; of a ratio, the whole first."""
    metric = question.metric
    drawn = [line for line in lines if any(map(metric.part, line.bars))]
    if not metric.additive or not question.by:
        return [replace(total, label="All" if question.by else metric.label.capitalize()), *drawn]
    rest = [less(bar, *(line.bars[n] for line in drawn)) for n, bar in enumerate(total.bars)]
    named = [line for line in drawn if line.role == VALUE]
    others = (
        Line(OTHER, None, "Other", add(rest), bars=rest, url=question.url(all_rows=True))
        if any(map(metric.part, rest))
        else None
    )
    return [*named, *([others] if others else []), *(line for line in drawn if line.role == NONE)]


def _over_time(question: Question, places: charts.Buckets, bars: Sequence[Sums], before: Sequence[Sums]) -> list[Line]:
    """Without a dimension the rows are the buckets."""
    then = [*before, *[NO_SUMS] * len(bars)]
    return [
        Line(VALUE, None, label, bar, then[n], "s1", question.of_days(places.days[n]))
        for n, (label, bar) in enumerate(zip(places.labels, bars, strict=True))
    ]


def _coloured(question: Question, lines: Sequence[Line], owned: Sequence[str]) -> list[Line]:
    drawn = [line.value for line in lines if line.role == VALUE and line.bars and line.value]
    colour = colours.assign(drawn, owned)
    return [replace(line, colour=colour.get(line.value or "", line.colour)) for line in lines]


def _sorted(question: Question, columns: Sequence[Line], lines: Sequence[Line], other: Line | None) -> list[Line]:
    """As asked; what is not known comes last whichever way, then all others, then what is not attributed."""
    name, down = question.sort.removeprefix("-"), question.sort.startswith("-")
    keyed = [(_key(question, columns, line, name) if name != "time" else n, line)
             for n, line in enumerate(lines) if line.role == VALUE]  # fmt: skip
    known = sorted((pair for pair in keyed if pair[0] is not None), key=lambda pair: pair[0], reverse=down)
    unknown = [line for key, line in keyed if key is None]
    nameless = [line for line in lines if line.role == NONE]
    return [*(line for _, line in known), *unknown, *([other] if other else []), *nameless]


def _key(question: Question, columns: Sequence[Line], line: Line, name: str) -> Any:
    metric = question.metric
    if name == "name":
        return line.label.casefold()
    if name.startswith(OF) or name == "rest":
        wanted = None if name == "rest" else name.removeprefix(OF)
        place = next((n for n, column in enumerate(columns) if column.value == wanted), None)
        return metric.of(line.sums if place is None else line.cells[place])
    keys = {
        "before": metric.of(line.before),
        "change": metric.difference(line.sums, line.before),
        "cost": line.sums.cost,
        "calls": line.sums.calls,
        "part": metric.part(line.sums),
        "whole": metric.whole(line.sums) if metric.whole else 0,
    }
    return keys.get(name, metric.of(line.sums))


def _only(span: SpendFilter, dimension: str, lines: Sequence[Line]) -> SpendFilter:
    """Narrowed to the values of some rows or columns."""
    values = tuple(line.value for line in lines if line.value is not None)
    return replace(span, include={**span.include, dimension: values})


def _by_value(found: Answer, dimension: str) -> dict[str, Sums]:
    return {value: group.sums for group in found.groups if (value := group.values[dimension]) is not None}
