"""The variance of two spans out of the books: whose spend changed, and by which effect."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from costwatch.lib import periods
from costwatch.spend.dimensions import USER, is_attribution, is_dimension
from costwatch.spend.filters import SpendFilter
from costwatch.spend.queries import MOST_GROUPS, Workspace, query
from costwatch.spend.rates import rates_of
from costwatch.spend.snapshot import snapshot
from costwatch.spend.sums import Sums, add, less
from costwatch.spend.variance import Cell, Effects, Rates, split
from costwatch.spend.variance import add as add_effects

MODEL = "model"
MOST_USERS = 500  # as the next, of users: those that cost most in either span
MOST_VALUES = 10_000  # looked at; those that cost most and those that changed most have a part of their own:
OWN_PARTS = 15
MOST_CALLS = 60_000  # of users, who are in no rollup with models: their calls are read one by one
PRICED_DAYS = 62  # of a longer span the prices of so many days are looked at, evenly apart
MEASURES = ("cost", "calls", "runs", "input_tokens", "cached_input_tokens", "cache_write_tokens", "output_tokens")

ByModel = dict[str, Sums]


@dataclass(frozen=True)
class Part:
    """One value of the grouping: its MEASURES in both spans and what makes the difference. None: all values without a
    part of their own, `count` of them (0: it is not known how many)."""

    value: str | None
    before: Sums
    after: Sums
    effects: Effects
    count: int = 1

    @property
    def change(self) -> Decimal:
        return self.after.cost - self.before.cost


@dataclass(frozen=True)
class Variance:
    """The difference of two spans. The parts add up to `before`, `after` and `effects`, and those to it, exactly.

    Everything committed before `complete_until` is counted.
    """

    before: Sums
    after: Sums
    effects: Effects
    parts: list[Part]
    complete_until: datetime

    @property
    def change(self) -> Decimal:
        return self.after.cost - self.before.cost


def is_groupable(name: str) -> bool:
    """Whether parts can be told by this dimension: runs and sessions are not there again, they would all be new."""
    return is_dimension(name) and (is_attribution(name) or name == USER)


def variance(workspace: Workspace, before: SpendFilter, after: SpendFilter, now: datetime, by: str = "") -> Variance:
    """The difference between two spans by the values of a dimension ("": of all together), the largest change first.

    `now`: days after it do not count for the mean prices of a span.
    """
    with snapshot(workspace.lane) as books:
        sides = [_Side(workspace, span, by) for span in (before, after)]
        chosen = _affordable(_chosen(sides), sides) if by == USER else _chosen(sides)
        for side in sides:
            side.take_apart(workspace, chosen)
    tz = periods.zone(workspace.time_zone)
    models = sorted({model for side in sides for model in side.models if model})
    rates = [rates_of(workspace.lane, models, _days(side.span, now, tz), tz) for side in sides]
    parts = [_part(value, sides, rates) for value in chosen]
    rest = _part(None, sides, rates)
    if rest.before or rest.after:
        others = 0 if any(side.is_cut for side in sides) else len({*sides[0].values, *sides[1].values} - set(chosen))
        parts.append(replace(rest, count=others))
    parts.sort(key=lambda part: (part.value is None, -abs(part.change)))
    return Variance(sides[0].total, sides[1].total, add_effects(part.effects for part in parts), parts, books.at)


class _Side:
    """One span: its sums by model, by value, and of the chosen values by both."""

    def __init__(self, workspace: Workspace, span: SpendFilter, by: str) -> None:
        self.span, self.by, self.is_cut = span, by, False
        self.total = query(workspace, span).total
        self.models = _by(workspace, span, MODEL, MEASURES)
        if by in ("", MODEL):
            self.values = self.models if by else {"": self.total} if self.total else {}
        else:
            most = MOST_USERS if by == USER else MOST_VALUES
            self.values = _by(workspace, span, by, ("cost", "calls"), most)
            self.is_cut = len(self.values) >= most
        self.parts: dict[str | None, ByModel] = {}

    def take_apart(self, workspace: Workspace, chosen: Sequence[str]) -> None:
        """The chosen values by model; what is left of each model's sums is that of all others together."""
        if self.by == MODEL:
            self.parts = {value: {value: self.models[value]} for value in chosen if value in self.models}
        elif not self.by:
            self.parts = {"": self.models}
        elif chosen:
            narrowed = replace(self.span, include={**self.span.include, self.by: tuple(chosen)})
            found = query(workspace, narrowed, (self.by, MODEL), limit=MOST_GROUPS, measures=MEASURES)
            for group in found.groups:
                self.parts.setdefault(group.values[self.by], {})[group.values[MODEL] or ""] = group.sums
        own: dict[str, list[Sums]] = {}
        for by_model in self.parts.values():
            for model, sums in by_model.items():
                own.setdefault(model, []).append(sums)
        left = {model: less(sums, *own.get(model, ())) for model, sums in self.models.items()}
        self.parts[None] = {model: sums for model, sums in left.items() if sums}


def _by(
    workspace: Workspace, span: SpendFilter, dimension: str, measures: Sequence[str], most: int = MOST_VALUES
) -> ByModel:
    groups = query(workspace, span, (dimension,), limit=most, measures=measures).groups
    return {group.values[dimension] or "": group.sums for group in groups if not group.other}


def _chosen(sides: Sequence[_Side]) -> list[str]:
    """The values with a part of their own: those that cost most in either span, and those that changed most.

    The most important come first.
    """
    before, after = (side.values for side in sides)
    nothing = Sums()
    costs = [(before.get(v, nothing).cost, after.get(v, nothing).cost, v) for v in before.keys() | after.keys()]
    dearest = sorted(costs, key=lambda c: (-max(c[0], c[1]), c[2]))[:OWN_PARTS]
    changed = sorted(costs, key=lambda c: (-abs(c[0] - c[1]), c[2]))[:OWN_PARTS]
    return list(dict.fromkeys(value for _, _, value in [*changed, *dearest]))


def _affordable(chosen: Sequence[str], sides: Sequence[_Side]) -> list[str]:
    """Of the values those whose calls may be read, the most important first."""
    kept, left = [], MOST_CALLS
    for value in chosen:
        calls = sum(side.values[value].calls for side in sides if value in side.values)
        if calls <= left:
            kept.append(value)
            left -= calls
    return kept


def _part(value: str | None, sides: Sequence[_Side], rates: Sequence[dict[str, Rates | None]]) -> Part:
    found = [side.parts.get(value, {}) for side in sides]
    cells = [
        {model: _cell(sums, own.get(model)) for model, sums in by_model.items()}
        for by_model, own in zip(found, rates, strict=True)
    ]
    before, after = (add(by_model.values()) for by_model in found)
    return Part(value, before, after, split(*cells))


def _cell(s: Sums, rates: Rates | None) -> Cell:
    return Cell(
        s.calls, s.runs, s.input_tokens, s.cached_input_tokens, s.cache_write_tokens, s.output_tokens, s.cost, rates
    )


def _days(span: SpendFilter, now: datetime, tz: ZoneInfo) -> list[date]:
    """Local days of a span whose prices stand for all of it; of one that is not over, days up to now."""
    last_instant = max(min(span.end, now), span.start + timedelta(microseconds=1)) - timedelta(microseconds=1)
    first, last = periods.local_day(span.start, tz), periods.local_day(last_instant, tz)
    count = (last - first).days + 1
    return [first + timedelta(days=n) for n in range(0, count, 1 + (count - 1) // PRICED_DAYS)]
