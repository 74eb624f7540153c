"""The settings of the anomaly detectors, shown to all, changed by editors; and what was called expected."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from costwatch.accounts import audit
from costwatch.accounts.access import MemberRequest, member_page
from costwatch.anomalies import lessons
from costwatch.anomalies.detectors import ALL
from costwatch.anomalies.models import Expected
from costwatch.anomalies.state import Settings
from costwatch.dashboards.anomalies.form import SettingsForm, initial
from costwatch.dashboards.anomalies.trial import trial
from costwatch.dashboards.csv import csv_answer, name_of
from costwatch.dashboards.display import money, name, percent
from costwatch.dashboards.state import title

CSV_HEAD = ("who", "what", "how_much", "said_by", "since", "incident")


@dataclass(frozen=True)
class Taught:
    """Something expected, in words."""

    row: Expected
    what: str
    subject: str
    until: str


@member_page("viewer")
def anomaly_settings(request: MemberRequest) -> HttpResponse:
    """The settings that hold; an editor's form tries others on the last days (`do=try`), or saves them."""
    before, tried = lessons.settings_of(request.workspace.pk), None
    form = SettingsForm(request.POST or None, initial=initial(before))
    sent = request.method == "POST" and request.member.may("editor") and form.is_valid()
    if sent and request.POST.get("do") == "try":
        tried = trial(request.workspace, form.wanted, timezone.now())
    elif sent:
        with transaction.atomic():
            lessons.change_settings(request.workspace.pk, form.wanted)
            facts = {"before": _told(before), "after": _told(form.wanted)}
            audit.record_for(request, "anomalies.changed", "anomaly detection", facts)
        messages.success(request, "Saved. It holds from the next look on, within a minute.")
        return redirect("anomaly-settings")
    context = {
        "form": form,
        "trial": tried,
        "may_act": request.member.may("editor"),
        "detectors": [(detector.TITLE, detector.ABOUT) for detector in ALL.values()],
        "taught": [_taught(row) for row in lessons.expected(request.workspace.pk)],
        "zone": request.workspace.time_zone,
    }
    return render(request, "anomalies/settings.html", context, status=422 if form.errors else 200)


@member_page("viewer")
def anomaly_csv(request: MemberRequest) -> HttpResponse:
    """What was called expected, as a file."""
    taught = [_taught(row) for row in lessons.expected(request.workspace.pk)]
    rows = [(one.subject, one.what, one.until, one.row.taught_by, one.row.taught_at, one.row.incident_id)
            for one in taught]  # fmt: skip
    return csv_answer([CSV_HEAD, *rows], name_of("expected"))


@member_page("editor")
@require_POST
def anomaly_forget(request: MemberRequest, expected_id: int) -> HttpResponse:
    """Take back that something is expected."""
    with transaction.atomic():
        row = lessons.forget(request.workspace.pk, expected_id)
        if row is None:
            raise Http404
        audit.record_for(request, "anomalies.forgotten", row, {"incident": row.incident_id})
    messages.success(request, "It is no longer expected.")
    return redirect("anomaly-settings")


def _taught(row: Expected) -> Taught:
    until = "always"
    if row.level is not None:
        until = f"up to {percent(row.level) if row.detector in ('escalation', 'errors') else money(row.level)}"
        until = f"up to {row.level:.1f} × the release before" if row.detector == "step" else until
    if row.hours is not None:
        until += f", at {', '.join(f'{hour}:00' for hour in row.hours)}"
    what = title(row.dimension) if row.dimension != "catalogue" else "Catalogue"
    return Taught(row, ALL[row.detector].TITLE, f"{what} {name(row.value)}", until)


def _told(settings: Settings) -> dict[str, Any]:
    return {"floor_usd": str(settings.floor), "sensitivity": settings.sensitivity, "off": sorted(settings.off)}
