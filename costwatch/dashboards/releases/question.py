"""What the releases page is asked: a dimension, two of its values, a span, conditions; all of it in its address."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from costwatch.accounts.models import Workspace
from costwatch.dashboards.ranges import range_of
from costwatch.dashboards.state import State
from costwatch.lib import periods
from costwatch.spend.dimensions import is_attribution, is_dimension
from costwatch.spend.filters import SpendFilter
from costwatch.spend.queries import query

PATH = "/releases"
USUAL = "release"
FIRST = ("release", "model", "environment", "agent", "provider")
MOST_VALUES = 200


@dataclass(frozen=True)
class ReleasesState(State):
    """A State with what is held against what; empty where the address does not say it."""

    dimension: str = USUAL
    baseline: str = ""
    candidate: str = ""
    path: str = PATH

    @classmethod
    def read(cls, params: Any, workspace: Workspace, now: datetime) -> "ReleasesState":
        """The state of an address; raises BadQuery or BadRange. What is not known is as usual."""
        span = range_of(params, now, periods.zone(workspace.time_zone))
        named = {name: params.getlist(name) for name in params if name not in ("from", "to", "tz")}
        conditions = SpendFilter.from_query(named, workspace, now)
        dimension = params.get("dimension", USUAL)
        known = is_dimension(dimension) and is_attribution(dimension)
        values = (params.get(name, "").replace("\0", "") for name in ("baseline", "candidate"))
        return cls(span, conditions.include, conditions.exclude, "agent", "-cost", False, PATH,
                   dimension if known else USUAL, *values)  # fmt: skip

    def query(self) -> str:
        """The state as a query string; what is usual is left out."""
        pairs = [(n, getattr(self, n)) for n in ("dimension", "baseline", "candidate")]
        kept = [pair for pair in pairs if pair[1] not in ("", USUAL)]
        kept += list(self.range.query().items())
        kept += [(name, value) for name, values in self.include.items() for value in values]
        kept += [(f"{name}!", value) for name, values in self.exclude.items() for value in values]
        return urlencode(kept)


def values_of(workspace: Workspace, state: ReleasesState) -> list[str]:
    """The values that calls of the span carry, the one that was seen first latest."""
    answer = query(workspace, state.filter(), (state.dimension,), "day", limit=MOST_VALUES, measures=("calls",))
    first: dict[str, datetime] = {}
    for group in answer.groups:
        value = group.values[state.dimension]
        if value and group.bucket:
            first.setdefault(value, group.bucket)
    return sorted(first, key=lambda value: (first[value], value), reverse=True)


def pair_of(state: ReleasesState, values: list[str]) -> tuple[str, str]:
    """(baseline, candidate): as asked for, else the newest value and the one before it of the same thing."""
    candidate = state.candidate or next((value for value in values if value != state.baseline), "")
    before = [value for value in values if value != candidate]
    kin = [value for value in before if "@" in value and value.partition("@")[0] == candidate.partition("@")[0]]
    return state.baseline or next(iter([*kin, *before]), ""), candidate
