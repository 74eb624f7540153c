"""The pages of sessions."""

from collections.abc import Callable, Sequence
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from costwatch.accounts.access import MemberRequest, member_page
from costwatch.accounts.models import Workspace
from costwatch.dashboards.addresses import session_csv_url
from costwatch.dashboards.csv import MOST_CALLS, about, csv_answer, name_of
from costwatch.dashboards.sessions import listing, path_page, resend_page, session_page
from costwatch.dashboards.state import USUAL_SORT, State
from costwatch.dashboards.views import filtered_page, understandable
from costwatch.spend.sessions import ORDERS

Rows = Callable[[Workspace, State], Sequence[Sequence[Any]]]
Content = Callable[[Workspace, State], dict[str, Any]]
TABS = (("/sessions", "One by one"), ("/session-paths", "Paths"), ("/resend", "History sent again"))
MOST_PAGES = 1_000
UNKNOWN = "This workspace knows no session with this id."


@member_page("viewer")
@understandable
def sessions(request: MemberRequest) -> HttpResponse:
    """What conversations cost: distribution, and one by one."""
    number = _number(request)
    return _page(request, "/sessions", "list", lambda workspace, state: listing.content(workspace, state, number))


@member_page("viewer")
@understandable
def sessions_csv(request: MemberRequest) -> HttpResponse:
    """The same sessions with all digits: the first thousand, as the link and the file's name say of more."""
    state = _state(request, "/sessions")
    rows, more = listing.csv_rows(request.workspace, state)
    return csv_answer(rows, name_of("sessions", state.range, more=more))


@member_page("viewer")
@understandable
def paths(request: MemberRequest) -> HttpResponse:
    """Which way conversations take through agents or models, and what each hop costs."""
    return _page(request, "/session-paths", "paths", path_page.content)


@member_page("viewer")
@understandable
def paths_csv(request: MemberRequest) -> HttpResponse:
    """The same paths with all digits."""
    return _csv(request, "session-paths", path_page.csv_rows)


@member_page("viewer")
@understandable
def resend(request: MemberRequest) -> HttpResponse:
    """What is spent on history that is sent again, and what would save it."""
    return _page(request, "/resend", "resend", resend_page.content)


@member_page("viewer")
@understandable
def resend_csv(request: MemberRequest) -> HttpResponse:
    """The same bill with all digits."""
    return _csv(request, "resend", resend_page.csv_rows)


@member_page("viewer")
def session(request: MemberRequest, session_id: str = "") -> HttpResponse:
    """One conversation: its path, its runs, its cost."""
    page = session_page.session_page(request.workspace, session_id or request.GET.get("id", ""))
    if page is None:
        raise Http404(UNKNOWN)
    csv = session_csv_url(page.session_id)
    context = {"page": page, "zone": request.workspace.time_zone, "csv": csv, "most_calls": MOST_CALLS}
    return render(request, "sessions/session.html", context)


@member_page("viewer")
def session_csv(request: MemberRequest, session_id: str = "") -> HttpResponse:
    """The way it took, hop by hop, of its first MOST_CALLS calls, as the file's name then says."""
    session_id = session_id or request.GET.get("id", "")
    file = session_page.csv_rows(request.workspace, session_id, MOST_CALLS)
    if file is None:
        raise Http404(UNKNOWN)
    rows, more = file
    return csv_answer(rows, name_of(about("session", session_id), more=more, most=MOST_CALLS))


def _page(request: MemberRequest, path: str, name: str, content: Content) -> HttpResponse:
    """One of the three pages about all sessions, which share period, filters and tabs."""
    state = _state(request, path)

    def context() -> dict[str, Any]:
        return {
            **content(request.workspace, state),
            "session_tabs": [(state.url(path=to, sort=USUAL_SORT), label, to == path) for to, label in TABS],
            "zone": request.workspace.time_zone,
        }

    return filtered_page(request, state, f"sessions/{name}.html", f"sessions/{name}_body.html", context)


def _csv(
    request: MemberRequest, name: str, rows: Callable[[Workspace, State], Sequence[Sequence[Any]]]
) -> HttpResponse:
    state = _state(request, f"/{name}")
    return csv_answer(rows(request.workspace, state), name_of(name, state.range))


def _state(request: MemberRequest, path: str) -> State:
    return State.from_query(request.GET, request.workspace, timezone.now(), path, tuple(ORDERS))


def _number(request: MemberRequest) -> int:
    text = request.GET.get("page", "")
    return min(max(int(text), 1), MOST_PAGES) if text.isascii() and text.isdigit() and len(text) < 9 else 1
