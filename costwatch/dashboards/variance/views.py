"""The variance page and its CSV."""

from typing import Any

from django.http import HttpResponse
from django.utils import timezone

from costwatch.accounts.access import MemberRequest, member_page
from costwatch.dashboards import menu
from costwatch.dashboards.csv import csv_answer
from costwatch.dashboards.explore import comparing
from costwatch.dashboards.state import title
from costwatch.dashboards.variance.page import choices, csv_rows, page, read
from costwatch.dashboards.variance.question import ALL, WAYS, VarianceState
from costwatch.dashboards.views import at_its_address, filtered_page, hidden_pairs, understandable

FIELDS = ("by", "against", "cfirst", "clast")  # of the form; everything else it keeps


@member_page("viewer")
@understandable
def variance(request: MemberRequest) -> HttpResponse:
    """Why spend differs between two spans."""
    state = VarianceState.read(request.GET, request.workspace, timezone.now())
    response = filtered_page(
        request, state, "variance/variance.html", "variance/body.html", lambda: _content(request, state)
    )
    return at_its_address(response, request, state)


def _content(request: MemberRequest, state: VarianceState) -> dict[str, Any]:
    return {
        "page": page(request.workspace, state, state.range.now),
        "by": title(state.by) if state.by else "",
        "groupings": choices(menu.tag_names(request.workspace.lane)),
        "chosen_grouping": state.by or ALL,
        "ways": WAYS.items(),
        "is_custom": state.against == comparing.CUSTOM,
        "pairs_kept": [pair for pair in hidden_pairs(state) if pair[0] not in FIELDS],
    }


@member_page("viewer")
@understandable
def variance_csv(request: MemberRequest) -> HttpResponse:
    """The table of the page with all digits."""
    state = VarianceState.read(request.GET, request.workspace, timezone.now())
    rows = csv_rows(state, read(request.workspace, state, state.range.now))
    return csv_answer(rows, f"variance-{state.range.first}-{state.range.last}.csv")
