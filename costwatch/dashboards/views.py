"""The Overview. A view says who may, reads the state from the address, makes one call and renders."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import parse_qsl

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.text import slugify

from costwatch.accounts.access import MemberRequest, View, member_page
from costwatch.alerts import incidents, listing
from costwatch.alerts.models import Incident, Severity
from costwatch.dashboards import menu, welcome
from costwatch.dashboards.csv import csv_answer
from costwatch.dashboards.live import is_live, is_seen
from costwatch.dashboards.month_figure import how_good
from costwatch.dashboards.overview import overview as content
from costwatch.dashboards.overview import table_only, version
from costwatch.dashboards.ranges import BadRange, of_kind
from costwatch.dashboards.state import USUAL_GROUPING, USUAL_SORT, State, plural, title
from costwatch.dashboards.table import csv_rows
from costwatch.saved.keep import home_of
from costwatch.spend.dimensions import is_dimension
from costwatch.spend.filters import BadQuery

RANGE_FIELDS = ("period", "on", "first", "last")
INCIDENTS = 3  # of the open ones, told on the Overview
UNCOMPARED = ("run", "session")  # nothing of these is there again a week later


def understandable(view: View) -> View:
    """Turns an address that cannot be understood into a 400 that says what is wrong with it."""

    @wraps(view)
    def checked(*args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(*args, **kwargs)
        except (BadQuery, BadRange) as wrong:
            raise BadRequest(str(wrong)) from None

    return checked


@member_page("viewer")
@understandable
def overview(request: MemberRequest) -> HttpResponse:
    """What was spent, on what, and what changed; before the first event, how to send it."""
    if not welcome.has_events(request.workspace):
        return welcome.page(request)
    if request.path == "/" and not request.GET and not is_fragment(request) and (home := home_of(request.member)):
        return redirect(home.url)
    now = timezone.now()
    state = State.from_query(request.GET, request.workspace, now, request.path)
    if (aside := of_filters(request, state)) is not None:
        return aside
    if is_live(request) and is_seen(request, version(request.workspace, state, now)):
        return HttpResponse(status=204)
    return overview_page(request, state)


@member_page("viewer")
@understandable
def overview_csv(request: MemberRequest) -> HttpResponse:
    """The Overview's table with all digits."""
    state = State.from_query(request.GET, request.workspace, timezone.now())
    rows = csv_rows(state, table_only(request.workspace, state))
    by = slugify(state.by.removeprefix("tag.")) or "tag"  # a header holds no new lines and no quotes
    return csv_answer(rows, f"spend-by-{by}-{state.range.first}-{state.range.last}.csv")


@member_page("viewer")
@understandable
def first_event(request: MemberRequest) -> HttpResponse:
    """What the welcome page asks every two seconds: the lights or, once there is an event, the Overview instead."""
    if not is_fragment(request):
        return redirect("overview")
    if not welcome.has_events(request.workspace):
        return render(request, "dashboards/lights.html", welcome.progress(request))
    response = overview_page(request, State.from_query(request.GET, request.workspace, timezone.now()))
    response["HX-Retarget"] = "#welcome"
    response["HX-Reswap"] = "outerHTML show:window:top"
    response["HX-Push-Url"] = "/"
    return response


def overview_page(request: MemberRequest, state: State) -> HttpResponse:
    """The page, or for htmx its content alone."""
    now = state.range.now
    page = content(request.workspace, state, now)
    tabs, more_tabs = menu.groupings(state, request.workspace.lane)
    context = {
        "state": state,
        "page": page,
        "version": version(request.workspace, state, now),
        "tabs": tabs,
        "more_tabs": more_tabs,
        "compare": state.by not in UNCOMPARED and page.comparable,
        "uncompared": state.by in UNCOMPARED,
        "by_title": title(state.by),
        "by_plural": plural(state.by),
        "runs_url": state.url(path=reverse("runs"), by=USUAL_GROUPING, sort=USUAL_SORT, all_rows=False),
        "variance_url": _variance_url(state),
        "accuracy": how_good(request.workspace, now),
        "without_filters": state.url(include={}, exclude={}),
        "last_month": state.url(range=of_kind("30d", state.range.today, now, state.range.zone), include={}, exclude={}),
        "open_incidents": incidents.open_count(request.workspace.pk),
        "incidents": _worst(request.workspace.pk),
        **frame(state),
        **filter_menu(request, state),
    }
    return page_or_fragment(request, "dashboards/overview.html", "dashboards/overview_body.html", context)


