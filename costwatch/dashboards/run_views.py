"""The pages of runs and of single calls."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_vary_headers

from costwatch.accounts.access import MemberRequest, member_page
from costwatch.dashboards.addresses import run_csv_url, run_url
from costwatch.dashboards.call_page import call_page
from costwatch.dashboards.csv import MOST_CALLS, about, csv_answer, name_of
from costwatch.dashboards.run_file import run_file
from costwatch.dashboards.run_folds import ALL, FOLDED, WAYS
from costwatch.dashboards.run_list import run_list
from costwatch.dashboards.run_page import Look, RunPage, run_page
from costwatch.dashboards.state import State
from costwatch.dashboards.stops.page import of_run, stop_url
from costwatch.dashboards.views import filtered_page, is_for, understandable
from costwatch.dashboards.welcome import has_events
from costwatch.spend.filters import whole_number
from costwatch.spend.page import MOST_ITEMS
from costwatch.spend.runs import RunRow

SORTS = ("cost", "calls", "errors", "started", "last", "duration")
ROWS = 40
MOST_CALL = 100_000_000
UNKNOWN = "This workspace knows no run with this id."


@member_page("viewer")
@understandable
def runs(request: MemberRequest) -> HttpResponse:
    """The runs of a span of days, the dearest first."""
    state = _state(request)
    return filtered_page(
        request, state, "dashboards/runs.html", "dashboards/runs_body.html", lambda: _runs_content(request, state)
    )


def _runs_content(request: MemberRequest, state: State) -> dict[str, Any]:
    page = run_list(request.workspace, state, request.GET.get("cursor") or None, ROWS)
    return {
        "page": page,
        "next_page": _next(state, page.next_cursor),
        "is_first": "cursor" not in request.GET,
        "first_page": state.url(),
        "has_events": has_events(request.workspace),
        "most_rows": MOST_ITEMS,
        "zone": request.workspace.time_zone,
    }


@member_page("viewer")
@understandable
def runs_csv(request: MemberRequest) -> HttpResponse:
    """The same runs with all digits: the first thousand, as the link and the file's name say of more."""
    state = _state(request)
    heading = ["run_id", "agent", "user", "task", "release", "environment", "started", "duration_s", "calls", "errors",
               "unpriced_calls", "input_tokens", "output_tokens", "cost_usd"]  # fmt: skip
    page = run_list(request.workspace, state, request.GET.get("cursor") or None, MOST_ITEMS)
    rows = [_csv_row(line.run) for line in page.lines]
    return csv_answer([heading, *rows], name_of("runs", state.range, more=page.next_cursor is not None))


@member_page("viewer")
@understandable
def run(request: MemberRequest, run_id: str = "") -> HttpResponse:
    """One run and its calls."""
    run_id = run_id or request.GET.get("id", "")
    now = timezone.now()
    page = run_page(request.workspace, run_id, now, _look(request))
    if page is None:
        raise Http404(UNKNOWN)
    asked = of_run(request.workspace, run_id, now)
    context = {"page": page, "zone": request.workspace.time_zone, "pager": _pager(page), "ways": _ways(page),
               "asked": asked, "stop_urls": _stop_urls(page), "csv": run_csv_url(run_id),
               "most_calls": MOST_CALLS}  # fmt: skip
    return render(request, "dashboards/run.html", context)


@member_page("viewer")
def run_csv(request: MemberRequest, run_id: str = "") -> HttpResponse:
    """All calls of a run in their order, at most MOST_CALLS, as the file's name then says."""
    run_id = run_id or request.GET.get("id", "")
    file = run_file(request.workspace, run_id)
    if file is None:
        raise Http404(UNKNOWN)
    rows, more = file
    return csv_answer(rows, name_of(about("run", run_id), more=more, most=MOST_CALLS))


@member_page("viewer")
def call(request: MemberRequest, event_id: str = "") -> HttpResponse:
    """One call with all that is known of it; for htmx, only the parts of its cost."""
    event_id = event_id or request.GET.get("id", "")
    page = call_page(request.workspace, event_id)
    if page is None:
        raise Http404("This workspace knows no call with this id.")
    context = {"page": page, "zone": request.workspace.time_zone}
    parts_only = is_for(request, "parts")
    response = render(request, f"dashboards/{'parts' if parts_only else 'call'}.html", context)
    patch_vary_headers(response, ("HX-Request", "HX-Target"))
    return response


def _state(request: MemberRequest) -> State:
    return State.from_query(request.GET, request.workspace, timezone.now(), "/runs", SORTS)


def _next(state: State, cursor: str | None) -> str | None:
    query = state.query()
    return f"{state.path}?{query}{'&' if query else ''}cursor={cursor}" if cursor else None


def _look(request: MemberRequest) -> Look:
    first, page = (whole_number(request.GET, name, 1, MOST_CALL) for name in ("from", "page"))
    opened = whole_number(request.GET, "open", 0, MOST_CALL)
    way = request.GET.get("calls", FOLDED)
    return Look(request.GET.get("cursor") or None, first, page, way if way in WAYS else FOLDED, opened)


def _address(page: RunPage, look: Look) -> str:
    """The address of the page as somebody looks at it."""
    told = {"cursor": look.cursor, "from": look.first, "page": look.page, "calls": look.way, "open": look.opened}
    query = urlencode({name: value for name, value in told.items() if value not in (None, 0, 1, FOLDED)})
    here = run_url(page.run.run_id)
    return f"{here}{('&' if '?' in here else '?') + query if query else ''}"


def _ways(page: RunPage) -> dict[str, Any]:
    """How repeats can be shown: tabs (words, address, is current); where a fold closes, and opens by the number of its
    first call."""
    look = replace(page.look, opened=0)
    words = {**WAYS, ALL: f"{WAYS[ALL]} {len(page.calls):,}"}
    tabs = [(words[way], _address(page, replace(look, way=way, page=1)), way == look.way) for way in WAYS]
    closes = _address(page, look)
    opens = f"{closes}{'&' if '?' in closes else '?'}open="
    return {"tabs": tabs if page.loop.repeated else [], "opens": opens, "closes": closes}


def _stop_urls(page: RunPage) -> dict[str, str]:
    """Whom one can stop here → the form, filled in; a loop that goes on is the reason."""
    told = page.incident.incident if page.incident else None
    why = told.title if told and told.is_pending else ""
    named = {"agent": page.run.labels["agent"], "run": page.run.run_id}
    return {by: stop_url(by, value, why) for by, value in named.items() if value}


def _pager(page: RunPage) -> list[tuple[str, str]]:
    """(words, address) of the calls that are not in the table."""
    look = page.look
    begin = Look(way=look.way)
    links = [("First calls", _address(page, begin))] if look.page > 1 or look.cursor else []
    if look.page > 1:
        before = f"Before call {page.rows[0].call.number:,}"
        links.append((before, _address(page, replace(look, page=look.page - 1))))
    if look.page < page.pages:
        after = f"From call {page.shown[-1].number + 1:,} on"
        links.append((after, _address(page, replace(look, page=look.page + 1))))
    if page.more:
        next_calls = replace(begin, cursor=page.more, first=page.last + 1)
        links.append((f"The calls after {page.last:,}", _address(page, next_calls)))
    return links


def _csv_row(run: RunRow) -> list[Any]:
    labels, sums = run.labels, run.sums
    return [run.run_id, labels["agent"], run.user, labels["task"], labels["release"], labels["environment"],
            run.first_at.isoformat(), run.duration.total_seconds(), sums.calls, sums.errors, sums.unpriced_calls,
            sums.input_tokens, sums.output_tokens, sums.cost]  # fmt: skip
