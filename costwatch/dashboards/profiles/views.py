"""The page of a profile and its file."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.http import Http404, HttpResponse
from django.utils import timezone
from django.utils.text import slugify

from costwatch.accounts.access import MemberRequest, member_page
from costwatch.dashboards.addresses import profile_url
from costwatch.dashboards.csv import about, csv_answer, name_of
from costwatch.dashboards.profiles.layouts import is_known
from costwatch.dashboards.profiles.page import csv_rows
from costwatch.dashboards.profiles.page import profile as content
from costwatch.dashboards.ranges import of_kind
from costwatch.dashboards.state import State, plural, title
from costwatch.dashboards.views import filtered_page, understandable
from costwatch.spend.dimensions import TAG


@member_page("viewer")
@understandable
def profile(request: MemberRequest, value: str, dimension: str = "", tag: str = "") -> HttpResponse:
    """What is known of a value whose name survives in a path."""
    return _answer(request, dimension or f"{TAG}{tag}", value)


@member_page("viewer")
@understandable
def profile_csv(request: MemberRequest, value: str, dimension: str = "", tag: str = "") -> HttpResponse:
    """Its tables with all digits."""
    return _file(request, dimension or f"{TAG}{tag}", value)


@member_page("viewer")
@understandable
def any_profile(request: MemberRequest) -> HttpResponse:
    """The same for names that do not: `by` says the dimension, the parameter of that name the value."""
    return _answer(request, *_named(request))


@member_page("viewer")
@understandable
def any_profile_csv(request: MemberRequest) -> HttpResponse:
    """The tables of such a name."""
    return _file(request, *_named(request))


def _named(request: MemberRequest) -> tuple[str, str]:
    dimension = request.GET.get("by", "agent")
    return dimension, request.GET.get(dimension, "")


def _answer(request: MemberRequest, dimension: str, value: str) -> HttpResponse:
    state, own = _asked(request, dimension, value)
    return filtered_page(
        request,
        state,
        "profiles/profile.html",
        "profiles/profile_body.html",
        lambda: _content(request, state, dimension, value, own),
    )


def _file(request: MemberRequest, dimension: str, value: str) -> HttpResponse:
    state, _ = _asked(request, dimension, value)
    rows = csv_rows(content(request.workspace, state, dimension, value))
    return csv_answer(rows, name_of(about(slugify(dimension) or "tag", value), state.range))


def _asked(request: MemberRequest, dimension: str, value: str) -> tuple[State, Mapping[str, tuple[str, ...]]]:
    """What the address says: span and conditions; the condition that the address itself is."""
    if not value or not is_known(request.workspace.lane, dimension, value):
        raise Http404(f"This workspace knows no {title(dimension).lower()[:70]} of this name.")
    path = profile_url(dimension, value)
    state = State.from_query(request.GET, request.workspace, timezone.now(), path.partition("?")[0])
    if "?" not in path:
        state = replace(state, include={k: v for k, v in state.include.items() if k != dimension}, by="agent")
    own = {dimension: (value,)} if "?" in path else {}
    return replace(state, own=dimension), own


def _content(
    request: MemberRequest, state: State, dimension: str, value: str, own: Mapping[str, tuple[str, ...]]
) -> dict[str, Any]:
    """`own`: the condition that the address itself is."""
    narrowed = state.narrowed(dimension, value)
    return {
        "page": content(request.workspace, state, dimension, value),
        "zone": request.workspace.time_zone,
        "kind": title(dimension),
        "kinds": plural(dimension),
        "without_filters": state.url(include=own, exclude={}),
        "is_filtered": state.include != own or state.exclude,
        "last_month": state.url(range=of_kind("30d", state.range.today, state.range.now, state.range.zone)),
        "all_url": state.url(path="/", by=dimension, include={}, exclude={}),
        "overview_url": state.url(path="/", by="agent", **narrowed),
        "runs_url": state.url(path="/runs", by="agent", **narrowed),
        "csv": state.url(path=f"{state.path}.csv"),
        "filters": state.url(path="", by="agent", **narrowed),
    }
