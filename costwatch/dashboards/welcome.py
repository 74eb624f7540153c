"""The first visit: a key, one command to paste, and a page that notices the first event by itself."""

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from costwatch.accounts import audit, keys, once
from costwatch.accounts.access import MemberRequest, member_page
from costwatch.accounts.models import ApiKey, Workspace
from costwatch.ledger.models import EventKey

KEY_NAME = "First key"
EXAMPLE_MODEL = "gpt-5-mini"


def has_events(workspace: Workspace) -> bool:
    """Whether anything was ever recorded here."""
    return EventKey.objects.filter(lane=workspace.lane).exists()


def page(request: MemberRequest) -> HttpResponse:
    """How to send the first event."""
    made = once.take(request, "key")
    context = {**progress(request), "made": made, "events_url": _events_url(request), "model": EXAMPLE_MODEL}
    response = render(request, "dashboards/welcome.html", context)
    if made:
        response["Cache-Control"] = "no-store"
    return response


@member_page("admin")
@require_http_methods(["GET", "POST"])
def first_key(request: MemberRequest) -> HttpResponse:
    """Make a key that may only send, for the welcome page to show this once."""
    if request.method == "POST" and not has_events(request.workspace):
        with transaction.atomic():
            key, made = keys.create_key(request.workspace, KEY_NAME, ["ingest"], created_by=request.member)
            audit.record_for(request, "key.created", key, {"scopes": key.scopes})
        once.keep(request, "key", made)
    return redirect("overview")


def progress(request: MemberRequest) -> dict[str, object]:
    """How far the first visit has come."""
    known = ApiKey.objects.filter(workspace=request.workspace, revoked_at=None, scopes__contains="ingest")
    return {"key": known.order_by("-id").first(), "may_make_keys": request.member.may("admin")}


def _events_url(request: HttpRequest) -> str:
    return request.build_absolute_uri("/api/v1/events")
