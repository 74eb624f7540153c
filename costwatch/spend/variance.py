"""Why spend differs between two spans, split exactly: runs, calls, models, tokens, cache, price. Pure, in Decimal.

One factor after the other takes its new value, in the order of EFFECTS; an effect is what the spend changes by at that
step, so all of them together are the difference, to the last digit. What that means: docs/decisions, variance.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import NamedTuple

PLACES = Decimal("1e-12")
CENT = Decimal("0.01")
ZERO, ONE = Decimal(0), Decimal(1)
ENOUGH_DIGITS = 60

EFFECTS = ("runs", "calls", "mix", "input", "output", "cache", "price", "other")
"""runs: more or fewer runs. calls: calls in a run (all calls, where no runs are told). mix: the models' shares of the
calls. input, output: tokens of a call. cache: the share of the input read from or written to a cache. price: what a
token costs. other: service tiers, long prompts, fees, what is not priced, corrections."""


@dataclass(frozen=True, slots=True)
class Rates:
    """USD of one token by kind; `call`: USD of one call, for what is not counted in tokens."""

    input: Decimal = ZERO
    cached: Decimal = ZERO
    written: Decimal = ZERO
    output: Decimal = ZERO
    call: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Cell:
    """What one model was used for in one span. `input` holds all prompt tokens, `cached` and `written` are parts of it.

    `rates`: the price of a token then; None where no price is known.
    """

    calls: int = 0
    runs: int = 0
    input: int = 0
    cached: int = 0
    written: int = 0
    output: int = 0
    cost: Decimal = ZERO
    rates: Rates | None = None

    @property
    def counts(self) -> bool:
        """Whether this is usage; corrections alone are not."""
        return self.calls > 0 and min(self.input, self.cached, self.written, self.output) >= 0


Cells = Mapping[str, Cell]
Effects = dict[str, Decimal]


class _Factors(NamedTuple):
    """What a call of one model costs, taken apart, in the order of the steps; `share` is the model's of all calls.

    `cached` and `written` are together: shares of the input.
    """

    share: Decimal
    input: Decimal
    output: Decimal
    cache: tuple[Decimal, Decimal]
    rates: Rates
    other: Decimal

    @property
    def cost(self) -> Decimal:
        """USD, for each call there is of all models."""
        r, (cached, written) = self.rates, self.cache
        prompt = self.input * ((ONE - cached - written) * r.input + cached * r.cached + written * r.written)
        return self.share * self.other * (prompt + self.output * r.output + r.call)


_STEPS = ("mix", "input", "output", "cache", "price")  # each is a field of _Factors, in its order


def split(before: Cells, after: Cells) -> Effects:
    """The difference of two spans' spend by effect; the cells are those of one group, by model.

    Spend that was not there before, or is there no more, is all of it an effect of `runs`.
    """
    with localcontext() as context:
        context.prec = ENOUGH_DIGITS
        return _split(before, after)


def add(parts: Iterable[Effects]) -> Effects:
    """The exact sum of several groups' effects."""
    with localcontext() as context:
        context.prec = ENOUGH_DIGITS
        total = dict.fromkeys(EFFECTS, ZERO)
        for part in parts:
            for name, amount in part.items():
                total[name] += amount
        return total


def in_cents(start: Decimal, amounts: Sequence[Decimal], unit: Decimal = CENT) -> list[Decimal]:
    """Amounts to the cent (or another unit) so that they still lead from the rounded start to the rounded end."""
    steps, running, shown = [], start, start.quantize(unit, ROUND_HALF_EVEN)
    for amount in amounts:
        running += amount
        rounded = running.quantize(unit, ROUND_HALF_EVEN)
        steps.append(rounded - shown)
        shown = rounded
    return steps