def _worst(workspace_id: int) -> list[Incident]:
    """The worst of the open incidents; notices stay on their own page."""
    rows = listing.find(workspace_id, state="open").exclude(severity=Severity.NOTICE)
    return list(listing.worst_first(rows)[:INCIDENTS])


def _variance_url(state: State) -> str:
    """Why the page's change came about: the same spans and conditions."""
    query = state.url(path="", sort=USUAL_SORT, all_rows=False).removeprefix("?")
    return f"{reverse('variance')}?{query}{'&' if query else ''}against=weeks"


def frame(state: State) -> dict[str, Any]:
    """The period picker's links."""
    before, after = state.range.previous(), state.range.next()
    return {
        "periods": menu.period_choices(state),
        "previous": state.url(range=before) if before else None,
        "next": state.url(range=after) if after else None,
        "query": state.query(),
        "range_pairs": [pair for pair in hidden_pairs(state) if pair[0] not in RANGE_FIELDS],
    }


def page_or_fragment(request: HttpRequest, page: str, fragment: str, context: dict[str, Any]) -> HttpResponse:
    """One address, two answers: caches must keep them apart."""
    alone = is_fragment(request)
    response = render(request, fragment if alone else page, {**context, "fragment": alone})
    patch_vary_headers(response, ("HX-Request", "HX-History-Restore-Request"))
    return response


def filtered_page(
    request: MemberRequest, state: State, page: str, fragment: str, content: Callable[[], dict[str, Any]]
) -> HttpResponse:
    """A page with a period and filters; `content` is asked for nothing where the request is about the filters alone."""
    if (aside := of_filters(request, state)) is not None:
        return aside
    context = {
        "without_filters": state.url(include={}, exclude={}),
        **frame(state),
        **filter_menu(request, state),
        **content(),
    }
    return page_or_fragment(request, page, fragment, context)


def at_its_address(response: HttpResponse, request: HttpRequest, state: State) -> HttpResponse:
    """For a page that a form leads to: a form sends every field, the address says what is not usual."""
    if is_fragment(request) and not is_live(request):
        response["HX-Push-Url"] = state.url()
    return response


def of_filters(request: MemberRequest, state: State) -> HttpResponse | None:
    """The answer to a request about the filters alone: their menu, or the address with a typed condition."""
    if "value" in request.GET and is_dimension(request.GET.get("pick", "")):
        return redirect(_with_typed_value(request, state))
    if is_for(request, "filter-panel"):
        return render(request, "dashboards/filter_panel.html", filter_menu(request, state))
    return None


def is_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks for a part of the page (going back through history it wants all of it)."""
    htmx = request.htmx  # type: ignore[attr-defined]
    return bool(htmx) and not htmx.history_restore_request


def is_for(request: HttpRequest, target: str) -> bool:
    """Whether htmx asks for the content of one element."""
    return is_fragment(request) and request.htmx.target == target  # type: ignore[attr-defined]


def filter_menu(request: MemberRequest, state: State) -> dict[str, Any]:
    """What the filter menu offers: dimensions, or the values of the picked one."""
    pick = request.GET.get("pick", "")
    return {
        "filter_choices": menu.filter_choices(state, request.workspace.lane),
        "picked": menu.picked(request.workspace, state, pick) if is_dimension(pick) else None,
        "state": state,
        "query": state.query(),
        "pairs": hidden_pairs(state),
    }


def _with_typed_value(request: HttpRequest, state: State) -> str:
    """The address with the condition that somebody chose and typed in the filter menu; with nothing chosen, none."""
    dimension, typed = request.GET["pick"], request.GET["value"].strip()
    values = dict.fromkeys([*request.GET.getlist("among"), *([typed] if typed else [])])
    if request.GET.get("op") == "not":
        return state.url(**state.narrowed(dimension, *values, excluded=True)) if values else state.url()
    if not values:
        return state.url(include={name: kept for name, kept in state.include.items() if name != dimension})
    return state.url(**state.narrowed(dimension, *values))


def hidden_pairs(state: State) -> list[tuple[str, str]]:
    """The state as hidden fields of a GET form."""
    return parse_qsl(state.query(), keep_blank_values=True)
