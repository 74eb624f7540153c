"""The incidents about one value of a dimension."""

from costwatch.accounts.models import Workspace
from costwatch.alerts import listing
from costwatch.alerts.models import Incident
from costwatch.dashboards.marks.about import about, under
from costwatch.dashboards.marks.find import ABOUT, of_span
from costwatch.dashboards.state import State

SHOWN = 5  # in the list
LOOKED_AT = 200  # of the newest


def incidents_about(workspace: Workspace, state: State, dimension: str, value: str) -> list[Incident]:
    """Those about this value, newest first, among the newest of all and, where these do not reach back that far, those
    of the state's span."""
    newest = list(listing.find(workspace.pk).select_related("owner", "workspace")[:LOOKED_AT])
    older = [] if _reach_back(newest, state) else of_span(workspace, state.range, *ABOUT)
    known = {row.pk for row in newest}
    rows = newest + [row for row in older if row.pk not in known]
    kept = about(workspace, rows, dimension, (value,))
    return [row for row in rows if row.pk in kept]


def of_chart(workspace: Workspace, state: State, rows: list[Incident]) -> list[Incident]:
    """Those of them that the state's further conditions mean too."""
    return under(workspace, rows, state.include, state.exclude)


def _reach_back(newest: list[Incident], state: State) -> bool:
    """Whether the newest are all there are since the span began."""
    return len(newest) < LOOKED_AT or newest[-1].opened_at < state.range.start
