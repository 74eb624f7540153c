"""The limits view, its CSV, and setting limits."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from costwatch.accounts.access import MemberRequest, member_page, own_or_404
from costwatch.accounts.audit import client_ip
from costwatch.accounts.models import ApiKey
from costwatch.dashboards.csv import csv_answer
from costwatch.dashboards.limits.page import HOURS, NAMES, USUAL_HOURS, csv_rows, page
from costwatch.limits.manage import BadLimit, put, remove
from costwatch.limits.models import ProviderLimit

FIELDS = ("provider", "model", "key", *NAMES)


@member_page("viewer")
def limits(request: MemberRequest) -> HttpResponse:
    """How close the calls of the last hours came to what providers allow."""
    return _page(request, {field: request.GET.get(field, "") for field in FIELDS})


@member_page("viewer")
def limits_csv(request: MemberRequest) -> HttpResponse:
    """Every measure of every limit and model."""
    hours = _hours(request)
    return csv_answer(csv_rows(request.workspace, hours, timezone.now()), f"limits-last-{hours}-hours.csv")


@member_page("editor")
@require_POST
def limit_put(request: MemberRequest) -> HttpResponse:
    """Set a limit, or change the one of the same provider, model and key."""
    try:
        limit = put(request.workspace, request.POST.dict(), request.member, client_ip(request))
    except BadLimit as problem:
        fields = {field: request.POST.get(field, "") for field in FIELDS}
        return _page(request, fields, problem)
    messages.success(request, f"The limit of {limit} is set.")
    return redirect("limits")


@member_page("editor")
@require_POST
def limit_remove(request: MemberRequest, limit_id: int) -> HttpResponse:
    """Forget a limit."""
    limit = own_or_404(ProviderLimit, request.workspace, pk=limit_id)
    remove(limit, request.member, client_ip(request))
    messages.success(request, f"The limit of {limit} is removed.")
    return redirect("limits")


def _page(request: MemberRequest, fields: dict[str, str], problem: BadLimit | None = None) -> HttpResponse:
    hours = _hours(request)
    context = {
        "page": page(request.workspace, hours, request.GET.get("show", ""), timezone.now()),
        "hours": hours,
        "spans": HOURS,
        "usual_hours": USUAL_HOURS,
        "fields": fields,
        "counts": [(name, f"{label[:1].upper()}{label[1:]}", fields[name]) for name, label in NAMES.items()],
        "problem": problem,
        "cached_counts": request.method == "GET" or "cached_counts" in request.POST,
        "keys": ApiKey.objects.filter(workspace=request.workspace, revoked_at=None).order_by("name")[:200],
        "zone": request.workspace.time_zone,
        "may_act": request.member.may("editor"),
    }
    return render(request, "limits/limits.html", context, status=422 if problem else 200)


def _hours(request: HttpRequest) -> int:
    text = request.GET.get("hours", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 3 and int(text) in HOURS else USUAL_HOURS
