"""The list of runs: one page of it, with the percentiles of the span and the runs that are out of line."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from costwatch.accounts.models import Workspace
from costwatch.alerts import listing
from costwatch.dashboards import incident_page
from costwatch.dashboards.addresses import profile_url, run_url
from costwatch.dashboards.incident_page import Item
from costwatch.dashboards.state import State
from costwatch.spend.bounds import bounded
from costwatch.spend.run_figures import RunFigures, run_figures
from costwatch.spend.runs import RunRow
from costwatch.spend.runs import runs as find_runs
from costwatch.spend.snapshot import snapshot

MOST_RUNS = 200_000  # are put in an order at once, the newest; only by their last call there is an index


@dataclass(frozen=True)
class Link:
    """A name in a cell, with the page about it."""

    label: str
    url: str


@dataclass(frozen=True)
class Line:
    """A run. `bar` is its share of the dearest one's cost; `times` the usual cost of its agent's runs it cost, None for
    one that is not out of line. `links`: agent, user, task."""

    run: RunRow
    url: str
    bar: Decimal
    times: Decimal | None
    incident: Item | None
    links: tuple[Link, ...]


@dataclass(frozen=True)
class RunList:
    """One page of the list. `since`: only runs active since then were looked at; None for all of the span."""

    lines: list[Line]
    next_cursor: str | None
    figures: RunFigures
    since: datetime | None


def run_list(workspace: Workspace, state: State, cursor: str | None, limit: int) -> RunList:
    """A page of the runs that a state means, in its order; raises BadQuery."""
    span = state.filter()
    with snapshot(workspace.lane):
        if state.sort.removeprefix("-") != "last":
            span = bounded(workspace, span, MOST_RUNS, "runs")
        page = find_runs(workspace, span, state.sort, cursor, limit)
        figures = run_figures(workspace, span)
    incidents = listing.of_runs(workspace.pk, [run.run_id for run in page.items])
    top = max((run.sums.cost for run in page.items), default=Decimal(0)) or Decimal(1)
    lines = [
        Line(
            run, run_url(run.run_id), run.sums.cost / top, figures.times_usual(run),
            incident_page.item(incidents[run.run_id]) if run.run_id in incidents else None,
            (_link("agent", run.labels["agent"]), _link("user", run.user), _link("task", run.labels["task"])),
        )
        for run in page.items
    ]  # fmt: skip
    return RunList(lines, page.next_cursor, figures, span.start if span.start > state.range.start else None)


def _link(dimension: str, value: str) -> Link:
    return Link(value, profile_url(dimension, value) if value else "")