def _split(before: Cells, after: Cells) -> Effects:
    found = dict.fromkeys(EFFECTS, ZERO)
    old, new = (_sum(c.cost for c in cells.values() if c.counts) for cells in (before, after))
    found["other"] = _sum(c.cost for c in after.values()) - new - (_sum(c.cost for c in before.values()) - old)
    calls = [sum(c.calls for c in cells.values() if c.counts) for cells in (before, after)]
    if not all(calls):
        found["runs"] = new - old
        return found
    runs = [sum(c.runs for c in cells.values() if c.counts) for cells in (before, after)]
    pairs = _pairs(before, after, *calls)
    level = old
    if all(count > 0 for count in runs):
        level = _advance(found, "runs", level, old * runs[1] / runs[0])
    level = _advance(found, "calls", level, old * calls[1] / calls[0])
    for number, name in enumerate(_STEPS, 1):
        moved = (_Factors._make(now[:number] + then[number:]) for then, now in pairs)
        level = _advance(found, name, level, calls[1] * _sum(f.cost for f in moved))
    found["other"] += new - level
    return found


def _advance(found: Effects, name: str, level: Decimal, to: Decimal) -> Decimal:
    rounded = to.quantize(PLACES, ROUND_HALF_EVEN)
    found[name] = rounded - level
    return rounded


def _pairs(before: Cells, after: Cells, calls_before: int, calls_after: int) -> list[tuple[_Factors, _Factors]]:
    """The factors of every model in both spans. What a model had no calls to show for is taken from the other span."""
    pairs = []
    for model in before.keys() | after.keys():
        old, new = before.get(model, Cell()), after.get(model, Cell())
        old, new = (old if old.counts else Cell()), (new if new.counts else Cell())
        if old.calls or new.calls:
            old, new = _with_rates(old, new)
            pairs.append(_filled(_factors(old, calls_before), _factors(new, calls_after), old, new))
    return pairs


def _with_rates(old: Cell, new: Cell) -> tuple[Cell, Cell]:
    """Both with rates: known ones; one span's for the other; else what a token, or a call, came to."""
    rates = old.rates or new.rates
    if rates is not None:
        a, b = (cell if cell.rates else replace(cell, rates=rates) for cell in (old, new))
        if all(_listed(cell) or not cell.cost for cell in (a, b)):
            return a, b
    by_token = all(cell.input + cell.output for cell in (old, new) if cell.calls)
    a, b = (replace(cell, rates=_effective(cell, by_token)) for cell in (old, new))
    return a, b


def _effective(cell: Cell, by_token: bool) -> Rates:
    if not by_token:
        return Rates(call=cell.cost / cell.calls if cell.calls else ZERO)
    each = cell.cost / (cell.input + cell.output) if cell.input + cell.output else ZERO
    return Rates(each, each, each, each)


def _listed(cell: Cell) -> Decimal:
    """What the counted tokens cost at the cell's rates."""
    r = cell.rates or Rates()
    plain = cell.input - cell.cached - cell.written
    listed = plain * r.input + cell.cached * r.cached + cell.written * r.written + cell.output * r.output
    return listed + cell.calls * r.call


def _factors(cell: Cell, calls: int) -> _Factors:
    listed = _listed(cell)
    return _Factors(
        Decimal(cell.calls) / calls,
        _ratio(cell.input, cell.calls),
        _ratio(cell.output, cell.calls),
        (_ratio(cell.cached, cell.input), _ratio(cell.written, cell.input)),
        cell.rates or Rates(),
        cell.cost / listed if listed else ONE,
    )


def _filled(old: _Factors, new: _Factors, of_old: Cell, of_new: Cell) -> tuple[_Factors, _Factors]:
    if not of_old.calls:
        return new._replace(share=ZERO), new
    if not of_new.calls:
        return old, old._replace(share=ZERO)
    if not of_old.input:
        old = old._replace(cache=new.cache)
    if not of_new.input:
        new = new._replace(cache=old.cache)
    return old, new


def _ratio(part: int, whole: int) -> Decimal:
    return Decimal(part) / whole if whole else ZERO


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, ZERO)
