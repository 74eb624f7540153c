"""The content of the variance page: one question, told as sentence, waterfall, list and table from the same amounts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from costwatch.accounts.models import Workspace
from costwatch.dashboards import display
from costwatch.dashboards.state import title
from costwatch.dashboards.variance import words
from costwatch.dashboards.variance.drawing import waterfall
from costwatch.dashboards.variance.question import FIRST, VarianceState
from costwatch.lib.periods import midnight
from costwatch.spend.beginning import begun_after
from costwatch.spend.dimensions import TAG
from costwatch.spend.variance import EFFECTS, in_cents
from costwatch.spend.variances import Part, Variance, variance

CENT, FINE = Decimal("0.01"), Decimal("0.000001")


@dataclass(frozen=True)
class Effect:
    """One effect: its amount to the cent, what it means and what drives it."""

    name: str
    label: str
    amount: Decimal
    meaning: str
    driver: str

    @property
    def state(self) -> str:
        return "bad" if self.amount > 0 else "ok"


@dataclass(frozen=True)
class Row:
    """One value of the grouping, its amounts to the cent; `value` None: several together."""

    label: str
    before: Decimal
    after: Decimal
    change: Decimal
    effects: list[Decimal]
    url: str = ""


@dataclass(frozen=True)
class Page:
    """What the page shows. The effects lead from `before` to `after`, all of them in cents.

    `is_first`: the books begin after all of the compared span, so that there is nothing to compare with.
    """

    found: Variance
    before: Decimal
    after: Decimal
    effects: list[Effect]
    sentence: str
    figure: dict[str, Any]
    described: str
    rows: list[Row]
    total: Row
    is_first: bool

    @property
    def change(self) -> Decimal:
        return self.after - self.before


def page(workspace: Workspace, state: VarianceState, now: datetime) -> Page:
    """The content for a state."""
    found = read(workspace, state, now)
    # where all of it is less than a dollar, cents would hide what it is made of
    unit = CENT if max(found.before.cost, found.after.cost) >= 1 else FINE
    total = _row("Total", found.before.cost, found.after.cost, found.effects, unit)
    drivers = words.drivers(found.before, found.after)
    amounts = dict(zip(EFFECTS, total.effects, strict=True))
    effects = [
        Effect(name, label, amount, words.MEANINGS[name], drivers.get(name, ""))
        for name, label, amount in words.in_order(amounts)
    ]
    has_runs = bool(found.before.runs and found.after.runs)
    compared = state.compared
    begun = begun_after(workspace, compared.start)
    is_first = begun is not None and midnight(begun, state.range.zone) >= compared.end
    said = words.sentence(total.before, total.after, state.range.label, compared.label, amounts, has_runs)
    alone = f"{display.money(total.after)} in {state.range.label}."
    rows = [_part_row(state, part, unit) for part in found.parts] if state.by else []
    return Page(
        found,
        total.before,
        total.after,
        effects,
        words.with_beginning(alone if is_first else said, begun),
        _figure(effects, total.change),
        _described(effects),
        rows,
        total,
        is_first,
    )


def read(workspace: Workspace, state: VarianceState, now: datetime) -> Variance:
    """The variance that a state asks for."""
    compared = state.compared
    return variance(workspace, state.filter(compared.start, compared.end), state.filter(), now, state.by)


def choices(tags: Sequence[str]) -> list[tuple[str, str]]:
    """The groupings: (name, label)."""
    names = [*FIRST, *(f"{TAG}{tag}" for tag in tags)]
    return [("none", "all together"), *((name, title(name)) for name in names)]


def csv_rows(state: VarianceState, found: Variance) -> list[list[Any]]:
    """The table with all digits: a heading, the parts, the total. Every row adds up, and so does every column."""
    heading = [state.by or "part", "cost_before_usd", "cost_usd", "change_usd", *(f"{name}_usd" for name in EFFECTS)]
    rows: list[list[Any]] = [heading]
    for part in found.parts:
        rows.append(
            [
                _label(part) if state.by else "All",
                part.before.cost,
                part.after.cost,
                part.change,
                *_in_order(part.effects),
            ]
        )
    return [*rows, ["Total", found.before.cost, found.after.cost, found.change, *_in_order(found.effects)]]


def _in_order(effects: dict[str, Decimal]) -> list[Decimal]:
    return [effects[name] for name in EFFECTS]


def _part_row(state: VarianceState, part: Part, unit: Decimal) -> Row:
    row = _row(_label(part), part.before.cost, part.after.cost, part.effects, unit)
    if part.value is None:
        return row
    return Row(row.label, row.before, row.after, row.change, row.effects, state.drill(part.value))


def _row(label: str, before: Decimal, after: Decimal, effects: dict[str, Decimal], unit: Decimal) -> Row:
    steps = in_cents(before, _in_order(effects), unit)
    start, end = before.quantize(unit), after.quantize(unit)
    return Row(label, start, end, end - start, steps)


def _label(part: Part) -> str:
    if part.value is None:
        return f"Other ({part.count:,})" if part.count else "Other"
    return display.name(part.value)


def _figure(effects: Sequence[Effect], change: Decimal) -> dict[str, Any]:
    """The waterfall from nothing to the net change; what it comes from is in the sentence above it."""
    labels, bases, lengths, texts, colours = [], [], [], [], []
    running = Decimal(0)
    for effect in effects:
        labels.append(effect.label)
        bases.append(running)
        lengths.append(effect.amount)
        texts.append(display.money_change(effect.amount) if effect.amount else display.NOTHING)
        colours.append(f"--{effect.state}")
        running += effect.amount
    labels.append("Net change")
    bases.append(Decimal(0))
    lengths.append(change)
    texts.append(display.money_change(change))
    colours.append("--ink")
    return waterfall(labels, bases, lengths, texts, colours)


def _described(effects: Sequence[Effect]) -> str:
    told = ", ".join(f"{effect.label} {display.money_change(effect.amount)}" for effect in effects if effect.amount)
    return f"Waterfall of the change: {told or 'nothing changed'}. The list beside it holds the same figures."
