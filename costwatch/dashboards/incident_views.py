"""The pages of incidents: the list with one of them beside it, and what members do about it."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from costwatch.accounts import audit
from costwatch.accounts.access import MemberRequest, member_page, own_or_404
from costwatch.accounts.models import Member
from costwatch.alerts import incidents, listing
from costwatch.alerts.models import Incident, State
from costwatch.anomalies import lessons as expectations
from costwatch.dashboards import incident_file, incident_page
from costwatch.dashboards.csv import about, csv_answer, name_of
from costwatch.dashboards.incident_page import Wanted
from costwatch.dashboards.ranges import range_of
from costwatch.dashboards.views import understandable
from costwatch.lib import periods
from costwatch.loops import lessons
from costwatch.loops.models import Lesson

SNOOZES = {"1": "1 hour", "24": "1 day", "168": "1 week"}  # hours
MOST_PAGES = 10_000
LONGEST_NOTE = 2_000
MOST_MEMBERS = 500


@member_page("viewer")
@understandable
def incident_list(request: MemberRequest) -> HttpResponse:
    """The incidents, by default the open ones, and the first of them in full."""
    wanted, page = _usual(request) or _wanted(request), _page(request)
    rows, more = incident_page.items(request.workspace, wanted, page)
    if not rows and page > 1:
        return redirect(wanted.url())
    return _answer(request, wanted, rows[0].incident if rows else None, page, rows, more)


@member_page("viewer")
@understandable
def incident_csv(request: MemberRequest) -> HttpResponse:
    """The whole list, at most a thousand of them, as the file's name then says."""
    wanted = _usual(request) or _wanted(request)
    rows, more = incident_file.csv_rows(request.workspace, wanted)
    return csv_answer(rows, name_of(about("incidents", wanted.state), wanted.days, more=more))


@member_page("viewer")
@understandable
def incident(request: MemberRequest, incident_id: int) -> HttpResponse:
    """One incident, beside the list."""
    chosen = own_or_404(listing.with_deliveries(Incident.objects.all()), request.workspace, pk=incident_id)
    wanted, page = _wanted(request), _page(request)
    rows, more = incident_page.items(request.workspace, wanted, page)
    return _answer(request, wanted, chosen, page, rows, more, is_chosen=True)


@member_page("editor")
@require_POST
def incident_act(request: MemberRequest, incident_id: int, action: str) -> HttpResponse:
    """Acknowledge, snooze, resolve or mark as expected; the latter may teach the detector."""
    chosen = own_or_404(Incident, request.workspace, pk=incident_id)
    now = timezone.now()
    if action in ("note", "owner"):
        return _say(request, chosen, action, now)
    if action not in incidents.ACTIONS:
        raise Http404("Incidents know ack, snooze, resolve, expected, note and owner.")
    hours = request.POST.get("hours", "")
    until = now + timedelta(hours=int(hours if hours in SNOOZES else "24")) if action == "snooze" else None
    note = request.POST.get("note", "").replace("\0", "")[:LONGEST_NOTE]
    try:
        with transaction.atomic():
            if incidents.act(chosen, action, str(request.member), now, until=until, text=note):
                audit.record_for(request, f"incident.{action}", chosen, {"state": chosen.state})
                _take_over(request, chosen, action)
                _teach(request, chosen, action)
    except incidents.NotPossible as problem:
        messages.error(request, str(problem))
    return redirect("incident", incident_id=chosen.pk)


def _say(request: MemberRequest, chosen: Incident, action: str, now: datetime) -> HttpResponse:
    """A note for the others, or another owner."""
    with transaction.atomic():
        if action == "note":
            if note := request.POST.get("note", "").replace("\0", "").strip()[:LONGEST_NOTE]:
                incidents.comment(chosen, note, str(request.member), now)
                audit.record_for(request, "incident.note", chosen, {})
        else:
            owner = _member(request, request.POST.get("owner", ""))
            if incidents.assign(chosen, owner, str(request.member), now):
                audit.record_for(request, "incident.owner", chosen, {"owner": owner and owner.email})
    return redirect("incident", incident_id=chosen.pk)


def _member(request: MemberRequest, text: str) -> Member | None:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
    return Member.objects.filter(workspace=request.workspace, is_active=True, pk=number).first()


def _take_over(request: MemberRequest, chosen: Incident, action: str) -> None:
    """Who acknowledges an incident owns it."""
    if action == "ack":
        incidents.assign(chosen, request.member, str(request.member), timezone.now())


def _teach(request: MemberRequest, chosen: Incident, action: str) -> None:
    """ "This tool may repeat", "this task is a batch": for every later call."""
    if action == "expected" and (known := expectations.learn(chosen, str(request.member), timezone.now())):
        audit.record_for(request, "anomalies.taught", known, {"incident": chosen.pk})
    kind = request.POST.get("teach", "")
    value = str(chosen.facts.get(kind) or "")
    if action != "expected" or kind not in Lesson.Kind.values or not value:
        return
    if lessons.teach(request.workspace.pk, kind, value, str(request.member), timezone.now()):
        audit.record_for(request, "loops.taught", f"{kind} {value}", {"incident": chosen.pk})


def _answer(
    request: MemberRequest,
    wanted: Wanted,
    chosen: Incident | None,
    page: int,
    rows: list[Any],
    more: bool,
    is_chosen: bool = False,
) -> HttpResponse:
    alarms, notices = listing.open_by_severity(request.workspace.pk, wanted.opened)
    context = {
        "tabs": incident_page.tabs(request.workspace, wanted),
        "alarms": alarms,
        "notices": notices,
        "rows": rows,
        "wanted": wanted,
        "any_day": replace(wanted, days=None).url(),
        "newer": wanted.url(page=page - 1) if page > 1 else "",
        "older": wanted.url(page=page + 1) if more else "",
        "snoozes": SNOOZES,
        "may_act": request.member.may("editor"),
        "members": Member.objects.filter(workspace=request.workspace, is_active=True).order_by("email")[:MOST_MEMBERS],
        "zone": request.workspace.time_zone,
        "incident": chosen,
        "chosen": is_chosen,
        "detail": incident_page.detail(request.workspace, chosen, wanted) if chosen else None,
    }
    return render(request, "dashboards/incidents.html", context)


def _wanted(request: MemberRequest) -> Wanted:
    """What the address asks for; raises BadRange."""
    state = request.GET.get("state", "")
    zone = periods.zone(request.workspace.time_zone)
    has_days = request.GET.get("first") or request.GET.get("last")
    days = range_of(request.GET, timezone.now(), zone) if has_days else None
    return Wanted(state if state in listing.STATES else "", days)


def _usual(request: MemberRequest) -> Wanted | None:
    """The open ones where the address says nothing; where there never was one, the page says what would be here."""
    if any(request.GET.get(name) for name in ("state", "first", "last")):
        return None
    return Wanted(State.OPEN) if listing.find(request.workspace.pk).exists() else None


def _page(request: MemberRequest) -> int:
    text = request.GET.get("page", "")
    return min(max(int(text), 1), MOST_PAGES) if text.isascii() and text.isdigit() and len(text) < 9 else 1
