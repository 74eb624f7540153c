"""A channel that does not work is told over the others, and what it was to tell goes their way."""

from django.utils import timezone

from costwatch.alerts import channels, incidents, outbox
from costwatch.alerts.models import PENDING, Channel, Delivery, Incident, Kind, Notice, Severity
from costwatch.alerts.outbox import NEWS
from costwatch.alerts.queue import Outcome

TELL_AFTER = 5  # attempts, about two minutes


def follow(outcome: Outcome) -> None:
    """After an attempt, in its transaction: a useless channel is disabled, a failing one is told of, one that works
    again is settled."""
    if outcome.delivery.type == Delivery.Type.TEST:
        return
    channel = outcome.channel
    if outcome.dead:
        reason = f"Its messages are refused for good: {outcome.said or outcome.delivery.status}"
        if channels.disable(channel, reason, timezone.now(), drops=False):
            _open(channel, outcome.delivery, f"The channel {channel.name} is switched off", reason)
    elif outcome.failed or (not outcome.sent and outcome.attempts == TELL_AFTER):
        _open(channel, outcome.delivery, f"Messages do not reach {channel.name}", outcome.said)
    elif outcome.sent and outcome.attempts >= TELL_AFTER:
        settle(channel, "Messages arrive again")
    if outcome.failed or outcome.dead:
        _reroute(channel)


def settle(channel: Channel, text: str) -> None:
    """What was wrong with a channel is over."""
    rows = Incident.objects.filter(workspace_id=channel.workspace_id, kind=Kind.DELIVERY, state__in=PENDING)
    for incident in rows.filter(facts__channel=channel.pk):
        incidents.settle(incident, timezone.now(), text)


def _open(channel: Channel, delivery: Delivery, title: str, said: str) -> None:
    now = timezone.now()
    off = channel.disabled_at is not None
    then = "Put it right and switch it on again" if off else "It is tried again for a day"
    others = [other.pk for other in _others(channel)]
    report = incidents.Report(
        kind=Kind.DELIVERY,
        key=f"channel:{channel.pk}:{delivery.pk}:{'off' if off else 'late'}",
        severity=Severity.ALARM if others else Severity.NOTICE,  # with nobody to tell, it stands on the pages
        title=title,
        message=f"{said} {then} (Settings, Channels).".strip(),
        subject=channel.name,
        at=now,
        facts={"channel": channel.pk, "status": delivery.status, "answer": said},
        channels=tuple(others),
    )
    incidents.open_or_update(channel.workspace_id, report, now)


def _others(channel: Channel) -> list[Channel]:
    """The default channels but this one, else any other."""
    usable = outbox.working(channel.workspace_id).exclude(pk=channel.pk)
    return list(usable.filter(is_default=True)) or list(usable[:1])


def _reroute(channel: Channel) -> None:
    """What a channel failed to tell, and is pending, goes to the channel it escalates to, else to the default ones.

    A channel that knows of an incident already is not told again.
    """
    lost = Notice.objects.filter(channel=channel, type__in=NEWS, dropped=False, incident__state__in=PENDING)
    lost = lost.exclude(delivery__state=Delivery.State.SENT).select_related("incident", "entry")
    if channel.disabled_at is None:
        lost = lost.filter(delivery__state=Delivery.State.FAILED)
    for notice in lost.exclude(incident__kind=Kind.DELIVERY):
        others = [c for c in _instead(channel) if not _knows(c, notice.incident)]
        outbox.write(notice.incident, notice.entry, Delivery.Type(notice.type), others, notice.facts)
    if channel.disabled_at is not None:
        channels.drop_waiting(channel, "the channel was switched off")


def _instead(channel: Channel) -> list[Channel]:
    usable = outbox.working(channel.workspace_id)
    second = [other for other in usable if other.pk == channel.escalate_to_id]
    return second or _others(channel)


def _knows(channel: Channel, incident: Incident) -> bool:
    return Notice.objects.filter(channel=channel, incident=incident, type__in=NEWS, dropped=False).exists()
