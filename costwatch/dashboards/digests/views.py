"""The pages of digests: one period, its CSV and PDF, a preview of the mail, and who gets which."""

from datetime import UTC, date, datetime
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from costwatch.accounts import audit
from costwatch.accounts.access import MemberRequest, member_page, own_or_404
from costwatch.alerts import channels
from costwatch.alerts.models import Channel
from costwatch.dashboards.channels.page import hint
from costwatch.dashboards.csv import csv_answer, name_of
from costwatch.dashboards.digests.page import NAMES, csv_rows, page
from costwatch.digests import send, subscriptions
from costwatch.digests import span as spans
from costwatch.digests.models import Subscription
from costwatch.digests.report import Report, report
from costwatch.digests.span import KINDS
from costwatch.digests.subscriptions import BadSubscription
from costwatch.lib.periods import zone

EARLIEST, LATEST = date(1970, 1, 2), date(2199, 12, 1)
CSV_HEAD = ("goes_to", "every", "at", "zone", "asked_for_by", "asked_for_at")
HOURS = [(hour, f"{hour:02}:00") for hour in range(24)]


@member_page("viewer")
def digest_index(request: MemberRequest) -> HttpResponse:
    """Last week's."""
    return redirect("digest-latest", kind="weekly")


@member_page("viewer")
def digest_latest(request: MemberRequest, kind: str) -> HttpResponse:
    """The last whole day, week or month."""
    _known(kind)
    span = spans.latest(kind, timezone.now(), zone(request.workspace.time_zone), request.workspace.week_start)
    return redirect("digest", kind=kind, day=f"{span.first}")


@member_page("viewer")
def digest(request: MemberRequest, kind: str, day: str) -> HttpResponse:
    """The digest of the period that holds a day; of a running one what is there so far."""
    now = timezone.now()
    found = _found(request, kind, day, now)
    context = {"page": page(request.workspace, found), "found": found, "zone": found.zone}
    return render(request, "digests/digest.html", context)


@member_page("viewer")
def digest_csv(request: MemberRequest, kind: str, day: str) -> HttpResponse:
    """Who moved it, with all digits."""
    found = _found(request, kind, day, timezone.now())
    return csv_answer(csv_rows(found), f"digest-{kind}-{found.span.first}.csv")


@member_page("viewer")
def digest_pdf(request: MemberRequest, kind: str, day: str) -> HttpResponse:
    """The same on paper."""
    now = timezone.now()
    found = _found(request, kind, day, now)
    from costwatch.digests import paper  # 60 MB and a second in each process, for the few who print

    answer = HttpResponse(paper.pdf(request.workspace.name, found, now), content_type="application/pdf")
    answer["Content-Disposition"] = f'inline; filename="digest-{kind}-{found.span.first}.pdf"'
    return answer


@member_page("viewer")
def digest_preview(request: MemberRequest) -> HttpResponse:
    """The mail as it would go out now for the last whole period."""
    kind, now = request.GET.get("kind", "weekly"), timezone.now()
    _known(kind)
    tz = zone(request.workspace.time_zone)
    span = spans.latest(kind, now, tz, request.workspace.week_start)
    message = send.message(request.workspace, report(request.workspace, span, now))
    context = {"message": message, "span": span, "kind": kind, "kinds": NAMES}
    return render(request, "digests/preview.html", context)


@member_page("viewer")
def digest_settings(request: MemberRequest) -> HttpResponse:
    """Who gets which digest; a member asks for one of their own, an editor for a channel."""
    problem: BadSubscription | None = None
    if request.method == "POST":
        try:
            return _subscribe(request)
        except BadSubscription as bad:
            problem = bad
    rows = [(one, subscriptions.may_cancel(one, request.member)) for one in subscriptions.of(request.workspace)]
    context = {
        "rows": rows,
        "channels": channels.of(request.workspace) if request.member.may("editor") else [],
        "hours": HOURS,
        "kinds": NAMES,
        "problem": problem,
        "sent": request.POST,
        "hint": hint(Channel.Kind.EMAIL),
    }
    return render(request, "digests/settings.html", context, status=422 if problem else 200)


@member_page("viewer")
def digest_settings_csv(request: MemberRequest) -> HttpResponse:
    """Who gets which digest, as a file."""
    place, found = request.workspace, subscriptions.of(request.workspace)
    rows = [(one.member.email if one.member else one.channel.name, one.kind, f"{one.hour:02}:00",
             one.time_zone or place.time_zone, one.made_by, one.made_at) for one in found]  # fmt: skip
    return csv_answer([CSV_HEAD, *rows], name_of("digests"))


@member_page("viewer")
@require_POST
def digest_cancel(request: MemberRequest, subscription_id: int) -> HttpResponse:
    """No more of it."""
    chosen = own_or_404(Subscription, request.workspace, pk=subscription_id)
    if not subscriptions.may_cancel(chosen, request.member):
        raise Http404("Editors end the digests of others.")
    with transaction.atomic():
        audit.record_for(request, "digest.cancelled", chosen, {"kind": chosen.kind})
        chosen.delete()
    messages.success(request, "It is not sent any more.")
    return redirect("digest-settings")


def _subscribe(request: MemberRequest) -> HttpResponse:
    wanted = request.POST.get("channel", "")
    channel = None
    if wanted and request.member.may("editor"):
        number = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 19 else 0
        channel = channels.of(request.workspace).filter(pk=number).first()
    if wanted and channel is None:
        raise BadSubscription("channel", "Choose one of the workspace's channels, or yourself.")
    hour = request.POST.get("hour", "")
    member = request.member
    with transaction.atomic():
        made, is_new = subscriptions.subscribe(
            request.workspace,
            request.POST.get("kind", ""),
            timezone.now(),
            by=str(member),
            member=member,
            channel=channel,
            hour=int(hour) if hour.isascii() and hour.isdigit() and len(hour) < 3 else -1,
            time_zone=request.POST.get("time_zone", "").strip(),
        )
        facts: dict[str, Any] = {"kind": made.kind, "hour": made.hour, "time_zone": made.time_zone}
        audit.record_for(request, "digest.subscribed" if is_new else "digest.changed", made, facts)
    messages.success(request, f"The {made.kind} digest is sent at {made.hour:02}:00.")
    return redirect("digest-settings")


def _found(request: MemberRequest, kind: str, day: str, now: datetime) -> Report:
    _known(kind)
    try:
        tz = zone(request.GET.get("tz") or request.workspace.time_zone)
    except ValueError as unknown:
        raise Http404(str(unknown)) from None
    span = spans.on(kind, _day(day), tz, request.workspace.week_start)
    if span.start >= now.astimezone(UTC):
        raise Http404("This period has not begun.")
    return report(request.workspace, span, now, tz.key)


def _day(day: str) -> date:
    try:
        on = date.fromisoformat(day)
    except ValueError:
        raise Http404("A digest's address ends in a day such as 2026-11-16.") from None
    if len(day) != 10 or not EARLIEST <= on <= LATEST:
        raise Http404("A digest's address ends in a day such as 2026-11-16.")
    return on


def _known(kind: str) -> None:
    if kind not in KINDS:
        raise Http404(f"Digests are {', '.join(KINDS)}.")
