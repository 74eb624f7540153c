"""The choices a page offers: periods, groupings, values to filter by."""

from dataclasses import dataclass, replace
from decimal import Decimal

from django.core.cache import cache
from django.db.models import F, Func

from costwatch.accounts.models import Workspace
from costwatch.dashboards import display
from costwatch.dashboards.ranges import PRESETS, of_preset
from costwatch.dashboards.state import TABS, State, title
from costwatch.ledger.models import Attribution
from costwatch.spend.dimensions import NAMES, TAG
from costwatch.spend.filters import SpendFilter
from costwatch.spend.queries import query

MOST_TAGS = 40
TAGS_FOR = 30  # seconds
VALUES = 12
KEYS = {"today": "d", "7d": "w", "month": "m"}


@dataclass(frozen=True)
class Choice:
    """One link of a menu."""

    name: str
    label: str
    url: str
    current: bool = False
    key: str = ""


@dataclass(frozen=True)
class Value:
    """One value a filter can take: what it cost, whether it is chosen, and the addresses with it and without it."""

    value: str
    label: str
    cost: Decimal
    is_url: str
    is_not_url: str
    chosen: bool


@dataclass(frozen=True)
class Picked:
    """The dimension whose values the filter menu offers."""

    name: str
    label: str
    values: list[Value]
    more: bool


def period_choices(state: State) -> list[Choice]:
    """Today, yesterday, 7 days, month to date, 30 days."""
    span = state.range
    return [
        Choice(
            name,
            label,
            state.url(range=of_preset(name, span.now, span.zone)),
            name == span.preset,
            KEYS.get(name, ""),
        )
        for name, label in PRESETS.items()
    ]


def tag_names(lane: int) -> list[str]:
    """The tags that calls carry, by name."""
    named = Attribution.objects.filter(lane=lane).annotate(tag=Func(F("tags"), function="jsonb_object_keys"))
    found = named.values_list("tag", flat=True).distinct()[:MOST_TAGS]
    names: list[str] | None = cache.get_or_set(f"tags:{lane}", lambda: sorted(found), TAGS_FOR)
    return names or []


def groupings(state: State, lane: int) -> tuple[list[Choice], list[Choice]]:
    """The groupings that stand as tabs (with the current one), and the others."""
    tags = [f"{TAG}{name}" for name in tag_names(lane)]
    first = [*TABS, *(tag for tag in tags[:1])]
    if state.by not in first:
        first.append(state.by)
    rest = [name for name in (*NAMES, *tags) if name not in first]
    return [_by(state, name) for name in first], [_by(state, name) for name in rest]


def filter_choices(state: State, lane: int) -> list[Choice]:
    """The dimensions a filter can be put on."""
    names = (*TABS, "environment", *(f"{TAG}{name}" for name in tag_names(lane)))
    names += tuple(name for name in NAMES if name not in names)
    return [Choice(name, title(name), name) for name in names]


def picked(workspace: Workspace, state: State, dimension: str) -> Picked:
    """The dearest values of a dimension in the page's span, whatever condition is on it now."""
    rest = SpendFilter(state.range.start, state.range.end, state.include, state.exclude).without(dimension)
    chosen = state.include.get(dimension, ())
    groups = query(workspace, rest, (dimension,), limit=VALUES).groups
    found = {value: group.sums.cost for group in groups if (value := group.values[dimension]) is not None}
    cut_off = any(group.other for group in groups)
    missing = [value for value in dict.fromkeys([*chosen, *([""] if cut_off else [])]) if value not in found]
    if missing:
        also = query(workspace, replace(rest, include={**rest.include, dimension: tuple(missing)}), (dimension,))
        costs = {group.values[dimension]: group.sums.cost for group in also.groups}
        found |= {value: costs.get(value, Decimal(0)) for value in missing}
    values = [
        Value(
            value,
            display.name(value),
            cost,
            state.url(**state.narrowed(dimension, value)),
            state.url(**state.narrowed(dimension, value, excluded=True)),
            value in chosen,
        )
        for value, cost in found.items()
    ]
    return Picked(dimension, title(dimension), values, cut_off)


def _by(state: State, name: str) -> Choice:
    return Choice(name, title(name), state.url(by=name, sort="-cost", all_rows=False), name == state.by)
