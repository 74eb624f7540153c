"""Sending digests: what is due is claimed by a row and handed to the outbox, in one transaction."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.db import IntegrityError, transaction
from django.template.loader import render_to_string

from costwatch.accounts.models import Workspace
from costwatch.alerts.queue import enqueue_digest
from costwatch.budgets.say import used
from costwatch.digests import span as spans
from costwatch.digests import words
from costwatch.digests.models import Issue, Subscription
from costwatch.digests.report import Report, report
from costwatch.digests.span import Span
from costwatch.lib.periods import zone

LATEST = {"daily": timedelta(hours=20), "weekly": timedelta(days=3), "monthly": timedelta(days=7)}


def send_due(now: datetime) -> int:
    """Hand over what is due; how many digests. What nobody sent in time (we were off) is not sent days later."""
    return sum(send(subscription, span, now) for subscription, span in due(now))


def due(now: datetime) -> Iterator[tuple[Subscription, Span]]:
    """The subscriptions whose last period is over, wanted and not sent."""
    rows = Subscription.objects.select_related("workspace", "channel", "member")
    for one in rows.filter(channel__deleted_at=None, channel__disabled_at=None).order_by("pk"):
        tz = zone(one.time_zone or one.workspace.time_zone)
        span = spans.latest(one.kind, now, tz, one.workspace.week_start)
        at = spans.due(span, one.hour, tz)
        is_wanted = one.made_at < at and (one.member is None or one.member.is_active)
        if is_wanted and at <= now < at + LATEST[one.kind] and not one.issues.filter(first_day=span.first).exists():
            yield one, span


def send(subscription: Subscription, span: Span, now: datetime) -> bool:
    """Send one; False if it was sent before, by whomever."""
    found = report(subscription.workspace, span, now, subscription.time_zone)
    digest = message(subscription.workspace, found)
    try:
        with transaction.atomic():
            Issue.objects.create(subscription=subscription, first_day=span.first, title=digest["title"][:255])
            enqueue_digest(subscription.channel, digest, f"{subscription.pk} {span.first}")
    except IntegrityError:
        return False
    return True


def message(workspace: Workspace, found: Report) -> dict[str, str]:
    """A digest as the outbox takes it: title, text, HTML of the mail, address of the page."""
    context = {
        "found": found,
        "sentence": words.sentence(found),
        "coverage": words.coverage(found),
        "forecast": words.forecast(found),
        "incidents": words.incidents(found)[0],
        "rows": [(words.movers(found, dimension), words.moved(found, dimension)) for dimension in words.WHATS],
        "budgets": [(budget, used(budget.share)) for budget in found.budgets],
        "unpriced": [(words.name(model), f"{sums.unpriced_calls:,}", words.at_most(sums, "≤ "))
                     for model, sums in found.unpriced],
    }  # fmt: skip
    digest = {
        "title": words.title(workspace.name, found),
        "text": words.text(found),
        "html": render_to_string("digests/mail.html", context),
    }
    if settings.PUBLIC_URL:
        other = "" if found.zone == workspace.time_zone else f"?{urlencode({'tz': found.zone})}"
        digest["url"] = f"{settings.PUBLIC_URL.rstrip('/')}/digests/{found.span.kind}/{found.span.first}{other}"
    return digest
