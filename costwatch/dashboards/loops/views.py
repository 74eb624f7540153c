"""The settings of loop detection: shown to all, tried and saved by editors."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from costwatch.accounts import audit
from costwatch.accounts.access import MemberRequest, member_page
from costwatch.dashboards.loops import page
from costwatch.dashboards.loops.form import LoopForm, initial
from costwatch.loops import lessons
from costwatch.loops.lessons import Wanted


@member_page("viewer")
def loop_settings(request: MemberRequest) -> HttpResponse:
    """The settings that hold."""
    known = list(lessons.of(request.workspace.pk))
    form = LoopForm(initial=initial(lessons.wanted(request.workspace.pk), known), lessons=known)
    return render(request, "loops/settings.html", {"form": form, "may_act": request.member.may("editor")})


@member_page("editor")
@require_POST
def loop_change(request: MemberRequest) -> HttpResponse:
    """Try other settings on the last 30 days, or save them (`do=save`)."""
    form = LoopForm(request.POST, lessons=list(lessons.of(request.workspace.pk)))
    context = {"form": form, "may_act": True, "zone": request.workspace.time_zone}
    if not form.is_valid():
        return render(request, "loops/settings.html", context, status=422)
    if request.POST.get("do") == "save":
        return _save(request, lessons.wanted(request.workspace.pk), form.wanted)
    context["trial"] = page.trial(request.workspace, form.wanted, timezone.now())
    return render(request, "loops/settings.html", context)


def _save(request: MemberRequest, before: Wanted, after: Wanted) -> HttpResponse:
    with transaction.atomic():
        if lessons.change(request.workspace.pk, after, str(request.member), timezone.now()):
            audit.record_for(
                request, "loops.changed", "loop detection", {"before": _told(before), "after": _told(after)}
            )
    messages.success(request, "Saved. It holds from the next call on.")
    return redirect("loop-settings")


def _told(wanted: Wanted) -> dict[str, object]:
    return {"sensitivity": wanted.sensitivity, "gate_usd": str(wanted.gate), "tools": sorted(wanted.tools),
            "tasks": sorted(wanted.tasks)}  # fmt: skip
