"""The releases page and its CSV."""

from typing import Any

from django.http import HttpResponse
from django.utils import timezone

from costwatch.accounts.access import MemberRequest, member_page
from costwatch.dashboards import menu
from costwatch.dashboards.csv import csv_answer
from costwatch.dashboards.releases.page import csv_rows, heading, page
from costwatch.dashboards.releases.question import FIRST, ReleasesState, pair_of, values_of
from costwatch.dashboards.state import title
from costwatch.dashboards.views import at_its_address, filtered_page, hidden_pairs, understandable
from costwatch.spend.comparison import compare
from costwatch.spend.dimensions import TAG

FIELDS = ("dimension", "baseline", "candidate")  # of the form; everything else it keeps


@member_page("viewer")
@understandable
def releases(request: MemberRequest) -> HttpResponse:
    """Is one release dearer or worse than another?"""
    state = ReleasesState.read(request.GET, request.workspace, timezone.now())
    response = filtered_page(
        request, state, "releases/releases.html", "releases/body.html", lambda: _content(request, state)
    )
    return at_its_address(response, request, state)


def _content(request: MemberRequest, state: ReleasesState) -> dict[str, Any]:
    workspace = request.workspace
    values = values_of(workspace, state)
    baseline, candidate = pair_of(state, values)
    server = f"{request.scheme}://{request.get_host()}"
    both = baseline and candidate
    names = [*FIRST, *(f"{TAG}{tag}" for tag in menu.tag_names(workspace.lane))]
    return {
        "page": page(workspace, state, baseline, candidate, state.range.now, server) if both else None,
        "heading": heading(state),
        "dimensions": [(name, title(name)) for name in dict.fromkeys([*names, state.dimension])],
        "values": list(dict.fromkeys([*values, *(value for value in (baseline, candidate) if value)])),
        "baseline": baseline,
        "candidate": candidate,
        "turned": state.url(baseline=candidate, candidate=baseline),
        "pairs_kept": [pair for pair in hidden_pairs(state) if pair[0] not in FIELDS],
    }


@member_page("viewer")
@understandable
def releases_csv(request: MemberRequest) -> HttpResponse:
    """The table of the page with all digits."""
    state = ReleasesState.read(request.GET, request.workspace, timezone.now())
    baseline, candidate = pair_of(state, values_of(request.workspace, state))
    found = compare(request.workspace, state.filter(), state.dimension, baseline, candidate, state.range.now)
    return csv_answer(csv_rows(found), f"{state.dimension}-compared-{state.range.first}-{state.range.last}.csv")
