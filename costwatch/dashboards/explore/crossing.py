"""The second dimension of an answer: its values are columns. What has no column of its own is the rest, exactly."""

from collections.abc import Sequence
from dataclasses import replace

from costwatch.dashboards import display
from costwatch.dashboards.explore.books import Books
from costwatch.dashboards.explore.lines import NONE, OTHER, VALUE, Line, by_value, only
from costwatch.dashboards.explore.question import Question
from costwatch.dashboards.table import NO_SUMS, less
from costwatch.spend.sums import Sums

COLUMNS = 5
MOST_VALUES = 500  # that are looked at one by one


def crossed(books: Books, question: Question, lines: list[Line]) -> tuple[list[Line], list[Line], list[Sums]]:
    """The columns of the second dimension, the lines with their cells, and the cells of all other lines together."""
    if not question.across:
        return [], lines, []
    across = question.across
    totals = books.query(question.filter(), (across,), limit=MOST_VALUES, rank=question.metric.rank)
    sums = by_value(totals, across)
    names = sorted((v for v in sums if v), key=lambda v: -getattr(sums[v], question.metric.rank))
    columns = [Line(VALUE, v, v, sums[v]) for v in names[:COLUMNS]]
    nameless = [Line(NONE, "", display.NOT_ATTRIBUTED, sums[""])] if "" in sums else []
    rest = less(totals.total, *(column.sums for column in (*columns, *nameless)))
    many = display.at_least(len(names) - COLUMNS, totals.left_out)
    others = [Line(OTHER, None, f"Other ({many})", rest)] if rest else []
    cells = _cells(books, question, lines, [*columns, *nameless])
    lines = [_with_cells(line, columns, others, nameless, cells) for line in lines]
    placed = [*columns, *others, *nameless]
    left = [less(column.sums, *(line.cells[n] for line in lines)) for n, column in enumerate(placed)]
    return placed, lines, left


def _cells(
    books: Books, question: Question, lines: Sequence[Line], columns: Sequence[Line]
) -> dict[tuple[str | None, str | None], Sums]:
    asked = only(question.filter(), question.by, lines)
    asked = only(asked, question.across, columns)
    groups = books.query(asked, (question.by, question.across)).groups
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
