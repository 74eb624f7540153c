"""The rows of a run's table: calls, and stretches of calls that bought nothing new, each folded into one row. Pure.

A fold is what it hides: its cost, its tokens and its place are those of its calls, so that the table adds up.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import groupby, pairwise

from costwatch.dashboards import display
from costwatch.dashboards.run_calls import Call

FOLDED, ALL, NEW = "folded", "all", "new"
WAYS = {FOLDED: "Repeats folded", ALL: "All", NEW: "Only new"}
LEAST = 3  # calls that a fold hides at least
HEAD, TAIL = 3, 2  # of a stretch stay to be seen
NAMED = 3  # tools


@dataclass(frozen=True)
class Fold:
    """Calls of a run, one after another, that repeat others."""

    calls: Sequence[Call]

    @property
    def first(self) -> Call:
        return self.calls[0]

    @property
    def last(self) -> Call:
        return self.calls[-1]

    @property
    def cost(self) -> Decimal | None:
        """What those with a price cost; None where none has one."""
        known = [call.cost for call in self.calls if call.cost is not None]
        return sum(known, Decimal(0)) if known else None

    @property
    def unpriced(self) -> int:
        return sum(call.cost is None for call in self.calls)

    @property
    def input_tokens(self) -> int:
        return sum(call.input_tokens or 0 for call in self.calls)

    @property
    def output_tokens(self) -> int:
        return sum(call.output_tokens or 0 for call in self.calls)

    @property
    def again(self) -> int:
        return sum(call.again for call in self.calls)

    @property
    def agents(self) -> list[str]:
        return list(dict.fromkeys(display.name(call.agent) for call in self.calls))

    @property
    def models(self) -> list[str]:
        return list(dict.fromkeys(call.model for call in self.calls))

    @property
    def tools(self) -> str:
        """What was asked for, as far as there is room."""
        names = list(dict.fromkeys(call.asked or "reply" for call in self.calls))
        return ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")

    @property
    def words(self) -> str:
        """12 × the same call."""
        kinds = [call.same for call in self.calls]
        count, different = len(kinds), len(set(kinds))
        if different == 1:
            return f"{count:,} × {'the same call' if self.first.fingerprint else 'a call of the same size'}"
        in_turn = different == 2 and all(one != other for one, other in pairwise(kinds))
        return f"{count:,} calls, the same {different:,} {'in turn' if in_turn else 'again'}"

    def drawn(self) -> Iterator[Call]:
        """The fold as one long call of each of its agents, for a picture in time."""
        told = f"calls {self.first.number:,} to {self.last.number:,}"
        for _, group in groupby(sorted(self.calls, key=lambda call: call.agent), key=lambda call: call.agent):
            own = list(group)
            until, cost = max(call.until for call in own), Fold(own).cost
            yield replace(own[0], until=until, cost=cost, asked=self.words, repeats=told, stands_for=len(own))


@dataclass(frozen=True)
class Row:
    """A line of the table: a call, or a fold. `opened`: here begins a fold that was asked to be open."""

    call: Call
    fold: Fold | None = None
    opened: Fold | None = None

    @property
    def calls(self) -> Sequence[Call]:
        return self.fold.calls if self.fold else (self.call,)


def rows(calls: Sequence[Call], way: str = FOLDED, keep: Sequence[int] = (), opened: int = 0) -> list[Row]:
    """The calls as rows. `keep`: the numbers of calls that stay to be seen; `opened`: that of the first call of a fold
    that does not hide its calls. Of `NEW` every repeat is in a fold, of `ALL` none."""
    if way == ALL:
        return [Row(call) for call in calls]
    found: list[Row] = []
    for repeats, group in groupby(calls, key=lambda call: bool(call.repeats)):
        own = list(group)
        if not repeats:
            found += [Row(call) for call in own]
        elif way == NEW:
            found += _folded(own, opened)
        else:
            for part in _apart(own, keep):
                found += _shortened(part, opened)
    return found


def _apart(stretch: Sequence[Call], keep: Sequence[int]) -> list[list[Call]]:
    """The stretch cut behind the calls that stay to be seen."""
    parts: list[list[Call]] = [[]]
    for call in stretch:
        parts[-1].append(call)
        if call.number in keep:
            parts.append([])
    return [part for part in parts if part]


def _shortened(part: Sequence[Call], opened: int) -> list[Row]:
    """The first and the last of some repeats, and the fold between them."""
    if len(part) < HEAD + LEAST + TAIL:
        return [Row(call) for call in part]
    head, middle, tail = part[:HEAD], part[HEAD:-TAIL], part[-TAIL:]
    return [*(Row(call) for call in head), *_folded(middle, opened), *(Row(call) for call in tail)]


def _folded(calls: Sequence[Call], opened: int) -> list[Row]:
    fold = Fold(calls)
    if calls[0].number != opened:
        return [Row(calls[0], fold=fold)]
    return [Row(calls[0], opened=fold), *(Row(call) for call in calls[1:])]
