"""The table of an answer: the same cells for the page and for its files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from costwatch.dashboards import display
from costwatch.dashboards.explore import metrics
from costwatch.dashboards.explore.answer import Found
from costwatch.dashboards.explore.lines import NONE, OTHER, TOTAL, Line
from costwatch.dashboards.explore.metrics import COUNT, MONEY, Metric
from costwatch.dashboards.explore.question import OF, Question
from costwatch.dashboards.state import title
from costwatch.lib import tables
from costwatch.spend.sums import Sums

FILE_KINDS = {
    metrics.MONEY: tables.MONEY,
    metrics.UNIT: tables.MONEY,
    metrics.SHARE: tables.SHARE,
    metrics.COUNT: tables.COUNT,
    metrics.TOKENS: tables.COUNT,
}
SHARE_PLACES = Decimal("0.000001")


@dataclass(frozen=True)
class Cell:
    """One figure as people read it, and with all its digits."""

    text: str
    title: str = ""
    css: str = "num"
    is_unpriced: bool = False
    bar: float | None = None
    colour: str = ""


@dataclass(frozen=True)
class Head:
    """The head of a column: what it is sorted by ("" = not at all), and the address that does it."""

    label: str
    full: str
    css: str
    url: str = ""
    order: str = ""
    span: int = 1

    @property
    def arrow(self) -> str:
        return {"ascending": " ↑", "descending": " ↓"}.get(self.order, "")


NO_HEAD = Head("", "", "")  # the one before it spans this column too


@dataclass(frozen=True)
class Row:
    """A line and its cells."""

    line: Line
    cells: list[Cell]


@dataclass(frozen=True)
class Column:
    """One column: its head, the cell it makes of a line, and its value in files (None: only on the page)."""

    head: Head
    cell: Callable[[Line], Cell]
    name: str = ""
    value: Callable[[Line], Any] | None = None
    kind: str = MONEY


@dataclass(frozen=True)
class Table:
    """Heads, rows, total; and the same as columns for files."""

    heads: list[Head]
    rows: list[Row]
    total: Row
    columns: list[Column]


def table(found: Found) -> Table:
    """The table of an answer."""
    question = found.question
    crossed = [_crossing(question, place, column) for place, column in enumerate(found.columns)]
    columns = [*crossed, _value(found), *_shares(found), *_comparison(found), *_volumes(found)]
    first = _head(question, "name", title(question.by), "") if question.by else _head(question, "time", "From", "")
    rows = [Row(line, [column.cell(line) for column in columns]) for line in found.lines]
    total = Row(found.total, [column.cell(found.total) for column in columns])
    return Table([first, *(column.head for column in columns if column.head != NO_HEAD)], rows, total,
                 columns)  # fmt: skip


def _crossing(question: Question, place: int, column: Line) -> Column:
    """The column of one value of the second dimension."""
    metric = question.metric
    name = {OTHER: "rest"}.get(column.role, f"{OF}{column.value or ''}")
    file_name = {OTHER: f"{question.across} other", NONE: f"{question.across} not attributed"}
    return Column(
        _head(question, name, column.label, "num", cut=26),
        lambda line: _figure(metric, line.cells[place], dash=True),
        file_name.get(column.role, f"{question.across}={column.value}"),
        lambda line: metric.exported(line.cells[place]),
        metric.kind,
    )


def _value(found: Found) -> Column:
    """The metric itself."""
    question, metric = found.question, found.question.metric
    heading = "Total" if question.across else metric.label[:1].upper() + metric.label[1:]
    css = "num strong tot" if question.across else "num strong"
    return Column(
        _head(question, "total", heading, css.replace(" strong", ""), full=metric.told),
        lambda line: _figure(metric, line.sums, css),
        metric.column,
        lambda line: metric.exported(line.sums),
        metric.kind,
    )


def _shares(found: Found) -> list[Column]:
    """The share of the whole, and a bar; of ratios only the bar, beside the largest."""
    metric, across = found.question.metric, found.question.across
    whole = metric.of(found.total.sums) or 0
    values = [metric.of(line.sums) or 0 for line in found.lines if line.role != OTHER]
    largest = Decimal(max(values, default=0))

    def share(line: Line) -> Decimal | None:
        value = metric.of(line.sums)
        return None if value is None or whole <= 0 else Decimal(value) / Decimal(whole)

    def bar(line: Line) -> Cell:
        value = Decimal(metric.of(line.sums) or 0)
        part = float(value / largest) if line.role != TOTAL and 0 < value <= largest else None
        return Cell("", css="w-bar", bar=part, colour=line.colour)

    told = Column(
        Head("Share", "Share", "", span=2),
        lambda line: Cell(display.percent(share(line)), css="num w-pc"),
        "share",
        lambda line: _six(share(line)),
        metrics.SHARE,
    )
    if not metric.additive:
        return [Column(Head("", "Beside the largest", "w-bar"), bar)]
    if across:
        return [replace(told, head=Head("", "Share", "w-bar"), cell=bar)]
    return [told, Column(NO_HEAD, bar)]


def _comparison(found: Found) -> list[Column]:
    """What it was before, and by how much it changed."""
    question, metric = found.question, found.question.metric
    if not found.comparable or found.compared is None:
        return []
    before = Column(
        _head(question, "before", found.compared.label, "num"),
        lambda line: _figure(metric, line.before, dash=True),
        f"{metric.column}_before",
        lambda line: metric.exported(line.before),
        metric.kind,
    )
    change = Column(
        _head(question, "change", "Change", "num", span=2),
        lambda line: Cell(metric.told_difference(line.sums, line.before)),
        f"{metric.column}_change",
        lambda line: _change(metric, line),
        metric.kind,
    )
    return [*([] if question.across else [before]), change, Column(NO_HEAD, lambda line: _percent(metric, line))]


def _volumes(found: Found) -> list[Column]:
    """Beside a ratio what it is made of; beside other amounts, spend and calls."""
    question, metric = found.question, found.question.metric
    if question.across:
        return []
    parts: list[tuple[str, str, str, Callable[[Sums], Any]]] = []
    if metric.parts:
        parts = [("part", *metric.parts[0], metric.part), ("whole", *metric.parts[1], metric.whole)]  # type: ignore[list-item]
    else:
        parts += [("cost", "Spend", MONEY, lambda s: s.cost)] if metric.name != "cost" else []
        parts += [("calls", "Calls", COUNT, lambda s: s.calls)] if metric.name != "calls" else []
    return [_volume(question, *part) for part in parts]


def _volume(question: Question, sort: str, label: str, kind: str, part: Callable[[Sums], Any]) -> Column:
    shown = Metric(sort, label, kind, "", part)
    return Column(
        _head(question, sort, label, "num"),
        lambda line: _figure(shown, line.sums),
        label.lower().replace(" ", "_") + ("_usd" if kind == MONEY else ""),
        lambda line: shown.exported(line.sums),
        kind,
    )


def _figure(metric: Metric, sums: Sums, css: str = "num", dash: bool = False) -> Cell:
    if dash and not sums:
        return Cell(display.NOTHING, css=f"{css} nil")
    return Cell(metric.shown(sums), metric.exact(metric.of(sums)), css, metric.is_unpriced(sums))


def _percent(metric: Metric, line: Line) -> Cell:
    change = metric.change(line.sums, line.before)
    return Cell(change.text, css=f"num w-ch {'' if line.role == TOTAL else change.state}")


def _change(metric: Metric, line: Line) -> Any:
    now, before = metric.exported(line.sums), metric.exported(line.before)
    return None if now is None or before is None else now - before


def _six(share: Decimal | None) -> Decimal | None:
    return None if share is None else share.quantize(SHARE_PLACES)


def _head(question: Question, sort: str, label: str, css: str, *, full: str = "", span: int = 1, cut: int = 0) -> Head:
    order = ""
    if question.sort.removeprefix("-") == sort:
        order = "descending" if question.sort.startswith("-") else "ascending"
    short = label if not cut or len(label) <= cut else f"{label[: cut - 1]}…"
    return Head(short, full or label, css, question.sorted_by(sort), order, span)


def file_rows(found: Found, made: Table) -> tuple[list[tuple[str, str]], list[Sequence[Any]]]:
    """The table for a file: (name, kind) of the columns, and the rows with their values, the total last.

    A second column says what a row is (value, other, not attributed, total), for any name may be called "Total".
    """
    told = [column for column in made.columns if column.value]
    heading = [
        (found.question.by or found.question.bucket, "text"),
        ("row", "text"),
        *((column.name, FILE_KINDS[column.kind]) for column in told),
    ]
    lines = [*found.lines, found.total]
    return heading, [[line.label, line.role, *(c.value(line) for c in told if c.value)] for line in lines]
