"""Repricing on pages: choose, look at what would change, confirm, watch it being applied."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from costwatch.accounts.access import MemberRequest, member_page, own_or_404
from costwatch.accounts.audit import client_ip
from costwatch.dashboards import unpriced
from costwatch.dashboards.csv import csv_answer, first_of, name_of
from costwatch.dashboards.views import is_for
from costwatch.ledger import months, orders
from costwatch.ledger.commands import moment
from costwatch.ledger.models import Label, LabelKind
from costwatch.ledger.reprice import Change
from costwatch.lib.periods import local_day, zone
from costwatch.pricing.models import RepriceOrder

ORDER_HEAD = ("id", "asked_at", "reason", "by", "models", "from", "to", "state", "finished_at", "calls_looked_at",
              "changed_calls", "unpriced_before", "old_cost_usd", "new_cost_usd", "difference_usd")  # fmt: skip
CHANGE_HEAD = ("day", "model", "changed_calls", "unpriced_before", "old_cost_usd", "new_cost_usd", "difference_usd")
SHOWN = 20
MOST_ROWS = 500


@member_page("viewer")
def index(request: MemberRequest) -> HttpResponse:
    """The form, and what was repriced before."""
    today = local_day(timezone.now(), zone(request.workspace.time_zone))
    fields = {
        "from": request.GET.get("from") or f"{today.replace(day=1):%Y-%m-%d}",
        "to": request.GET.get("to") or f"{today + timedelta(days=1):%Y-%m-%d}",
        "model": request.GET.get("model", ""),
        "reason": request.GET.get("reason", ""),
    }
    return _index(request, fields)


@member_page("viewer")
def index_csv(request: MemberRequest) -> HttpResponse:
    """What was repriced before, at most a thousand orders, as the file's name then says."""
    found, more = first_of(_orders(request))
    return csv_answer([ORDER_HEAD, *map(_order_row, found)], name_of("repriced", more=more))


@member_page("admin")
@require_POST
def place(request: MemberRequest) -> HttpResponse:
    """Have it counted; nothing changes yet."""
    fields = {name: request.POST.get(name, "").replace("\0", "").strip() for name in ("from", "to", "model", "reason")}
    try:
        start, end = (moment(fields[name], request.workspace) for name in ("from", "to"))
    except ValueError as problem:
        return _index(request, fields, str(problem))
    if start >= end:
        return _index(request, fields, "“To” must be later than “from”.")
    if not fields["reason"]:
        return _index(request, fields, "Say why, for the audit log.")
    known = (
        {fields["model"]} if Label.objects.filter(value=fields["model"], lane=request.workspace.lane).exists() else ()
    )
    models = [*known] or [name.strip() for name in fields["model"].split(",") if name.strip()]
    order = orders.place(request.workspace, start, end, models, fields["reason"], request.member, ip=client_ip(request))
    return redirect("reprice-order", order.pk)


@member_page("viewer")
def show(request: MemberRequest, order_id: int) -> HttpResponse:
    """How far it is, and what changes by day and model; asked again every second while the worker is at it."""
    order = own_or_404(RepriceOrder, request.workspace, pk=order_id)
    context = _context(order) | {"zone": request.workspace.time_zone}
    name = "pricing/order_body.html" if is_for(request, "order") else "pricing/order.html"
    return render(request, name, context)


@member_page("viewer")
def show_csv(request: MemberRequest, order_id: int) -> HttpResponse:
    """All that changes by day and model, with all digits."""
    order = own_or_404(RepriceOrder, request.workspace, pk=order_id)
    rows = [CHANGE_HEAD, *((c.day, c.model, *_amounts([c])) for c in orders.changes_of(order))]
    return csv_answer(rows, name_of(f"repriced-{order.pk}"))


@member_page("admin")
@require_POST
def confirm(request: MemberRequest, order_id: int) -> HttpResponse:
    """Apply what was counted."""
    order = own_or_404(RepriceOrder, request.workspace, pk=order_id)
    if not orders.confirm(order, request.member, client_ip(request)):
        messages.info(request, "This was confirmed before, or is not counted yet.")
    unpriced.recount(request.workspace.lane)
    return redirect("reprice-order", order.pk)


def _index(request: MemberRequest, fields: dict[str, str], problem: str = "") -> HttpResponse:
    rows = _orders(request)[:SHOWN]
    models = Label.objects.filter(lane=request.workspace.lane, kind=LabelKind.MODEL).order_by("value")[:MOST_ROWS]
    context = {
        "fields": fields,
        "problem": problem,
        "orders": [_context(order) for order in rows],
        "models": models,
        "zone": request.workspace.time_zone,
    }
    return render(request, "pricing/reprice.html", context, status=422 if problem else 200)


def _orders(request: MemberRequest) -> QuerySet[RepriceOrder]:
    """All of the workspace, the newest first."""
    return RepriceOrder.objects.filter(workspace=request.workspace).order_by("-pk")


def _order_row(order: RepriceOrder) -> tuple[Any, ...]:
    models = ", ".join(order.of_models) or "all"
    return (order.pk, order.created_at, order.reason, order.by, models, order.start, order.end, order.state,
            order.finished_at, order.events, *_amounts(orders.changes_of(order)))  # fmt: skip


def _amounts(changes: list[Change]) -> tuple[Any, ...]:
    """What they come to, in the order of the last columns of both files."""
    total = _total(changes)
    return tuple(total[name] for name in ("events", "priced", "old", "new", "change"))


def _context(order: RepriceOrder) -> dict[str, Any]:
    changes = orders.changes_of(order)
    whole, done = order.end - order.start, order.reached - order.start
    return {
        "order": order,
        "working": order.state in orders.OPEN,
        "progress": Decimal(done / whole if whole else 1),
        "changes": [(change, change.new - change.old) for change in changes[:MOST_ROWS]],
        "more": max(0, len(changes) - MOST_ROWS),
        "total": _total(changes),
        **_carried(order, changes),
    }


def _carried(order: RepriceOrder, changes: list[Change]) -> dict[str, Any]:
    """The part of the difference that counts in the open month, and the day from which on months are open."""
    applied = order.finished_at if order.state == RepriceOrder.State.APPLIED else None
    until = months.closed_until(order.workspace.lane, applied)
    if until is None:
        return {}
    first = local_day(until, zone(order.workspace.time_zone))
    return {"carried": sum((c.new - c.old for c in changes if c.day < first), Decimal(0)), "open_from": first}


def _total(changes: list[Change]) -> dict[str, Any]:
    old, new = (sum((getattr(c, name) for c in changes), Decimal(0)) for name in ("old", "new"))
    return {
        "events": sum(c.events for c in changes),
        "priced": sum(c.priced for c in changes),
        "old": old,
        "new": new,
        "change": new - old,
    }
