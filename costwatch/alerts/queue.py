"""The queue of messages in PostgreSQL: claimed under a lease, sent outside of any transaction, then recorded.

Every step is a transaction of its own, by the database's clock. Killed before the record, the lease ends and the same
message is sent again under the same id. A channel's row, locked while its next message is chosen, keeps its messages
one after the other; the lock is one that lets others write notices for it.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q
from django.db.models.functions import Now

from costwatch.alerts import compose, timing
from costwatch.alerts.message import Message
from costwatch.alerts.models import Attempt, Channel, Delivery, Notice
from costwatch.alerts.transports.parts import Receipt, Undeliverable

LEASE = timedelta(seconds=40)  # a call has ten seconds, a message of many calls twenty and the last of them
MOST_REJECTIONS = 3  # a 400 may come from something in between
DIGESTS = UUID("5f0c7a52-6f7e-4c39-9a4d-2b1f6a7d9c10")


@dataclass(frozen=True)
class Job:
    """A message that this process is to send now. `attempt` tells its lease from a later one."""

    delivery: Delivery
    channel: Channel
    attempt: int

    @property
    def message(self) -> Message:
        """As a transport gets it."""
        return compose.message_of(self.delivery)


@dataclass(frozen=True)
class Outcome:
    """What became of an attempt."""

    delivery: Delivery
    channel: Channel
    sent: bool
    failed: bool
    dead: bool
    attempts: int
    said: str


def channels_with_work() -> list[tuple[int, bool]]:
    """Working channels that may have something to send, and whether their last attempt failed; these come last."""
    made = Delivery.objects.filter(channel=OuterRef("pk"))
    waiting = made.filter(state=Delivery.State.WAITING)
    leased = waiting.filter(lease_until__gt=Now())
    resting = waiting.filter(attempts__gt=0, next_at__gt=Now())
    has_work = Q(Exists(waiting.filter(next_at__lte=Now())))
    for types in compose.SETS:  # what is being collected costs no look at its channel
        notices = Notice.objects.filter(channel=OuterRef("pk"), delivery=None, dropped=False, type__in=types)
        collecting = made.filter(type__in=types, created_at__range=(Now() - timing.GAP, Now()))
        has_work |= Exists(notices) & ~Exists(collecting)
    rows = Channel.objects.filter(has_work, ~Exists(leased), ~Exists(resting), deleted_at=None, disabled_at=None)
    failing = Exists(waiting.filter(attempts__gt=0))
    return list(rows.annotate(failing=failing).order_by("failing", "pk").values_list("pk", "failing"))


def claim(channel_id: int) -> Job | None:
    """The channel's next message, leased to the caller; None where there is none, or somebody else is at it."""
    with transaction.atomic():
        rows = Channel.objects.select_for_update(no_key=True, skip_locked=True, of=("self",)).select_related(
            "workspace"
        )
        channel = rows.filter(pk=channel_id, deleted_at=None, disabled_at=None).annotate(now=Now()).first()
        if channel is None:
            return None
        now: datetime = channel.now
        waiting = Delivery.objects.filter(channel=channel, state=Delivery.State.WAITING)
        if waiting.filter(lease_until__gt=now).exists():
            return None
        head = waiting.order_by("pk").first() or compose.next_delivery(channel, now)
        if head is None or (head.attempts and head.next_at > now):
            return None
        head.attempts += 1
        head.lease_until = now + LEASE
        head.save(update_fields=["attempts", "lease_until"])
        return Job(head, channel, head.attempts)


def record(job: Job, result: Receipt | Undeliverable, latency: float) -> Outcome:
    """Write down how an attempt ended, and when the next one is. `latency` in seconds."""
    sent = isinstance(result, Receipt)
    said = result.answer if isinstance(result, Receipt) else str(result)
    values: dict[str, Any] = {
        "status": result.status,
        "answer": said.replace("\0", "")[:500],
        "latency_ms": round(latency * 1000),
    }
    with transaction.atomic():
        rows = Delivery.objects.select_for_update().filter(pk=job.delivery.pk).annotate(now=Now())
        delivery = rows.get()
        Attempt.objects.create(delivery=delivery, ok=sent, **values)
        is_test = delivery.type == Delivery.Type.TEST
        is_ours = is_test or (delivery.state == Delivery.State.WAITING and (sent or delivery.attempts == job.attempt))
        failed = not sent and (is_test or _is_over(delivery, result))
        if is_ours:
            _settle(delivery, sent, failed, values, result)
    dead = not sent and result.dead  # type: ignore[union-attr]
    return Outcome(delivery, job.channel, sent, failed and is_ours, dead, delivery.attempts, values["answer"])


def _is_over(delivery: Delivery, problem: Any) -> bool:
    """Whether it is not tried again."""
    too_old = delivery.now - delivery.created_at >= timing.GIVE_UP  # type: ignore[attr-defined]
    return bool(problem.dead or too_old or (problem.rejected and delivery.attempts >= MOST_REJECTIONS))


def _settle(delivery: Delivery, sent: bool, failed: bool, values: Mapping[str, Any], result: Any) -> None:
    now = delivery.now  # type: ignore[attr-defined]
    for name, value in values.items():
        setattr(delivery, name, value)
    delivery.lease_until = None
    if sent:
        delivery.state, delivery.sent_at = Delivery.State.SENT, now
    elif failed:
        delivery.state = Delivery.State.FAILED
    else:
        wait = timing.pause(delivery.attempts, result.retry_after, random.random())  # noqa: S311
        delivery.next_at = min(now + wait, max(delivery.created_at + timing.GIVE_UP, now))
    delivery.save()


def waiting_count(channel: Channel) -> int:
    """How many changes of incidents and messages wait for a channel."""
    messages = Delivery.objects.filter(channel=channel, state=Delivery.State.WAITING)
    notices = Notice.objects.filter(Q(delivery=None) | Q(delivery__in=messages), channel=channel, dropped=False)
    return int(notices.aggregate(n=Count("pk"))["n"])


def test_job(channel: Channel) -> Job:
    """A test message, tried once by the caller: it is leased for as long as it lives."""
    uid = uuid4()
    content = compose.body(str(uid), Delivery.Type.TEST, channel.workspace.name, [])
    made = Delivery.objects.create(
        uid=uid, workspace=channel.workspace, channel=channel, type=Delivery.Type.TEST, body=content,
        state=Delivery.State.FAILED, attempts=1, answer="no answer was recorded",
    )  # fmt: skip
    return Job(made, channel, 1)


def enqueue_digest(channel: Channel, digest: Mapping[str, Any], key: str) -> bool:
    """Send a digest over a channel once for each key: `title`, `text` and perhaps `html`, `url` and `data`.

    False if it was enqueued before.
    """
    uid = uuid5(DIGESTS, f"{channel.pk} {key}")
    content = {**compose.body(str(uid), Delivery.Type.DIGEST, channel.workspace.name, []), "digest": dict(digest)}
    values = {"workspace": channel.workspace, "channel": channel, "type": Delivery.Type.DIGEST, "body": content}
    _, made = Delivery.objects.get_or_create(uid=uid, defaults=values)
    return made
