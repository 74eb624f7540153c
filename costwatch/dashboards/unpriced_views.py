"""The page Unpriced: models without a price, and the form that prices their past and future calls."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from costwatch.accounts.access import MemberRequest, member_page
from costwatch.accounts.audit import client_ip
from costwatch.dashboards import unpriced
from costwatch.dashboards.csv import csv_answer, name_of
from costwatch.dashboards.run_page import component
from costwatch.dashboards.unpriced import Preview, Unpriced
from costwatch.dashboards.views import is_for
from costwatch.dashboards.welcome import has_events
from costwatch.ledger import orders
from costwatch.lib.periods import zone
from costwatch.pricing import agree
from costwatch.pricing.agreements import Agreement, BadPrice, parse
from costwatch.spend.filters import SpendFilter
from costwatch.spend.queries import query

FORM = (*unpriced.FIELDS, "valid_from", "match", "source", "free")
MATCHES = ("exact", "pattern")


@member_page("viewer")
def inbox(request: MemberRequest) -> HttpResponse:
    """The list, the chosen model with a price to begin with, and what its calls would cost at what is typed in."""
    items = unpriced.inbox(request.workspace)
    chosen = _chosen(items, request.GET.get("model"))
    context: dict[str, Any] = {"items": items, "chosen": chosen, "zone": request.workspace.time_zone}
    if chosen is not None and unpriced.arrived(request.workspace, chosen):
        start, end = unpriced.span(request.workspace, chosen)
        context |= {"arrived": True, "start": start, "end": end}
    if chosen is not None and request.member.may("admin"):
        context |= _form(request, chosen)
    if is_for(request, "preview"):
        return render(request, "pricing/preview.html", context)
    context |= {"calls": sum(i.calls for i in items), "at_most": sum(i.at_most for i in items)}
    context["has_events"] = bool(items) or has_events(request.workspace)
    return render(request, "pricing/unpriced.html", context | {"month": _month(request)})


@member_page("viewer")
def inbox_csv(request: MemberRequest) -> HttpResponse:
    """The models without a price, with all digits of what their calls cost at most."""
    return csv_answer(unpriced.csv_rows(request.workspace), name_of("unpriced"))


@member_page("admin")
@require_POST
def save(request: MemberRequest) -> HttpResponse:
    """Store the price; with `reprice` the past calls get it too, in the worker; with `preview` only look at it."""
    items = unpriced.inbox(request.workspace)
    chosen = next((item for item in items if item.model == request.POST.get("model")), None)
    if chosen is None:
        messages.info(request, "This model has a price by now.")
        return redirect("unpriced")
    fields = {name: request.POST.get(name, "") for name in FORM}
    back = f"{reverse('unpriced')}?{urlencode({'model': chosen.model, **fields})}"
    if "preview" in request.POST:
        return redirect(back)
    try:
        agreement = _agreement(request, chosen, fields)
    except BadPrice as problem:
        messages.error(request, problem.message)
        return redirect(back)
    agree.add(request.workspace, agreement, request.member, client_ip(request))
    agree.spread()
    unpriced.recount(request.workspace.lane)
    if "reprice" not in request.POST and not fields["free"]:
        messages.success(request, f"New calls of {agreement.model} have this price; past ones stay unpriced.")
        return redirect("unpriced")
    return redirect("reprice-order", _order(request, chosen, agreement))


def _order(request: MemberRequest, chosen: Unpriced, agreement: Agreement) -> int:
    """Past calls: applied where the preview was shown, else counted first."""
    start, end = unpriced.span(request.workspace, chosen)
    order = orders.place(
        request.workspace,
        start,
        end,
        [chosen.model],
        agreement.source or f"A price for {agreement.model}",
        request.member,
        apply=chosen.calls <= unpriced.MOST_PREVIEWED,
        ip=client_ip(request),
    )
    return order.pk


def _chosen(items: list[Unpriced], model: str | None) -> Unpriced | None:
    return next((item for item in items if item.model == model), items[0] if items else None)


def _form(request: MemberRequest, chosen: Unpriced) -> dict[str, Any]:
    """What stands in the form: as typed, else the price of a model with a name much alike."""
    alike, values = unpriced.suggestion(chosen)
    typed = any(request.GET.get(name) for name in unpriced.FIELDS) or "free" in request.GET
    fields = {**dict.fromkeys(FORM, ""), "valid_from": f"{chosen.first:%Y-%m-%d}", **({} if typed else values)}
    fields |= {name: request.GET[name] for name in FORM if name in request.GET}
    pattern = f"{chosen.model.rpartition('-')[0] or chosen.model}-*"
    form = {"fields": fields, "alike": "" if typed else alike, "pattern": pattern, "preview": None, "problem": ""}
    if _says_nothing(fields):
        return form
    try:
        found = unpriced.preview(request.workspace, chosen, _agreement(request, chosen, fields))
    except BadPrice as problem:
        return form | {"problem": problem.message}
    return form | {"preview": found, "parts": _parts(found), "too_many": found is None}


def _says_nothing(fields: dict[str, str]) -> bool:
    return not any(fields[name] for name in (*unpriced.FIELDS, "free"))


def _agreement(request: MemberRequest, chosen: Unpriced, fields: dict[str, str]) -> Agreement:
    model = chosen.model
    if _says_nothing(fields):
        raise BadPrice("prices", "Write at least one price, or mark the model as free.")
    if fields["match"] == "pattern":
        model = f"{model.rpartition('-')[0] or model}-*"
    said = {"provider": chosen.provider, "model": model, "source": fields["source"], "valid_from": fields["valid_from"]}
    prices = {"free": "yes"} if fields["free"] else {name: fields[name] for name in unpriced.FIELDS}
    return parse({**said, **prices}, zone(request.workspace.time_zone))


def _parts(found: Preview | None) -> list[tuple[str, Any]]:
    return [(component(part.component), part) for part in found.parts] if found else []


def _month(request: MemberRequest) -> Any:
    """The priced share of the month so far."""
    now = timezone.now().astimezone(zone(request.workspace.time_zone))
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return query(request.workspace, SpendFilter(first, now, {}, {})).total.priced_share
