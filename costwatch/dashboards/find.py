"""Opening by id what a log or a ticket names: a run, a session, a single call."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect

from costwatch.accounts.access import MemberRequest, member_page
from costwatch.accounts.models import Workspace
from costwatch.dashboards.addresses import call_url, run_url, session_url
from costwatch.ledger.models import Run, Session
from costwatch.spend.events import event


@member_page("viewer")
def find(request: MemberRequest) -> HttpResponse:
    """The page of what has this id; back to the runs with a word where nothing has."""
    name = request.GET.get("id", "").strip()
    address = _address(request.workspace, name)
    if name and address is None:
        shown = f"{name[:80]}…" if len(name) > 80 else name
        messages.error(request, f"This workspace knows no run, session or event with the id “{shown}”.")
    return redirect(address or "runs")


def _address(workspace: Workspace, name: str) -> str | None:
    if not name or "\0" in name:
        return None
    if Run.objects.filter(lane=workspace.lane, run_id=name).exists():
        return run_url(name)
    if Session.objects.filter(lane=workspace.lane, session_id=name).exists():
        return session_url(name)
    return call_url(name) if event(workspace, name) else None
