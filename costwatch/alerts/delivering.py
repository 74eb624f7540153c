"""How delivering goes in the whole installation: for `costwatch doctor` and Prometheus."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Min, Q
from django.db.models.functions import Now

from costwatch.alerts.models import Channel, Delivery
from costwatch.database import clock

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Delivering:
    """Channels by how they do: `working` counts them, `failing` and `disabled` name each with the reason.

    `waiting_since`: of the oldest message on its way, `untried_since`: of the oldest that nobody has tried to send yet.
    `day`: how many messages of the last 24 hours, by kind of channel and state.
    """

    working: int
    failing: Sequence[tuple[str, str]]
    disabled: Sequence[tuple[str, str]]
    waiting: int
    waiting_since: datetime | None
    untried_since: datetime | None
    last_sent_at: datetime | None
    day: Mapping[tuple[str, str], int]
    now: datetime

    @property
    def waits(self) -> float:
        """Seconds that the oldest message has waited; 0 without any."""
        return 0.0 if self.waiting_since is None else (self.now - self.waiting_since).total_seconds()

    @property
    def untried(self) -> float:
        """Seconds that the oldest message has waited for its first attempt."""
        return 0.0 if self.untried_since is None else (self.now - self.untried_since).total_seconds()


def look() -> Delivering:
    """As it is now."""
    waiting = Delivery.objects.filter(state=Delivery.State.WAITING, channel__disabled_at=None, channel__deleted_at=None)
    tried = waiting.filter(attempts__gt=0).exclude(answer="").select_related("channel__workspace").defer("body")
    failing = {one.channel_id: (_name(one.channel), one.answer) for one in tried}
    kept = Channel.objects.filter(deleted_at=None)
    off = kept.filter(disabled_at__isnull=False).select_related("workspace")
    disabled = sorted((_name(channel), channel.disabled_reason) for channel in off)
    found = waiting.aggregate(n=Count("pk"), since=Min("created_at"), untried=Min("created_at", filter=Q(attempts=0)))
    sent = Delivery.objects.aggregate(at=Max("sent_at"))["at"]
    made = Delivery.objects.filter(channel__in=kept, created_at__gt=Now() - DAY)
    day = {(kind, state): n for kind, state, n in made.values_list("channel__kind", "state").annotate(n=Count("pk"))}
    working = kept.filter(disabled_at=None).count() - len(failing)
    return Delivering(
        working,
        sorted(failing.values()),
        disabled,
        found["n"],
        found["since"],
        found["untried"],
        sent,
        day,
        clock.now(),
    )


def _name(channel: Channel) -> str:
    return f"{channel.name} of {channel.workspace.name}"
