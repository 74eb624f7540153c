"""Budgets as pages: listed, made after a look at what they would have done, changed, paused, removed."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from costwatch.accounts.access import MemberRequest, member_page, own_or_404
from costwatch.accounts.audit import client_ip
from costwatch.budgets import manage
from costwatch.budgets.fields import LONGEST, BadBudget
from costwatch.budgets.models import Budget
from costwatch.dashboards.budgets import conditions, dearest, listing, page, past, told
from costwatch.dashboards.budgets.forms import BudgetForm, said, zones
from costwatch.dashboards.budgets.kept import Group
from costwatch.dashboards.budgets.starters import starters
from costwatch.dashboards.budgets.trial import Trial, trial
from costwatch.dashboards.csv import csv_answer
from costwatch.dashboards.views import is_for
from costwatch.dashboards.welcome import has_events

EDITOR = "editor"


@member_page("viewer")
def budget_list(request: MemberRequest) -> HttpResponse:
    """The budgets, the most urgent first; without any, three to begin with."""
    now, group = timezone.now(), _group(request)
    found = listing.page(request.workspace, now, group, _number(request))
    context = {
        "page": found,
        "group": group,
        "starters": [] if found.count else starters(request.workspace, now),
        "has_events": bool(found.count) or has_events(request.workspace),
        "may_change": request.member.may(EDITOR),
    }
    return render(request, "budgets/list.html", context)


@member_page("viewer")
def budget_list_csv(request: MemberRequest) -> HttpResponse:
    """The list with all digits."""
    return csv_answer(listing.csv_rows(request.workspace, timezone.now(), _group(request)), "budgets.csv")


@member_page("viewer")
def budget(request: MemberRequest, budget_id: int) -> HttpResponse:
    """One budget, or one value of a template (?value=…)."""
    chosen, value = _own(request, budget_id), _value(request)
    if not chosen.per:
        value = ""
    channels, are_own = told.recipients(chosen)
    context = {
        "page": page.page(chosen, value, _number(request), timezone.now()),
        "budget": chosen,
        "lines": told.lines(chosen, value),
        "channels": channels,
        "channels_are_own": are_own,
        "has_channels": bool(channels) or told.has_channels(chosen),
        "may_change": request.member.may(EDITOR),
        "number": _number(request),
    }
    return render(request, "budgets/budget.html", context)


@member_page("viewer")
def budget_csv(request: MemberRequest, budget_id: int) -> HttpResponse:
    """The values of a template, else the periods; with all digits."""
    chosen, value, now = _own(request, budget_id), _value(request), timezone.now()
    if chosen.per and not value:
        return csv_answer(dearest.csv_rows(chosen, now), f"budget-{chosen.pk}.csv")
    one = page.narrowed(chosen, value) if value else chosen
    return csv_answer(past.csv_rows(one, now), f"budget-{chosen.pk}-periods.csv")


@member_page(EDITOR)
def budget_new(request: MemberRequest) -> HttpResponse:
    """A new budget; an address may fill the form in (?name=…&amount=…&agent=…)."""
    posted = request.POST if request.method == "POST" else None
    form = BudgetForm(posted, workspace=request.workspace, now=timezone.now(), query=request.GET)
    if _saves(request, form):
        try:
            made = manage.create(request.workspace, form.data_entered, request.member, ip=client_ip(request))
        except BadBudget as problem:
            form.complain(problem)
        else:
            messages.success(request, f"The budget {made.name} is made. What was spent already counts.")
            return redirect("budget", budget_id=made.pk)
    return _form_page(request, form, None)


@member_page(EDITOR)
def budget_edit(request: MemberRequest, budget_id: int) -> HttpResponse:
    """Change a budget; what was told stays told."""
    chosen = _own(request, budget_id)
    posted = request.POST if request.method == "POST" else None
    form = BudgetForm(posted, workspace=request.workspace, now=timezone.now(), budget=chosen)
    if _saves(request, form):
        try:
            manage.change(chosen, form.data_entered, request.member, ip=client_ip(request))
        except BadBudget as problem:
            form.complain(problem)
        else:
            messages.success(request, "Saved.")
            return redirect("budget", budget_id=chosen.pk)
    return _form_page(request, form, chosen)


@member_page(EDITOR)
@require_POST
def budget_act(request: MemberRequest, budget_id: int, action: str) -> HttpResponse:
    """Pause it or go on with it."""
    if action not in ("pause", "resume"):
        raise Http404("Budgets know pause and resume.")
    chosen = _own(request, budget_id)
    manage.change(chosen, {"paused": action == "pause"}, request.member, ip=client_ip(request))
    return redirect("budget", budget_id=chosen.pk)


@member_page(EDITOR)
def budget_remove(request: MemberRequest, budget_id: int) -> HttpResponse:
    """Ask, then remove it."""
    chosen = _own(request, budget_id)
    if request.method != "POST":
        return render(request, "budgets/remove.html", {"budget": chosen})
    manage.remove(chosen, request.member, ip=client_ip(request))
    messages.success(request, f"The budget {chosen.name} is removed.")
    return redirect("budgets")


def _own(request: MemberRequest, budget_id: int) -> Budget:
    rows = Budget.objects.select_related("workspace", "owner")
    found: Budget = own_or_404(rows, request.workspace, pk=budget_id)
    return found


def _value(request: MemberRequest) -> str:
    value = request.GET.get("value", "").strip()
    if "\0" in value or len(value) > LONGEST:
        raise BadRequest(f"value must be a text of at most {LONGEST} characters.")
    return value


def _group(request: MemberRequest) -> str:
    asked = request.GET.get("state", "")
    return asked if asked in list(Group) else ""


def _number(request: MemberRequest) -> int:
    asked = request.GET.get("page", "1")
    return int(asked) if asked.isascii() and asked.isdigit() and 0 < int(asked[:6]) == int(asked) else 1


def _saves(request: MemberRequest, form: BudgetForm) -> bool:
    """Whether the form is to be kept and nothing in it is wrong by itself."""
    return request.method == "POST" and request.POST.get("do") == "save" and not form.problems()


def _form_page(request: MemberRequest, form: BudgetForm, chosen: Budget | None) -> HttpResponse:
    """The form with its preview; for htmx, one of the two parts that follow what is typed."""
    lines_only = is_for(request, "conditions")
    # looking back may take a second: the page that is opened asks for it when it is there
    later = not form.is_bound and form.has_amount
    found, problem = (None, "") if lines_only or later else _tried(form)
    context: dict[str, Any] = {"form": form, "budget": chosen, "trial": found, "problem": problem, "later": later}
    if lines_only:
        return render(request, "budgets/conditions.html", context)
    if is_for(request, "preview"):
        return render(request, "budgets/preview.html", context)
    status = 422 if form.is_bound and form.wrong else 200
    return render(request, "budgets/form.html", {**context, "zones": zones()}, status=status)


def _tried(form: BudgetForm) -> tuple[Trial | None, str]:
    """What it would have done, or why that cannot be told yet."""
    if not form.has_amount:
        return None, "Say how much may be spent, and this shows what the budget would have told in the last 90 days."
    if form.is_half_said:
        return None, conditions.EMPTY
    try:
        return trial(form.workspace, form.data_entered, form.now), ""
    except BadBudget as problem:
        return None, said(problem)
