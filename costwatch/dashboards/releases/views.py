"""The releases page and its CSV."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from costwatch.accounts.access import MemberRequest, member_page
from costwatch.dashboards import menu
from costwatch.dashboards.csv import csv_answer
from costwatch.dashboards.releases.page import csv_rows, heading, page
from costwatch.dashboards.releases.question import FIRST, ReleasesState, pair_of, values_of
from costwatch.dashboards.state import title
from costwatch.dashboards.views import (
    filter_menu,
    frame,
    hidden_pairs,
    is_for,
    is_fragment,
    page_or_fragment,
    understandable,
    with_typed_value,
)
from costwatch.spend.comparison import compare
from costwatch.spend.dimensions import TAG, is_dimension

FIELDS = ("dimension", "baseline", "candidate")  # of the form; everything else it keeps


@member_page("viewer")
@understandable
def releases(request: MemberRequest) -> HttpResponse:
    """Is one release dearer or worse than another?"""
    workspace = request.workspace
    state = ReleasesState.read(request.GET, workspace, timezone.now())
    if "value" in request.GET and is_dimension(request.GET.get("pick", "")):
        return redirect(with_typed_value(request, state))
    filters = filter_menu(request, state)
    if is_for(request, "filter-panel"):
        return render(request, "dashboards/filter_panel.html", filters)
    values = values_of(workspace, state)
    baseline, candidate = pair_of(state, values)
    server = f"{request.scheme}://{request.get_host()}"
    both = baseline and candidate
    names = [*FIRST, *(f"{TAG}{tag}" for tag in menu.tag_names(workspace.lane))]
    context: dict[str, Any] = {
        **frame(state),
        **filters,
        "page": page(workspace, state, baseline, candidate, state.range.now, server) if both else None,
        "heading": heading(state),
        "dimensions": [(name, title(name)) for name in dict.fromkeys([*names, state.dimension])],
        "values": list(dict.fromkeys([*values, *(value for value in (baseline, candidate) if value)])),
        "baseline": baseline,
        "candidate": candidate,
        "turned": state.url(baseline=candidate, candidate=baseline),
        "pairs_kept": [pair for pair in hidden_pairs(state) if pair[0] not in FIELDS],
        "without_filters": state.url(include={}, exclude={}),
    }
    response = page_or_fragment(request, "releases/releases.html", "releases/body.html", context)
    if is_fragment(request):
        response["HX-Push-Url"] = state.url()
    return response


@member_page("viewer")
@understandable
def releases_csv(request: MemberRequest) -> HttpResponse:
    """The table of the page with all digits."""
    state = ReleasesState.read(request.GET, request.workspace, timezone.now())
    baseline, candidate = pair_of(state, values_of(request.workspace, state))
    found = compare(request.workspace, state.filter(), state.dimension, baseline, candidate, state.range.now)
    return csv_answer(csv_rows(found), f"{state.dimension}-compared-{state.range.first}-{state.range.last}.csv")
