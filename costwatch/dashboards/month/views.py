"""The statement of a month, on the screen, on paper and as CSV; closing it."""

from datetime import date, datetime
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from costwatch.accounts.access import MemberRequest, member_page
from costwatch.accounts.audit import client_ip
from costwatch.dashboards.csv import csv_answer
from costwatch.dashboards.month import words
from costwatch.dashboards.month.statement import csv_rows, statement
from costwatch.dashboards.ranges import DAY, EARLIEST, month_end
from costwatch.dashboards.state import title
from costwatch.ledger import months
from costwatch.lib import periods

ACTIONS = ("close", "reopen")
SAFE = ("GET", "HEAD")


@member_page("viewer")
def this_month(request: MemberRequest) -> HttpResponse:
    """The month that is running."""
    return redirect("month", month=f"{_today(request, timezone.now()):%Y-%m}")


@member_page("viewer")
def month(request: MemberRequest, month: str) -> HttpResponse:
    """The statement of a month."""
    now = timezone.now()
    first = _first_day(request, month, now)
    found = statement(request.workspace, first, now, request.GET.get("tag", ""))
    context = {
        "found": found,
        "name": f"{first:%B %Y}",
        "sentence": words.sentence(found),
        "zone": request.workspace.time_zone,
        "previous": _before(first),
        "next": after if (after := month_end(first) + DAY) <= found.range.today else None,
        "can_close": request.member.is_admin,
        "tag_links": [(title(tag), f"?tag={tag}", tag == found.tag) for tag in found.tags]
        if len(found.tags) > 1
        else [],
        "csv": f"{reverse('month-csv', args=[month])}?tag={found.tag}",
        "variance": f"{reverse('variance')}?{urlencode(found.range.query())}",
    }
    return render(request, "month/month.html", context)


@member_page("viewer")
def month_csv(request: MemberRequest, month: str) -> HttpResponse:
    """The statement with all rows and digits."""
    now = timezone.now()
    found = statement(request.workspace, _first_day(request, month, now), now, request.GET.get("tag", ""), True)
    return csv_answer(csv_rows(found), f"statement-{found.range.first:%Y-%m}.csv")


@member_page("admin")
def month_act(request: MemberRequest, month: str, action: str) -> HttpResponse:
    """Ask, then close the month's books; or open the one that was closed last again."""
    if action not in ACTIONS:
        raise Http404("A month is closed, or opened again.")
    now = timezone.now()
    first = _first_day(request, month, now)
    if request.method in SAFE and action == "close":
        return render(request, "month/close.html", {"month": month, "name": f"{first:%B %Y}"})
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    return _act(request, month, action, first, now)


def _act(request: MemberRequest, month: str, action: str, first: date, now: datetime) -> HttpResponse:
    try:
        if action == "close":
            months.close(request.workspace, first, request.member, now, client_ip(request))
            messages.success(request, f"{first:%B %Y} and all before it are closed: what comes late counts later.")
        else:
            months.reopen(request.workspace, first, request.member, client_ip(request))
            messages.success(request, f"{first:%B %Y} is open again.")
    except months.CannotClose as refused:
        messages.error(request, str(refused))
    return redirect("month", month=month)


def _first_day(request: MemberRequest, month: str, now: datetime) -> date:
    try:
        first = date.fromisoformat(f"{month}-01")
    except ValueError:
        first = EARLIEST
    if not EARLIEST < first <= _today(request, now):
        raise Http404("A month looks like 2026-11, and has begun.")
    return first


def _before(first: date) -> date | None:
    before = (first - DAY).replace(day=1)
    return before if before > EARLIEST else None


def _today(request: MemberRequest, now: datetime) -> date:
    return periods.local_day(now, periods.zone(request.workspace.time_zone))
