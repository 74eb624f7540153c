"""The answer to a question: rows, columns, cells and bars out of one snapshot of the books, so that all of them add up.

What has no row, column or series of its own is the whole less what has one: nothing is lost to a limit.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from costwatch.accounts.models import Workspace
from costwatch.dashboards import charts, colours, display
from costwatch.dashboards.explore.books import Books, books_for
from costwatch.dashboards.explore.crossing import MOST_VALUES, crossed
from costwatch.dashboards.explore.lines import NONE, OTHER, TOTAL, VALUE, Line, by_value, only
from costwatch.dashboards.explore.question import OF, Question
from costwatch.dashboards.ranges import Compared
from costwatch.dashboards.table import NO_SUMS, less
from costwatch.lib import periods
from costwatch.spend.filters import SpendFilter
from costwatch.spend.queries import Answer, Group
from costwatch.spend.snapshot import snapshot
from costwatch.spend.sums import Sums, add

SHOWN = 9  # values with a row and a colour of their own; the others are one row, which opens
ROWS = 25  # on a page, once it is open


@dataclass(frozen=True)
class Found:
    """`lines`: in the order asked for, Other and what is not attributed after them. `series`: as drawn."""

    question: Question
    compared: Compared | None
    places: charts.Buckets
    lines: list[Line]
    total: Line
    series: list[Line]
    before_bars: list[Sums]
    count: int
    complete_until: datetime
    columns: Sequence[Line] = ()
    left_out: int | None = 0

    @property
    def comparable(self) -> bool:
        """Whether anything was there in the compared span."""
        return bool(self.total.before)


@dataclass(frozen=True)
class Whole:
    """What every part is a part of: the sums of the whole and of its buckets."""

    found: Answer
    total: Line
    before_bars: list[Sums]
    places: charts.Buckets


def answer(workspace: Workspace, question: Question, now: datetime) -> Found:
    """What the books say at `now`."""
    owned = colours.slots(workspace, question.by, now) if question.by else []
    books = books_for(workspace, question)
    with snapshot(workspace.lane):
        whole = _whole(books, question)
        return _by_dimension(books, question, whole, owned) if question.by else _by_time(question, whole)


def _whole(books: Books, question: Question) -> Whole:
    span, by = question.range, (question.by,) if question.by else ()
    found = books.query(question.filter(), by, limit=MOST_VALUES, rank=question.metric.rank)
    before = _before(books, question)
    bars = _of_buckets(books, question, question.filter(), span.start, span.end)
    total = Line(TOTAL, None, "Total", found.total, add(before), "ink" if by else "s1", bars=bars)
    return Whole(found, total, before, charts.buckets_of(span, books.workspace.week_start, question.bucket))


def _by_time(question: Question, whole: Whole) -> Found:
    lines = _over_time(question, whole)
    question = _turned_to(question, len(lines))
    rows = _page(question, lines, whole.total, len(lines), 0)
    series = _series(question, [], whole.total, 0, 0)
    return _found(question, whole, lines=rows, series=series, count=len(lines))


def _by_dimension(books: Books, question: Question, whole: Whole, owned: Sequence[str]) -> Found:
    ranked = _ranked(question, whole.found)
    left_out = whole.found.left_out
    drawn = _with_bars(books, question, _named(question, whole.found, ranked[:SHOWN]))
    colour = colours.assign([line.value for line in drawn if line.role == VALUE and line.value], owned)
    question = _turned_to(question, len(ranked))
    first = ROWS * (question.page - 1)
    shown = ranked[first : first + ROWS] if question.all_rows else ranked[:SHOWN]
    lines = _compared(books, question, _named(question, whole.found, shown))
    columns, lines, cells = crossed(books, question, lines)
    drawn, lines = ([replace(x, colour=colour.get(x.value or "", x.colour)) for x in part] for part in (drawn, lines))
    return _found(
        question,
        replace(whole, total=replace(whole.total, cells=[column.sums for column in columns])),
        lines=_page(question, lines, whole.total, len(ranked), left_out, columns, cells),
        columns=columns,
        series=_series(question, drawn, whole.total, len(ranked), left_out),
        count=len(ranked),
        left_out=left_out,
    )


def _turned_to(question: Question, count: int) -> Question:
    """The question at the page it asks for; at the last one where there are fewer rows by now."""
    return replace(question, page=min(question.page, max(1, -(-count // ROWS))))


def _found(question: Question, whole: Whole, **parts: Any) -> Found:
    return Found(question, question.compared, whole.places, total=whole.total, before_bars=whole.before_bars,
                 complete_until=whole.found.complete_until, **parts)  # fmt: skip


def _ranked(question: Question, found: Answer) -> list[str]:
    """The values of the first dimension that were used, those with the most of the metric first."""
    order = sorted(found.groups, key=lambda g: (-getattr(g.sums, question.metric.rank), -g.sums.cost))
    return [value for group in order if (value := group.values[question.by])]


def _named(question: Question, found: Answer, values: Sequence[str]) -> list[Line]:
    """The lines of some values, and of what is not attributed."""
    sums = by_value(found, question.by)
    nameless = [Line(NONE, "", display.NOT_ATTRIBUTED, sums[""], colour=colours.NONE)] if "" in sums else []
    lines = [*(Line(VALUE, value, value, sums[value]) for value in values), *nameless]
    return [replace(line, url=question.drill(line.value or ""), leaves=question.leaves(line.value)) for line in lines]


def _page(
    question: Question,
    lines: list[Line],
    total: Line,
    count: int,
    left_out: int | None,
    columns: Sequence[Line] = (),
    cells: Sequence[Sums] = (),
) -> list[Line]:
    """The rows of the table in their order. All others are the whole less these, so that the rows add up to it."""
    lines = _sorted(question, columns, lines)
    if not question.by:
        first = ROWS * (question.page - 1)
        lines = lines[first : first + ROWS]
    values = [line for line in lines if line.role == VALUE]
    nameless = [line for line in lines if line.role == NONE]
    rest, rest_before = less(total.sums, *(x.sums for x in lines)), less(total.before, *(x.before for x in lines))
    if not rest and not rest_before:
        return lines
    hidden = count - len(values)
    label = f"Other ({display.at_least(hidden, left_out)})" if hidden else "Other" if rest else "No longer there"
    opens = question.url(all_rows=True) if rest and not question.all_rows and question.by else ""
    return [*values, Line(OTHER, None, label, rest, rest_before, url=opens, cells=cells), *nameless]


def _compared(books: Books, question: Question, lines: list[Line]) -> list[Line]:
    """The lines with their sums of the compared span."""
    compared = question.compared
    if compared is None or not lines:
        return lines
    asked = only(question.within(compared), question.by, lines)
    then = by_value(books.query(asked, (question.by,)), question.by)
    return [replace(line, before=then.get(line.value or "", NO_SUMS)) for line in lines]


def _with_bars(books: Books, question: Question, lines: list[Line]) -> list[Line]:
    """The lines with their sums of each bucket."""
    at = _starts(books, question, question.range.start, question.range.end)
    asked = only(question.filter(), question.by, lines)
    groups = books.query(asked, (question.by,), question.bucket, limit=SHOWN + 1).groups if lines else []
    return [
        replace(line, bars=_placed(at, [g for g in groups if g.values[question.by] == line.value])) for line in lines
    ]


def _before(books: Books, question: Question) -> list[Sums]:
    """The sums of the buckets of the compared span, in order."""
    compared = question.compared
    if compared is None:
        return []
    return _of_buckets(books, question, question.within(compared), compared.start, compared.end)


def _of_buckets(books: Books, question: Question, asked: SpendFilter, start: datetime, end: datetime) -> list[Sums]:
    return _placed(_starts(books, question, start, end), books.query(asked, (), question.bucket).groups)


def _starts(books: Books, question: Question, start: datetime, end: datetime) -> dict[datetime, int]:
    """The number of each bucket of a span by its start."""
    found = periods.buckets(start, end, question.bucket, question.range.zone, books.workspace.week_start)
    return {period.start: number for number, period in enumerate(found)}


def _placed(at: dict[datetime, int], groups: Iterable[Group]) -> list[Sums]:
    bars = [NO_SUMS] * len(at)
    for group in groups:
        if group.bucket is not None:
            bars[at[group.bucket]] = group.sums
    return bars


def _series(question: Question, lines: Sequence[Line], total: Line, count: int, left_out: int | None) -> list[Line]:
    """What is drawn: the lines, all others as one, what is not attributed; of a ratio, the whole first."""
    metric = question.metric
    drawn = [line for line in lines if any(map(metric.part, line.bars))]
    if not metric.additive or not question.by:
        return [replace(total, label="All" if question.by else metric.label.capitalize()), *drawn]
    rest = [less(bar, *(line.bars[n] for line in drawn)) for n, bar in enumerate(total.bars)]
    named = [line for line in drawn if line.role == VALUE]
    label = f"Other ({display.at_least(count - len(named), left_out)})" if count > len(named) else "Other"
    other = Line(OTHER, None, label, add(rest), bars=rest, url=question.url(all_rows=True))
    return [*named, *([other] if any(map(metric.part, rest)) else []), *(line for line in drawn if line.role == NONE)]


def _over_time(question: Question, whole: Whole) -> list[Line]:
    """Without a dimension the rows are the buckets, those in which nothing was called left out."""
    bars, labels = whole.total.bars, whole.places.labels
    then = [*whole.before_bars, *[NO_SUMS] * len(bars)]
    return [
        Line(VALUE, None, labels[n], bar, then[n], "s1", question.of_days(whole.places.days[n]))
        for n, bar in enumerate(bars)
        if bar or then[n]
    ]


def _sorted(question: Question, columns: Sequence[Line], lines: Sequence[Line]) -> list[Line]:
    """As asked; what is not known comes last whichever way, and after it what is not attributed."""
    name, down = question.sort.removeprefix("-"), question.sort.startswith("-")
    keyed = [(_key(question, columns, line, name) if name != "time" else n, line)
             for n, line in enumerate(lines) if line.role == VALUE]  # fmt: skip
    known = sorted((pair for pair in keyed if pair[0] is not None), key=lambda pair: pair[0], reverse=down)
    unknown = [line for key, line in keyed if key is None]
    return [*(line for _, line in known), *unknown, *(line for line in lines if line.role == NONE)]


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
