"""Channels as pages: made, changed, tried out, switched; what was sent over them."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from costwatch.accounts import audit, once
from costwatch.accounts.access import MemberRequest, member_page, own_or_404
from costwatch.alerts import channels, deliver, trouble
from costwatch.alerts.models import Channel, Delivery
from costwatch.alerts.transports import MODULES, transport
from costwatch.alerts.transports.parts import BadChannel, Receipt
from costwatch.dashboards.channels import page
from costwatch.dashboards.channels.forms import ChannelForm, initial
from costwatch.dashboards.csv import about, csv_answer, name_of


@member_page("viewer")
def channel_list(request: MemberRequest) -> HttpResponse:
    """The channels and the kinds of new ones."""
    context = {
        "rows": page.rows(request.workspace),
        "kinds": page.kinds(),
        "may_change": request.member.may("editor"),
        "zone": request.workspace.time_zone,
    }
    return render(request, "channels/list.html", context)


@member_page("viewer")
def channel_list_csv(request: MemberRequest) -> HttpResponse:
    """The same channels as a file."""
    return csv_answer(page.csv_rows(request.workspace), name_of("channels"))


@member_page("editor")
def channel_csv(request: MemberRequest, channel_id: int) -> HttpResponse:
    """What was sent over a channel, at most a thousand messages, as the file's name then says."""
    chosen = _own(request, channel_id)
    rows, more = page.log_csv_rows(chosen)
    return csv_answer(rows, name_of(about("messages-of", chosen.name), more=more))


@member_page("editor")
def channel_new(request: MemberRequest, kind: str) -> HttpResponse:
    """A new channel; a webhook's secret is on the page that follows and nowhere else."""
    if kind not in MODULES:
        raise Http404(f"Channels are {', '.join(MODULES)}.")
    blank = Channel(workspace=request.workspace, kind=kind)
    form = ChannelForm(request.POST or None, channel=blank, initial=initial(blank))
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                made, secret = channels.create(request.workspace, {**form.data_entered, "kind": kind})
                audit.record_for(request, "channel.created", made, {"kind": kind, "shown": made.shown})
        except BadChannel as problem:
            _complain(form, problem)
        else:
            _keep(request, made, secret)
            messages.success(request, f"The channel {made.name} is made. Send a test message to see that it arrives.")
            return redirect("channel", channel_id=made.pk)
    label = transport(kind).LABEL
    context = {"form": form, "kind": kind, "label": label, "hint": page.hint(kind)}
    return render(request, "channels/new.html", context, status=422 if form.errors else 200)


@member_page("editor")
def channel(request: MemberRequest, channel_id: int) -> HttpResponse:
    """One channel: its form, and what was sent over it."""
    chosen = _own(request, channel_id)
    if request.method != "POST":
        return _channel_page(request, chosen)
    form = ChannelForm(request.POST, channel=chosen, initial=initial(chosen))
    if form.is_valid():
        try:
            with transaction.atomic():
                if channels.change(chosen, form.data_entered):
                    audit.record_for(request, "channel.changed", chosen, {"shown": chosen.shown})
        except BadChannel as problem:
            _complain(form, problem)
        else:
            messages.success(request, "Saved.")
            return redirect("channel", channel_id=chosen.pk)
    return _channel_page(request, _own(request, channel_id), form=form)


@member_page("editor")
@require_POST
def channel_act(request: MemberRequest, channel_id: int, action: str) -> HttpResponse:
    """Test, rotate the secret, switch off or on."""
    chosen = _own(request, channel_id)
    if action == "test":
        return _test(request, chosen)
    if action == "rotate" and chosen.kind == Channel.Kind.WEBHOOK:
        with transaction.atomic():
            secret = channels.rotate(chosen)
            audit.record_for(request, "channel.rotated", chosen, {})
        _keep(request, chosen, secret)
        return redirect("channel", channel_id=chosen.pk)
    if action not in ("enable", "disable"):
        raise Http404("Channels know test, rotate, enable and disable.")
    with transaction.atomic():
        on = action == "enable"
        if channels.enable(chosen) if on else channels.disable(chosen, "", timezone.now()):
            trouble.settle(chosen, f"The channel is switched {'on again' if on else 'off'}")
            audit.record_for(request, f"channel.{action}d", chosen, {})
    return redirect("channel", channel_id=chosen.pk)


@member_page("editor")
def channel_delete(request: MemberRequest, channel_id: int) -> HttpResponse:
    """Ask, then take it away."""
    chosen = _own(request, channel_id)
    if request.method != "POST":
        return render(request, "channels/delete.html", {"channel": chosen})
    with transaction.atomic():
        channels.delete(chosen, timezone.now())
        audit.record_for(request, "channel.deleted", chosen, {"kind": chosen.kind})
    messages.success(request, f"The channel {chosen.name} is taken away.")
    return redirect("channels")


@member_page("viewer")
def delivery(request: MemberRequest, delivery_id: int) -> HttpResponse:
    """A message: all its incidents, every attempt and what was answered."""
    rows = Delivery.objects.select_related("channel")
    chosen: Delivery = own_or_404(rows, request.workspace, pk=delivery_id)
    (line,) = page.lines([chosen])
    context = {
        "delivery": chosen,
        "headline": line[1],
        "told": page.told(chosen),
        "zone": request.workspace.time_zone,
        "may_change": request.member.may("editor"),
    }
    return render(request, "channels/delivery.html", context)


def _own(request: MemberRequest, channel_id: int) -> Channel:
    found: Channel = own_or_404(Channel.objects.filter(deleted_at=None), request.workspace, pk=channel_id)
    return found


def _test(request: MemberRequest, chosen: Channel) -> HttpResponse:
    result = deliver.test(chosen)
    well = isinstance(result, Receipt)
    audit.record_for(request, "channel.tested", chosen, {"ok": well})
    said = result.answer if isinstance(result, Receipt) else str(result)
    return _channel_page(request, chosen, tested={"ok": well, "status": result.status, "answer": said})


def _complain(form: ChannelForm, problem: BadChannel) -> None:
    form.add_error(problem.field if problem.field in form.fields else None, problem.message)


def _keep(request: MemberRequest, chosen: Channel, secret: str | None) -> None:
    if secret:
        once.keep(request, f"channel {chosen.pk}", secret)


def _channel_page(request: MemberRequest, chosen: Channel, *, form: ChannelForm | None = None,
                  tested: dict[str, Any] | None = None) -> HttpResponse:  # fmt: skip
    secret = once.take(request, f"channel {chosen.pk}")
    form = form or ChannelForm(channel=chosen, initial=initial(chosen))
    context = {
        "channel": chosen,
        "form": form,
        "label": transport(chosen.kind).LABEL,
        "hint": page.hint(chosen.kind),
        "leads_to": page.leads_to(chosen),
        "secret": secret,
        "tested": tested,
        "log": page.lines(list(page.log(chosen))),
        "zone": request.workspace.time_zone,
    }
    response = render(request, "channels/channel.html", context, status=422 if form.errors else 200)
    if secret:
        response["Cache-Control"] = "no-store"
    return response
