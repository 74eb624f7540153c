"""What a page shows, all of it in its address: span of days, conditions, grouping, order."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from costwatch.dashboards import display
from costwatch.dashboards.addresses import profile_url, run_url
from costwatch.dashboards.ranges import Range, range_of
from costwatch.lib import periods
from costwatch.spend.dimensions import KEY, TAG, is_dimension
from costwatch.spend.filters import SpendFilter

DRILL = {"agent": "task", "task": "user", "user": "run", "session": "run"}
DRILL_FROM_ELSEWHERE = "agent"
USUAL_GROUPING = "agent"
TABS = ("agent", "model", "task", "user", "release")
SORTS = ("cost", "change", "runs", "per_run", "calls", "tokens", "name")
USUAL_SORT = "-cost"
PLURALS = {"key": "API keys", "operation": "Operations"}
TITLES = {"key": "API key"}

Values = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Chip:
    """One condition as people read it, and the address without it; `about` is the page about its value."""

    words: str
    value: str
    without: str
    about: str = ""


@dataclass(frozen=True)
class State:
    """A page's state; `url()` writes it, `from_query` reads it.

    `own`: the dimension whose condition is the page itself, and so no filter of it.
    """

    range: Range
    include: Values = field(default_factory=dict)
    exclude: Values = field(default_factory=dict)
    by: str = USUAL_GROUPING
    sort: str = USUAL_SORT
    all_rows: bool = False
    path: str = "/"
    own: str = field(default="", kw_only=True)

    @classmethod
    def from_query(
        cls, params: Any, workspace: Any, now: datetime, path: str = "/", sorts: Collection[str] = SORTS
    ) -> "State":
        """The state of an address; raises BadQuery or BadRange. Unknown parameters are ignored."""
        days = range_of(params, now, periods.zone(workspace.time_zone))
        named = {name: params.getlist(name) for name in params if name not in ("from", "to", "tz")}
        conditions = SpendFilter.from_query(named, workspace, now)
        by = params.get("by", USUAL_GROUPING)
        sort = params.get("sort", USUAL_SORT)
        return cls(
            days,
            conditions.include,
            conditions.exclude,
            by if is_dimension(by) else USUAL_GROUPING,
            sort if sort.removeprefix("-") in sorts else USUAL_SORT,
            params.get("rows") == "all",
            path,
        )

    def filter(self, start: datetime | None = None, end: datetime | None = None) -> SpendFilter:
        """The conditions over the page's span, or over another one."""
        return SpendFilter(start or self.range.start, end or self.range.end, self.include, self.exclude)

    def query(self) -> str:
        """The state as a query string; what is usual is left out."""
        pairs: list[tuple[str, str]] = list(self.range.query().items())
        pairs += [(name, value) for name, values in self.include.items() for value in values]
        pairs += [(f"{name}!", value) for name, values in self.exclude.items() for value in values]
        if self.by != USUAL_GROUPING:
            pairs.append(("by", self.by))
        if self.sort != USUAL_SORT:
            pairs.append(("sort", self.sort))
        if self.all_rows:
            pairs.append(("rows", "all"))
        return urlencode(pairs)

    def url(self, **changes: Any) -> str:
        """The address of this state with some changes."""
        changed = replace(self, **changes)
        query = changed.query()
        return f"{changed.path}?{query}" if query else changed.path

    def narrowed(self, dimension: str, *values: str, excluded: bool = False) -> dict[str, Any]:
        """The changes of a condition added: `is one of` replaces earlier ones on the dimension, `is not` joins them."""
        if not excluded:
            return {
                "include": {**self.include, dimension: values},
                "exclude": {name: kept for name, kept in self.exclude.items() if name != dimension},
            }
        known = self.exclude.get(dimension, ())
        return {"exclude": {**self.exclude, dimension: tuple(dict.fromkeys((*known, *values)))}}

    def drill(self, value: str) -> str:
        """Where a click on one value of the grouping leads: to what it is made of."""
        if self.by == "run" and value:
            return run_url(value)
        changes = self.narrowed(self.by, value)
        return self.url(**changes, by=self._below(), sort=USUAL_SORT, all_rows=False)

    def chips(self) -> list[Chip]:
        """The conditions, each with the address without it."""
        found = []
        for name, values in self.include.items():
            if name == self.own:
                continue
            words = f"{title(name).lower()} is{' one of' if len(values) > 1 else ''}"
            rest = {key: kept for key, kept in self.include.items() if key != name}
            about = profile_url(name, values[0]) if len(values) == 1 and values[0] and name != KEY else ""
            found.append(Chip(words, ", ".join(map(display.name, values)), self.url(include=rest), about))
        for name, values in self.exclude.items():
            for value in values:
                left = {**self.exclude, name: tuple(v for v in values if v != value)}
                rest = {key: kept for key, kept in left.items() if kept}
                found.append(Chip(f"{title(name).lower()} is not", display.name(value), self.url(exclude=rest)))
        return found

    def sorted_by(self, column: str) -> str:
        """The address sorted by a column; by the one it is sorted by already: the other way round."""
        first = "" if column == "name" else "-"
        turned = first + column if self.sort.removeprefix("-") != column else _turn(self.sort)
        return self.url(sort=turned)

    def leaves(self, value: str | None) -> bool:
        """Whether a click on a value of the grouping leads to another page."""
        return self.by == "run" and bool(value)

    def _below(self) -> str:
        below = DRILL.get(self.by, DRILL_FROM_ELSEWHERE)
        while len(self.include.get(below, ())) == 1 and below != "run":
            below = DRILL.get(below, "run")
        return below


def title(dimension: str) -> str:
    """A dimension as a heading: Agent, API key, Prompt version."""
    name = dimension.removeprefix(TAG).replace("_", " ")
    return TITLES.get(dimension, name[:1].upper() + name[1:])


def plural(dimension: str) -> str:
    """Several values of a dimension: Agents, Customers; a tag whose name is no word keeps it."""
    name = title(dimension)
    if dimension in PLURALS or not name[-1:].isalpha():
        return PLURALS.get(dimension, name)
    return f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"


def _turn(sort: str) -> str:
    return sort.removeprefix("-") if sort.startswith("-") else f"-{sort}"
