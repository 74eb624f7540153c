"""The rows under the chart: every value of the grouping, what it cost, how that changed. They add up to the total."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from costwatch.dashboards import display
from costwatch.dashboards.state import State
from costwatch.spend.queries import Answer
from costwatch.spend.sums import Sums, add, less

SHOWN = 25
OPENED = 40  # rows of the page once all are asked for; Explore has pages, the CSV all of them
NO_SUMS = Sums()
EXPLORE = "/explore"


@dataclass(frozen=True)
class Row:
    """One row; `value` None stands for several values together (Other, Total)."""

    value: str | None
    label: str
    sums: Sums
    before: Sums
    colour: str = "other"
    total_cost: Decimal = Decimal(0)
    top_cost: Decimal = Decimal(0)
    url: str = ""
    leaves: bool = False

    @property
    def share(self) -> Decimal | None:
        return self.sums.cost / self.total_cost if self.total_cost > 0 and not self.all_unpriced else None

    @property
    def bar(self) -> Decimal:
        """The share of the dearest value's. None for an Other dearer than all: beside it nothing could be seen."""
        return self.sums.cost / self.top_cost if 0 < self.sums.cost <= self.top_cost else Decimal(0)

    @property
    def change(self) -> Decimal:
        return self.sums.cost - self.before.cost

    @property
    def per_run(self) -> Decimal | None:
        return self.sums.cost / self.sums.runs if self.sums.runs and not self.all_unpriced else None

    @property
    def tokens(self) -> int:
        return self.sums.input_tokens + self.sums.output_tokens

    @property
    def all_unpriced(self) -> bool:
        """Whether no price is known of anything here: then the cost is unknown, not $0.00."""
        return bool(self.sums.calls) and not self.sums.priced_calls


ORDER: Mapping[str, Callable[[Row], Any]] = {
    "cost": lambda row: row.sums.cost,
    "change": lambda row: row.change,
    "runs": lambda row: row.sums.runs,
    "per_run": lambda row: row.per_run or Decimal(0),
    "calls": lambda row: row.sums.calls,
    "tokens": lambda row: row.tokens,
    "name": lambda row: row.label.casefold(),
}


@dataclass(frozen=True)
class Table:
    """`rows` in order, Other and Not attributed after them, then `total`. `hidden`: how many values Other holds."""

    rows: list[Row]
    total: Row
    hidden: int


def table(
    state: State, answer: Answer, compared: Answer, colours: Mapping[str, str], most: int | None = OPENED
) -> Table:
    """The rows of an answer beside those of the span it is compared with; `most` when all are asked for."""
    now, before = _sums(answer, state.by), _sums(compared, state.by)
    named = _sorted(state, [Row(v, v, s, before.get(v, NO_SUMS), colours.get(v, "other")) for v, s in now.items() if v])
    limit = most if state.all_rows else SHOWN
    shown = named if limit is None or len(named) <= limit + 1 else named[:limit]
    rest = _rest(state, named[len(shown) :], shown, answer, compared)
    none = Row("", display.NOT_ATTRIBUTED, now.get("", NO_SUMS), before.get("", NO_SUMS), "none")
    rows = [*shown, *([rest] if rest.sums or rest.before else []), *([none] if none.sums or none.before else [])]
    top = max((row.sums.cost for row in rows if row.value is not None), default=Decimal(0))
    total = Row(None, "Total", answer.total, compared.total)
    finished = [_finish(state, row, answer.total.cost, top) for row in rows]
    return Table(finished, replace(total, total_cost=answer.total.cost), len(named) - len(shown))


def _sorted(state: State, rows: list[Row]) -> list[Row]:
    """As the page asks; those alike by cost, dearest first, and those of one cost by name."""
    dearest = sorted(rows, key=lambda row: (-row.sums.cost, row.label))
    return sorted(dearest, key=ORDER[state.sort.removeprefix("-")], reverse=state.sort.startswith("-"))


def _rest(state: State, hidden: list[Row], shown: list[Row], answer: Answer, compared: Answer) -> Row:
    """All values without a row of their own, and what was spent before under names that are gone."""
    sums = add([*(row.sums for row in hidden), *(group.sums for group in answer.groups if group.other)])
    nameless = _sums(compared, state.by).get("", NO_SUMS)
    before = less(compared.total, *(row.before for row in shown), nameless)
    many = display.at_least(len(hidden), answer.left_out)
    label = f"Other ({many})" if hidden else "Other" if sums else "No longer there"
    opens = state.url(path=EXPLORE if state.all_rows else state.path, all_rows=True) if sums else ""
    return Row(None, label, sums, before, url=opens, leaves=state.all_rows)


def _finish(state: State, row: Row, total_cost: Decimal, top_cost: Decimal) -> Row:
    """A row that is shown, with its address and what its bars are measured by."""
    if row.value is not None:
        row = replace(row, url=state.drill(row.value), leaves=state.leaves(row.value))
    return replace(row, total_cost=total_cost, top_cost=top_cost)


def _sums(answer: Answer, by: str) -> dict[str, Sums]:
    return {value: group.sums for group in answer.groups if (value := group.values[by]) is not None}


def csv_rows(state: State, found: Table) -> Sequence[Sequence[Any]]:
    """The table as it is on the page, with all digits: a heading, the rows, the total."""
    heading = [
        state.by, "cost_usd", "share", "cost_before_usd", "change_usd", "runs", "cost_per_run_usd", "calls",
        "priced_calls", "unpriced_calls", "usage_unknown_calls", "unpriced_upper_bound_usd",
        "input_tokens", "cached_input_tokens", "output_tokens",
    ]  # fmt: skip
    return [heading, *(_csv_row(row) for row in [*found.rows, found.total])]


def _csv_row(row: Row) -> list[Any]:
    s = row.sums
    return [
        row.label, s.cost, _six(row.share), row.before.cost, row.change, s.runs, _twelve(row.per_run), s.calls,
        s.priced_calls, s.unpriced_calls, s.unknown_calls, s.upper_bound,
        s.input_tokens, s.cached_input_tokens, s.output_tokens,
    ]  # fmt: skip


def _six(share: Decimal | None) -> Decimal | str:
    return "" if share is None else share.quantize(Decimal("0.000001"))


def _twelve(amount: Decimal | None) -> Decimal | str:
    return "" if amount is None else amount.quantize(Decimal("0.000000000001"))
