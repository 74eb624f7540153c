"""The paths of sessions: how many escalate to the dearest agent or model, and what each hop costs."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from costwatch.accounts.models import Workspace
from costwatch.dashboards import colours, display
from costwatch.dashboards.addresses import profile_url
from costwatch.dashboards.menu import Choice
from costwatch.dashboards.sessions.listing import ARROW, since
from costwatch.dashboards.state import State, plural, title
from costwatch.spend.session_paths import BY, Paths, Stage, Way, escalation
from costwatch.spend.session_paths import paths as find


@dataclass(frozen=True)
class Hop:
    """A hop of a path: what it costs per session, and its part of the path's cost."""

    label: str
    colour: str
    cost: Decimal
    offset: str
    width: str


@dataclass(frozen=True)
class Line:
    """A path: its share of the sessions, its cost per session, its hops."""

    hops: list[Hop]
    sessions: int
    share: Decimal
    per_session: Decimal
    cost: Decimal


@dataclass(frozen=True)
class Escalation:
    """The stage that is dearest for who gets there, beside the sessions that do not."""

    label: str
    share: Decimal
    sessions: int
    with_it: Decimal
    at_it: Decimal
    without_it: Decimal | None
    share_of_cost: Decimal | None


def content(workspace: Workspace, state: State) -> dict[str, Any]:
    """The page's content."""
    by = state.by if state.by in BY else BY[0]
    found = find(workspace, state.filter(), by)
    owned = colours.slots(workspace, by, state.range.now)
    names = [stage.name for stage in sorted(found.stages, key=lambda stage: -stage.cost) if stage.name]
    colour = colours.assign(names[: colours.SERIES], owned)
    shown = sum(way.sessions for way in found.ways)
    return {
        "found": found,
        "by": title(by).lower(),
        "by_plural": plural(by),
        "by_tabs": [Choice(name, plural(name), state.url(by=name), name == by) for name in BY],
        "stages": [(stage, profile_url(by, stage.name), *_of(stage, found)) for stage in found.stages],
        "lines": [_line(way, found.sessions, colour) for way in found.ways],
        "rest": found.sessions - shown,
        "rest_cost": found.cost - sum((way.cost for way in found.ways), Decimal(0)),
        "escalation": _escalation(found),
        "since": since(found.start, state),
    }


def csv_rows(workspace: Workspace, state: State) -> list[list[Any]]:
    """The paths with all digits: one row for each of their hops."""
    by = state.by if state.by in BY else BY[0]
    heading = ["path", "sessions", "path_cost_usd", "hop", by, "hop_cost_usd"]
    return [heading] + [
        [ARROW.join(map(display.name, way.names)), way.sessions, way.cost, place, display.name(name), cost]
        for way in find(workspace, state.filter(), by).ways
        for place, (name, cost) in enumerate(zip(way.names, way.costs, strict=False), 1)
    ]


def _of(stage: Stage, found: Paths) -> tuple[Decimal, Decimal, Decimal]:
    """(share of the sessions that reach it, cost there per session that does, share of all cost)."""
    whole = stage.cost / found.cost if found.cost else Decimal(0)
    return Decimal(stage.sessions) / found.sessions, stage.cost / stage.sessions, whole


def _line(way: Way, sessions: int, colour: dict[str, str]) -> Line:
    hops, offset = [], Decimal(0)
    for name, cost in zip(way.names, way.costs, strict=False):
        each = cost / way.sessions
        key = colour.get(name, colours.OTHER) if name else colours.NONE
        width = max(cost / way.cost, Decimal(0)) if way.cost > 0 else Decimal(0)
        hops.append(Hop(display.name(name), key, each, f"{offset * 100:.2f}%", f"{width * 100:.2f}%"))
        offset += width
    return Line(hops, way.sessions, Decimal(way.sessions) / sessions, way.cost / way.sessions, way.cost)


def _escalation(found: Paths) -> Escalation | None:
    stage = escalation(found)
    if stage is None:
        return None
    others, rest = found.sessions - stage.sessions, found.cost - stage.whole_cost
    return Escalation(
        label=display.name(stage.name),
        share=Decimal(stage.later) / found.sessions,
        sessions=stage.later,
        with_it=stage.whole_cost / stage.sessions,
        at_it=stage.cost / stage.sessions,
        without_it=rest / others if others else None,
        share_of_cost=stage.cost / found.cost if found.cost else None,
    )
