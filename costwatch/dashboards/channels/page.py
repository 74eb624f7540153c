"""The content of the channels' pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import OuterRef, QuerySet, Subquery

from costwatch.accounts.models import Workspace
from costwatch.alerts import channels
from costwatch.alerts.compose import message_of
from costwatch.alerts.message import headline, incident_line
from costwatch.alerts.models import Channel, Delivery
from costwatch.alerts.queue import waiting_count
from costwatch.alerts.transports import MODULES, transport
from costwatch.dashboards.csv import first_of

LOG_ROWS = 50
CSV_HEAD = ("name", "kind", "leads_to", "default", "gets_from", "gets_kinds", "quiet_from", "quiet_until", "state",
            "waiting", "switched_off_at")  # fmt: skip
LOG_HEAD = ("made_at", "message", "type", "state", "attempts", "sent_at", "status", "answer", "took_ms")


@dataclass(frozen=True)
class Row:
    """A channel of the list."""

    channel: Channel
    leads_to: str
    css: str
    words: str
    waiting: int


def rows(workspace: Workspace) -> list[Row]:
    """The channels, with how their last message went."""
    last = Delivery.objects.filter(channel=OuterRef("pk")).exclude(type=Delivery.Type.TEST).order_by("-pk")
    found = channels.of(workspace).annotate(
        last_state=Subquery(last.values("state")[:1]), last_attempts=Subquery(last.values("attempts")[:1])
    )
    return [Row(one, leads_to(one), *_state(one), waiting_count(one)) for one in found]


def kinds() -> list[tuple[str, str]]:
    """(kind, what it is called) for the links to new ones."""
    return [(kind, transport(kind).LABEL) for kind in MODULES if kind != "apprise"] + [("apprise", "Apprise")]


def leads_to(channel: Channel) -> str:
    """Where it leads, as far as that may be shown."""
    values = [channel.shown.get(field.name) for field in transport(channel.kind).FIELDS]
    return ", ".join(", ".join(v) if isinstance(v, list) else str(v) for v in values if v)


def sent(channel: Channel) -> QuerySet[Delivery]:
    """The messages of a channel, newest first."""
    return Delivery.objects.filter(channel=channel).order_by("-pk")


def log(channel: Channel) -> QuerySet[Delivery]:
    """The last of them."""
    return sent(channel)[:LOG_ROWS]


def csv_rows(workspace: Workspace) -> list[tuple[Any, ...]]:
    """The channels with a head; of where they lead only what may be shown."""
    return [CSV_HEAD, *((one.name, one.kind, row.leads_to, one.is_default, one.min_severity, ", ".join(one.kinds),
                         one.quiet_from, one.quiet_until, row.words, row.waiting, one.disabled_at)
                        for row in rows(workspace) for one in [row.channel])]  # fmt: skip


def log_csv_rows(channel: Channel) -> tuple[list[tuple[Any, ...]], bool]:
    """A head and the messages of a channel, at most a thousand, and whether there are more."""
    found, more = first_of(sent(channel))
    told = ((one.created_at, line, one.type, one.state, one.attempts, one.sent_at, one.status, one.answer,
             one.latency_ms) for one, line in lines(found))  # fmt: skip
    return [LOG_HEAD, *told], more


def lines(deliveries: Sequence[Delivery]) -> list[tuple[Delivery, str]]:
    """Each with its headline."""
    return [(one, headline(message_of(one))) for one in deliveries]


def told(delivery: Delivery) -> list[tuple[Any, str]]:
    """The incidents of a message: (id, line)."""
    return [(incident["id"], incident_line(incident)) for incident in delivery.body.get("incidents", ())]


def hint(kind: str) -> str:
    """What is missing in the installation for a kind to work."""
    if kind == Channel.Kind.EMAIL and not settings.SMTP_URL:
        return "No mail server is known yet: an operator sets COSTWATCH_SMTP_URL. Until then mails wait, for a day."
    return ""


def _state(channel: Any) -> tuple[str, str]:
    if channel.disabled_at:
        return "bad", "switched off"
    if channel.last_state == Delivery.State.FAILED:
        return "bad", "the last message failed"
    if channel.last_state == Delivery.State.WAITING and channel.last_attempts:
        return "warn", f"attempt {channel.last_attempts} failed, goes on"
    if channel.last_state == Delivery.State.SENT:
        return "ok", "works"
    return "hollow muted", "nothing sent yet"
