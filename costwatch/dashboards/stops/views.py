"""The kill switch: the list of stops, a form for a new one, and letting them go on."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from costwatch.accounts import audit
from costwatch.accounts.access import MemberRequest, member_page, own_or_404
from costwatch.alerts import kill, stops
from costwatch.alerts.models import Stop
from costwatch.dashboards.addresses import run_url
from costwatch.dashboards.csv import csv_answer
from costwatch.dashboards.stops import page
from costwatch.dashboards.stops.form import HOURS, WHOM, StopForm
from costwatch.ledger.models import Run

MOST_PAGES = 10_000


@member_page("viewer")
def stop_list(request: MemberRequest) -> HttpResponse:
    """Who is asked to stop now, why and until when; the form may be filled in by the link that leads here."""
    asked = request.GET
    initial = {
        "by": asked["by"] if asked.get("by") in WHOM else "agent",
        "value": asked.get("value", ""),
        "message": asked.get("message", ""),
        "hours": asked["hours"] if asked.get("hours") in HOURS else "4",
    }
    return _page(request, StopForm(initial=initial, workspace=request.workspace))


@member_page("viewer")
def stop_csv(request: MemberRequest) -> HttpResponse:
    """The same list as a file."""
    return csv_answer(page.csv_rows(request.workspace, _reason(request), timezone.now()), "stops.csv")


@member_page("editor")
@require_POST
def stop_place(request: MemberRequest) -> HttpResponse:
    """Ask somebody to stop."""
    form, now = StopForm(request.POST, workspace=request.workspace), timezone.now()
    if form.is_valid():
        by, why = str(request.member), form.cleaned_data["message"]
        try:
            with transaction.atomic():
                stop = kill.order(request.workspace.pk, form.scope, why, now + form.lasts, by, now)
                facts = {"scope": stop.scope, "until": str(stop.until), "message": stop.message}
                audit.record_for(request, "stop.placed", kill.whom(stop.scope), facts)
        except kill.BadStop as problem:
            form.add_error("message" if problem.field == "message" else "value", problem.message)
        else:
            messages.success(request, f"From now on, {kill.whom(stop.scope)} is asked to stop.")
            return redirect(_back(request, form.scope.get("run")))
    return _page(request, form, 422)


@member_page("editor")
@require_POST
def stop_lift(request: MemberRequest, stop_id: int) -> HttpResponse:
    """Let them go on."""
    stop = own_or_404(Stop, request.workspace, pk=stop_id)
    try:
        with transaction.atomic():
            if kill.lift(stop, timezone.now()):
                audit.record_for(request, "stop.lifted", kill.whom(stop.scope), {"scope": stop.scope})
    except kill.NotLifted as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, f"The stop of {kill.whom(stop.scope)} is lifted.")
    return redirect("stops")


def _page(request: MemberRequest, form: StopForm, status: int = 200) -> HttpResponse:
    now, reason, number = timezone.now(), _reason(request), _number(request)
    rows, more = page.rows(request.workspace, reason, number, now)
    if not rows and number > 1 and not form.is_bound:  # an empty page would say that nobody is asked to stop
        return redirect(page.stops_url(reason))
    context = {
        "form": form,
        "tabs": page.tabs(request.workspace, reason, now),
        "rows": rows,
        "reason": reason,
        "newer": number - 1,
        "older": number + 1 if more else 0,
        "may_act": request.member.may("editor"),
        "zone": request.workspace.time_zone,
        "overshoot": stops.OVERSHOOT,
    }
    return render(request, "stops/list.html", context, status=status)


def _back(request: MemberRequest, run_id: str | None) -> str:
    """The page of a run that was stopped, where its figures show whether it obeys; else the list."""
    known = run_id and Run.objects.filter(lane=request.workspace.lane, run_id=run_id).exists()
    return run_url(run_id) if run_id and known else page.stops_url()


def _reason(request: MemberRequest) -> str:
    reason = request.GET.get("reason", "")
    return reason if reason in page.REASONS else ""


def _number(request: MemberRequest) -> int:
    text = request.GET.get("page", "")
    return min(max(int(text), 1), MOST_PAGES) if text.isascii() and text.isdigit() and len(text) < 9 else 1
