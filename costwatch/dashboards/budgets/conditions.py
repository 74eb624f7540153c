"""What a budget counts, as fields of a form: a dimension, its known values to tick, and lines for others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from costwatch.accounts.models import Workspace
from costwatch.budgets.terms import NOT
from costwatch.dashboards import display, menu
from costwatch.dashboards.state import title
from costwatch.lib.periods import DAY
from costwatch.spend.dimensions import EVENT_NAMES, NAMES, TAG, is_dimension
from costwatch.spend.filters import SpendFilter
from costwatch.spend.queries import query

KNOWN = 12  # values to tick, the dearest of the last weeks
LATELY = 30 * DAY
MOST = 16
EMPTY = "Tick at least one value, or write one."


@dataclass(frozen=True)
class Known:
    """A value that was recorded, and what it cost lately."""

    value: str
    label: str
    spent: str
    chosen: bool


@dataclass
class Condition:
    """One line of the form; `number` is part of its fields' names."""

    number: int
    dimension: str = ""
    excluded: bool = False
    values: Sequence[str] = ()
    known: list[Known] = field(default_factory=list)
    error: str = ""

    @property
    def name(self) -> str:
        """As a scope names it."""
        return self.dimension + NOT if self.excluded else self.dimension

    @property
    def others(self) -> str:
        """The values that cannot be ticked, one a line."""
        known = {one.value for one in self.known}
        return "\n".join(value for value in self.values if value not in known)

    @property
    def title(self) -> str:
        return title(self.dimension).lower()


def of_scope(scope: Mapping[str, Sequence[str]]) -> list[Condition]:
    """The lines of a stored scope."""
    return [
        Condition(number, name.removesuffix(NOT), name.endswith(NOT), values)
        for number, (name, values) in enumerate(scope.items())
    ]


def of_query(params: Any) -> dict[str, list[str]]:
    """The scope that an address asks for: ?agent=triage&tag.customer!=Orbit, as on other pages."""
    found: dict[str, list[str]] = {}
    for name in params:
        plain = EVENT_NAMES.get(name.removesuffix(NOT), name.removesuffix(NOT))
        if is_dimension(plain) and name not in ("name", "per"):
            found[plain + (NOT if name.endswith(NOT) else "")] = params.getlist(name)
    return found


def entered(post: Any) -> list[Condition]:
    """The lines as they were sent. What was ticked belongs to the dimension it was shown for."""
    count = post.get("conditions", "0")
    numbers = range(min(int(count), MOST) if count.isascii() and count.isdigit() and len(count) < 4 else 0)
    return [_entered(post, number) for number in numbers if post.get(f"dimension-{number}")]


def scope(lines: Sequence[Condition]) -> dict[str, list[str]]:
    """What the lines say together; several lines of one dimension are one condition."""
    found: dict[str, list[str]] = {}
    for line in lines:
        found[line.name] = [*found.get(line.name, []), *line.values]
    return found


def numbered(workspace: Workspace, lines: Sequence[Condition], now: datetime) -> list[Condition]:
    """The lines with what can be ticked in each, and an empty one to add another."""
    for number, line in enumerate(lines):
        line.number = number
        if is_dimension(line.dimension):
            line.known = _known(workspace, line, now)
    return [*lines, Condition(len(lines))] if len(lines) < MOST else list(lines)


def dimensions(workspace: Workspace, *others: str) -> list[tuple[str, str]]:
    """(name, label) of all that a budget can be narrowed to or be made for each of, and of `others` it has already."""
    names = dict.fromkeys([*NAMES, *(f"{TAG}{name}" for name in menu.tag_names(workspace.lane)), *filter(None, others)])
    return [(name, f"tag {name.removeprefix(TAG)}" if name.startswith(TAG) else title(name)) for name in names]


def _entered(post: Any, number: int) -> Condition:
    dimension = post[f"dimension-{number}"]
    ticked = post.getlist(f"known-{number}") if post.get(f"shown-{number}") == dimension else []
    lines = [line.strip() for line in post.get(f"others-{number}", "").splitlines()]
    values = dict.fromkeys([*ticked, *(line for line in lines if line)])
    return Condition(number, dimension, post.get(f"is-{number}") == "not", tuple(values))


def _known(workspace: Workspace, line: Condition, now: datetime) -> list[Known]:
    lately = SpendFilter(now - LATELY, now)
    groups = query(workspace, lately, [line.dimension], limit=KNOWN).groups
    return [
        Known(value, display.name(value), display.money(group.sums.cost), value in line.values)
        for group in groups
        if not group.other and (value := group.values[line.dimension]) is not None
    ]
