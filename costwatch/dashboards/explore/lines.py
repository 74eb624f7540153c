"""A line of an answer: a row of the table, a column of it, a series of the chart."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from costwatch.dashboards import colours
from costwatch.dashboards.table import NO_SUMS
from costwatch.spend.filters import SpendFilter
from costwatch.spend.queries import Answer
from costwatch.spend.sums import Sums

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


def only(span: SpendFilter, dimension: str, lines: Sequence[Line]) -> SpendFilter:
    """Narrowed to the values of some rows or columns."""
    values = tuple(line.value for line in lines if line.value is not None)
    return replace(span, include={**span.include, dimension: values})


def by_value(found: Answer, dimension: str) -> dict[str, Sums]:
    return {value: group.sums for group in found.groups if (value := group.values[dimension]) is not None}
