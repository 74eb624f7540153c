"""The settings of the workspace itself. Not in accounts: another zone means other days in the books and in budgets."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from costwatch.accounts import audit
from costwatch.accounts.access import MemberRequest, member_page
from costwatch.accounts.forms import WorkspaceForm
from costwatch.accounts.models import Workspace
from costwatch.budgets.manage import count_by_calendar
from costwatch.ledger.fold import rebuild

CALENDAR = ("time_zone", "week_start")
FIELDS = ("name", *CALENDAR)


@member_page("admin")
def workspace(request: MemberRequest) -> HttpResponse:
    """Name, time zone and first day of the week; a new zone re-cuts all days before the answer."""
    before = {field: getattr(request.workspace, field) for field in FIELDS}
    form = WorkspaceForm(request.POST or None, initial=before, workspace=request.workspace)
    if request.method == "POST" and form.is_valid():
        change(request, before, form.cleaned_data)
        messages.success(request, "Saved.")
        return redirect("workspace")
    status = 422 if form.errors else 200
    return render(request, "accounts/workspace.html", {"form": form}, status=status)


def change(request: MemberRequest, before: dict[str, Any], after: dict[str, Any]) -> None:
    """Store the new settings, their audit entry and, for another zone, the rollups by its days: all or nothing.

    Budgets that follow the workspace's calendar count by the new one.
    """
    if before == after:
        return
    with transaction.atomic():
        Workspace.objects.filter(pk=request.workspace.pk).update(**after)
        audit.record_for(request, "workspace.changed", after["name"], {"before": before, "after": after})
        if before["time_zone"] != after["time_zone"]:
            rebuild(request.workspace.lane)
        if any(before[field] != after[field] for field in CALENDAR):
            count_by_calendar(request.workspace, timezone.now())
