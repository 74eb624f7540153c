"""What the variance page is asked: two spans, conditions, a grouping; all of it in its address."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from costwatch.dashboards.explore import comparing
from costwatch.dashboards.ranges import Compared, Range, range_of
from costwatch.dashboards.state import USUAL_GROUPING, State
from costwatch.lib import periods
from costwatch.spend.filters import SpendFilter
from costwatch.spend.variances import is_groupable

PATH = "/variance"
ALL = "none"
WAYS = {way: words for way, words in comparing.WAYS.items() if way != comparing.NOTHING}
FIRST = ("agent", "user", "task", "model", "provider", "environment", "release", "key")
BELOW = {"agent": "task", "task": "model"}


@dataclass(frozen=True)
class VarianceState(State):
    """A State with the span it is held against. `by` "" = all together."""

    against: str = comparing.MONTH
    chosen: comparing.Days | None = None
    path: str = PATH

    @classmethod
    def read(cls, params: Any, workspace: Any, now: datetime) -> "VarianceState":
        """The state of an address; raises BadQuery or BadRange. What is not known is as usual."""
        span = range_of(params, now, periods.zone(workspace.time_zone))
        named = {name: params.getlist(name) for name in params if name not in ("from", "to", "tz")}
        conditions = SpendFilter.from_query(named, workspace, now)
        by = params.get("by", USUAL_GROUPING)
        against = params.get("against", "")
        return cls(
            span,
            conditions.include,
            conditions.exclude,
            "" if by == ALL else by if is_groupable(by) else USUAL_GROUPING,
            against=against if against in WAYS else usual_way(span),
            chosen=_chosen(params, span) if against == comparing.CUSTOM else None,
        )

    @property
    def compared(self) -> Compared:
        """The span that this one is held against."""
        found = comparing.compared(self.range, self.against, self.chosen)
        return found or self.range.compared()

    def query(self) -> str:
        """The state as a query string; what is usual is left out."""
        pairs = [("against", self.against)] if self.against != usual_way(self.range) else []
        if self.against == comparing.CUSTOM and self.chosen:
            pairs += [("cfirst", self.chosen[0].isoformat()), ("clast", self.chosen[1].isoformat())]
        pairs += [("by", self.by or ALL)] if self.by != USUAL_GROUPING else []
        pairs += list(self.range.query().items())
        pairs += [(name, value) for name, values in self.include.items() for value in values]
        pairs += [(f"{name}!", value) for name, values in self.exclude.items() for value in values]
        return urlencode(pairs)

    def drill(self, value: str) -> str:
        """Where a click on one value of the grouping leads: to what it is made of."""
        below = BELOW.get(self.by, USUAL_GROUPING)
        return self.url(**self.narrowed(self.by, value), by=below)


def usual_way(span: Range) -> str:
    """A month is held against the same days of the one before, other spans against what was just before."""
    return comparing.MONTH if span.kind == "month" else comparing.PREVIOUS


def _chosen(params: Any, span: Range) -> comparing.Days | None:
    """The days that the address names; a form that has just asked for some has none yet."""
    first, last = params.get("cfirst"), params.get("clast")
    if not (first or last):
        before = span.previous()
        return (before.first, before.last) if before else None
    found = range_of({"first": first or last, "last": last or first}, span.now, span.zone)
    return comparing.checked(found.first, found.last)
