"""The views that a member keeps: listed, saved, renamed, shared, deleted, made the front page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from costwatch.accounts.access import MemberRequest, member_page
from costwatch.accounts.audit import client_ip
from costwatch.accounts.models import Member
from costwatch.dashboards.csv import csv_answer, name_of
from costwatch.saved import keep
from costwatch.saved.keep import SHARING, BadView
from costwatch.saved.models import SavedView

TABS = 6
CSV_HEAD = ("name", "address", "shared", "saved_by", "saved_at")


@dataclass(frozen=True)
class Tabs:
    """The views beside a page: the first ones, the one that is open, how many more there are."""

    shown: Sequence[SavedView]
    current: SavedView | None
    more: int
    may_share: bool


def tabs(member: Member, address: str) -> Tabs:
    """The views of the page that `address` belongs to."""
    path = address.partition("?")[0]
    rows = list(keep.visible(member.workspace, member).filter(path=path))
    current = next((view for view in rows if view.url == address), None)
    shown = rows[:TABS]
    if current and current not in shown:
        shown = [*shown[:-1], current]
    return Tabs(shown, current, len(rows) - len(shown), member.may(SHARING))


@member_page("viewer")
def saved_views(request: MemberRequest) -> HttpResponse:
    """All views that the member sees."""
    rows = [(view, keep.may_change(view, request.member)) for view in keep.visible(request.workspace, request.member)]
    context = {"rows": rows, "home": keep.home_of(request.member), "may_share": request.member.may(SHARING)}
    return render(request, "saved/views.html", context)


@member_page("viewer")
def saved_views_csv(request: MemberRequest) -> HttpResponse:
    """The same views as a file."""
    rows = [(view.name, view.url, view.shared, view.created_by, view.created_at)
            for view in keep.visible(request.workspace, request.member)]  # fmt: skip
    return csv_answer([CSV_HEAD, *rows], name_of("views"))


@member_page("viewer")
@require_POST
def save(request: MemberRequest) -> HttpResponse:
    """Keep a page with its state, and show it."""
    data = {name: request.POST.get(name, "") for name in ("name", "path", "query")}
    try:
        shared = bool(request.POST.get("shared"))
        view = keep.save(request.workspace, request.member, data, shared=shared, ip=client_ip(request))
        if request.POST.get("home"):
            keep.set_home(request.member, view)
    except BadView as problem:
        messages.error(request, problem.message)
        return redirect("saved-views")
    messages.success(request, f"Saved as {view.name}.")
    return redirect(view.url)


@member_page("viewer")
@require_POST
def act(request: MemberRequest, view_id: int, action: str) -> HttpResponse:
    """One of ACTIONS on a view."""
    view = keep.visible(request.workspace, request.member).filter(pk=view_id).first()
    if view is None or action not in ACTIONS:
        raise Http404
    if action not in FREE and not keep.may_change(view, request.member):
        messages.error(request, f"{view.name} is shared: members from the role {SHARING} on may change it.")
        return redirect("saved-views")
    try:
        messages.success(request, ACTIONS[action](request, view))
    except BadView as problem:
        messages.error(request, problem.message)
    return redirect("saved-views")


def _rename(request: MemberRequest, view: SavedView) -> str:
    before = view.name
    keep.rename(view, request.member, request.POST.get("name", ""), client_ip(request))
    return f"{before} is now called {view.name}."


def _share(request: MemberRequest, view: SavedView) -> str:
    keep.share(view, request.member, True, client_ip(request))
    return f"{view.name} is shared with everybody here."


def _unshare(request: MemberRequest, view: SavedView) -> str:
    keep.share(view, request.member, False, client_ip(request))
    return f"{view.name} is yours alone."


def _delete(request: MemberRequest, view: SavedView) -> str:
    name = view.name
    keep.delete(view, request.member, client_ip(request))
    return f"{name} is deleted."


def _home(request: MemberRequest, view: SavedView) -> str:
    keep.set_home(request.member, view)
    return f"{view.name} is your front page."


def _leave(request: MemberRequest, view: SavedView) -> str:
    keep.set_home(request.member, None)
    return "The Overview is your front page again."


ACTIONS: dict[str, Callable[[Any, SavedView], str]] = {
    "rename": _rename,
    "share": _share,
    "unshare": _unshare,
    "delete": _delete,
    "home": _home,
    "leave": _leave,
}
FREE = ("home", "leave")  # one's own front page is nobody else's matter
