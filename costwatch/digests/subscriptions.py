"""Who gets which digest: asked for by members for themselves, by editors for channels."""

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from costwatch.accounts.models import Member, Workspace
from costwatch.alerts import channels
from costwatch.alerts.models import Channel
from costwatch.alerts.transports.parts import BadChannel
from costwatch.digests.models import Subscription
from costwatch.digests.span import KINDS
from costwatch.lib.periods import zone


class BadSubscription(ValueError):
    """A subscription that cannot be; `field` is what to change about it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


def of(workspace: Workspace) -> QuerySet[Subscription]:
    """The subscriptions of a workspace."""
    rows = Subscription.objects.filter(workspace=workspace, channel__deleted_at=None)
    return rows.select_related("channel", "member").order_by("kind", "pk")


def told_first(workspace: Workspace) -> list[Channel]:
    """The channels of a workspace, by name; those that were made for members' own digests last."""
    own = set(of(workspace).exclude(member=None).values_list("channel", flat=True))
    return sorted(channels.of(workspace), key=lambda channel: channel.pk in own)


def subscribe(
    workspace: Workspace, kind: str, now: datetime, *, by: str, member: Member | None = None,
    channel: Channel | None = None, hour: int = 8, time_zone: str = "",
) -> tuple[Subscription, bool]:  # fmt: skip
    """A digest for a member or a channel; whether it is new. Asked for again, hour and zone change. Raises
    BadSubscription."""
    if kind not in KINDS:
        raise BadSubscription("kind", f"A digest is {', '.join(KINDS)}.")
    if not 0 <= hour < 24:
        raise BadSubscription("hour", "The hour is a whole number from 0 to 23.")
    if time_zone:
        try:
            zone(time_zone)
        except ValueError as unknown:
            raise BadSubscription("time_zone", str(unknown)) from None
    with transaction.atomic():
        target = channel or _own_channel(workspace, member)
        return Subscription.objects.update_or_create(
            kind=kind,
            channel=target,
            defaults={"hour": hour, "time_zone": time_zone},
            create_defaults={
                "workspace": workspace, "member": member if channel is None else None, "hour": hour,
                "time_zone": time_zone, "made_by": by[:255], "made_at": now,
            },
        )  # fmt: skip


def may_cancel(subscription: Subscription, member: Member) -> bool:
    """Members end what they get themselves, editors everything."""
    return member.may("editor") or subscription.member_id == member.pk


def _own_channel(workspace: Workspace, member: Member | None) -> Channel:
    """The mail channel of a member alone; it gets nothing but digests until somebody says otherwise."""
    if member is None:
        raise BadSubscription("channel", "Choose a channel, or yourself.")
    name = f"Digests to {member.email}"[: channels.LONGEST_NAME]
    known = Channel.objects.filter(workspace=workspace, kind=Channel.Kind.EMAIL, name=name, deleted_at=None).first()
    if known is not None:
        return known
    try:
        return channels.create(workspace, {"kind": "email", "name": name, "to": [member.email], "is_default": False})[0]
    except BadChannel as problem:
        raise BadSubscription("channel", str(problem)) from None
