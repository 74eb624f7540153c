"""What changed: who moved the total, in dollars, against the compared span."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from costwatch.dashboards import display
from costwatch.dashboards.state import State
from costwatch.lib.signs import signed
from costwatch.spend.queries import Answer
from costwatch.spend.sums import Sums

SHOWN = 6
LOOKED_INTO = 8  # values with the largest sums, and as many with the largest change: among their parts are the movers
SMALLEST = Decimal("0.005")
NO_SUMS = Sums()


@dataclass(frozen=True)
class Mover:
    """One mover: its amount, why in a few words, and its bar around the middle of the column (in per cent)."""

    label: str
    detail: str
    url: str
    delta: Decimal
    why: str
    bar_from: str
    bar_width: str

    @property
    def state(self) -> str:
        return "bad" if self.delta > 0 else "ok"


@dataclass(frozen=True)
class Movers:
    """The largest changes, and what all others come to."""

    movers: list[Mover]
    others: Decimal


def grouping(by: str) -> tuple[str, ...]:
    """Agents are looked at together with their models, for a move from one to the other is what often happened."""
    return (by, "model") if by == "agent" else (by,)


def worth_a_look(by: str, answer: Answer, compared: Answer) -> tuple[str, ...]:
    """The values of a dimension whose parts may hold the largest changes: the dearest and the most changed ones.

    All crossings of 200 agents with 30 models take ten times as long as those of these few.
    """
    now, before = _sums(answer, (by,)), _sums(compared, (by,))
    costs = [(now.get(key, NO_SUMS).cost, before.get(key, NO_SUMS).cost, key[0]) for key in now | before]
    dearest = sorted(costs, key=lambda c: -max(c[0], c[1]))[:LOOKED_INTO]
    changed = sorted(costs, key=lambda c: -abs(c[0] - c[1]))[:LOOKED_INTO]
    return tuple(sorted({value for _, _, value in [*dearest, *changed]}))


def movers(state: State, answer: Answer, compared: Answer, net: Decimal) -> Movers:
    """The movers between two answers grouped by `grouping(state.by)`; `net`: the change of all there is."""
    names = grouping(state.by)
    now, before = _sums(answer, names), _sums(compared, names)
    deltas = [(now.get(key, NO_SUMS).cost - before.get(key, NO_SUMS).cost, key) for key in now | before]
    deltas = sorted((d for d in deltas if abs(d[0]) >= SMALLEST), key=lambda d: -abs(d[0]))
    largest = abs(deltas[0][0]) if deltas else Decimal(1)
    first = sorted(deltas[:SHOWN], reverse=True)
    shown = [
        _mover(state, key, delta, now.get(key, NO_SUMS), before.get(key, NO_SUMS), largest) for delta, key in first
    ]
    return Movers(shown, net - sum((d for d, _ in first), Decimal(0)))


def _mover(state: State, key: tuple[str, ...], delta: Decimal, now: Sums, before: Sums, largest: Decimal) -> Mover:
    half = 50 * float(abs(delta) / largest)
    return Mover(
        display.name(key[0]),
        display.name(key[1]) if len(key) > 1 else "",
        state.drill(key[0]),
        delta,
        why(now, before),
        f"{50 if delta > 0 else 50 - half:.2f}%",
        f"{half:.2f}%",
    )


def why(now: Sums, before: Sums) -> str:
    """The reason in a few words: new, gone, more calls, dearer calls."""
    if not before.calls:
        return "not there before"
    if not now.calls:
        return "no calls any more"
    parts = [
        _told(Decimal(now.calls), Decimal(before.calls), "calls"),
        _told(now.cost / now.calls, before.cost / before.calls, "per call"),
    ]
    return ", ".join(part for part in parts if part)


def _told(now: Decimal, before: Decimal, what: str) -> str:
    if before <= 0:
        return ""
    ratio = now / before - 1
    size = f"{abs(ratio) * 100:,.0f}"
    return f"same {what}" if size == "0" else f"{signed(ratio, size)}{display.NBSP}% {what}"


def _sums(answer: Answer, names: Sequence[str]) -> dict[tuple[str, ...], Sums]:
    return {tuple(group.values[name] or "" for name in names): group.sums for group in answer.groups if not group.other}
