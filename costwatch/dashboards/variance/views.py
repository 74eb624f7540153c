"""The variance page and its CSV."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from costwatch.accounts.access import MemberRequest, member_page
from costwatch.dashboards import menu
from costwatch.dashboards.csv import csv_answer
from costwatch.dashboards.explore import comparing
from costwatch.dashboards.state import title
from costwatch.dashboards.variance.page import choices, csv_rows, page, read
from costwatch.dashboards.variance.question import ALL, WAYS, VarianceState
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
from costwatch.spend.dimensions import is_dimension

FIELDS = ("by", "against", "cfirst", "clast")  # of the form; everything else it keeps


@member_page("viewer")
@understandable
def variance(request: MemberRequest) -> HttpResponse:
    """Why spend differs between two spans."""
    state = VarianceState.read(request.GET, request.workspace, timezone.now())
    if "value" in request.GET and is_dimension(request.GET.get("pick", "")):
        return redirect(with_typed_value(request, state))
    filters = filter_menu(request, state)
    if is_for(request, "filter-panel"):
        return render(request, "dashboards/filter_panel.html", filters)
    context: dict[str, Any] = {
        **frame(state),
        **filters,
        "page": page(request.workspace, state, state.range.now),
        "by": title(state.by) if state.by else "",
        "groupings": choices(menu.tag_names(request.workspace.lane)),
        "chosen_grouping": state.by or ALL,
        "ways": WAYS.items(),
        "is_custom": state.against == comparing.CUSTOM,
        "pairs_kept": [pair for pair in hidden_pairs(state) if pair[0] not in FIELDS],
        "without_filters": state.url(include={}, exclude={}),
    }
    response = page_or_fragment(request, "variance/variance.html", "variance/body.html", context)
    if is_fragment(request):
        response["HX-Push-Url"] = state.url()  # a form sends every field; the address says what is not usual
    return response


@member_page("viewer")
@understandable
def variance_csv(request: MemberRequest) -> HttpResponse:
    """The table of the page with all digits."""
    state = VarianceState.read(request.GET, request.workspace, timezone.now())
    rows = csv_rows(state, read(request.workspace, state, state.range.now))
    return csv_answer(rows, f"variance-{state.range.first}-{state.range.last}.csv")
