"""Repricing that somebody ordered on a page: counted by the worker, shown, confirmed, applied by the worker.

The order's row is the truth about what is done. A slice and its progress are one transaction, and the row is locked
meanwhile: killed anywhere, the next worker goes on where this one was, and two never do the same slice.
"""

import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import chain

from django.db import transaction
from django.db.models import Max, Min
from django.utils import timezone

from costwatch.accounts import audit
from costwatch.accounts.models import ApiKey, Member, Workspace
from costwatch.ledger.models import Cut, IngestBatch, SpendDay
from costwatch.ledger.reprice import Change, reprice
from costwatch.ledger.store import StorageUnavailable
from costwatch.lib.periods import zone
from costwatch.pricing import book
from costwatch.pricing.models import RepriceOrder

State = RepriceOrder.State
OPEN = (State.COUNTING, State.APPLYING)
SLICE = timedelta(hours=6)
log = logging.getLogger("costwatch.reprice")


def place(
    workspace: Workspace,
    start: datetime,
    end: datetime,
    models: Sequence[str],
    reason: str,
    by: Member | ApiKey | str,
    *,
    apply: bool = False,
    ip: str | None = None,
) -> RepriceOrder:
    """Have events of [start, end) and these models (none = all) counted or, with `apply`, repriced at once."""
    start, end = _with_events(workspace.lane, start, end)
    with transaction.atomic():
        order = RepriceOrder.objects.create(
            workspace=workspace,
            start=start,
            end=end,
            of_models=list(models),
            reason=reason[:200],
            by=str(by)[:255],
            state=State.APPLYING if apply else State.COUNTING,
            reached=start,
        )
        if apply:
            _note(order, by, "reprice.confirmed", ip)
    return order


def confirm(order: RepriceOrder, by: Member | ApiKey | str, ip: str | None = None) -> bool:
    """Apply what was counted. False where somebody did already; the sums are counted anew while it is applied."""
    counted = RepriceOrder.objects.filter(pk=order.pk, state=State.COUNTED)
    with transaction.atomic():
        if not counted.update(state=State.APPLYING, reached=order.start, events=0, changes=[], finished_at=None):
            return False
        _note(order, by, "reprice.confirmed", ip)
    return True


def work(seconds: float) -> None:
    """Go on with the oldest open order, slice by slice, until nothing is open or the time is over."""
    until = time.monotonic() + seconds
    while _slice() and time.monotonic() < until:
        pass


def changes_of(order: RepriceOrder) -> list[Change]:
    """What an order changes, by day and model."""
    return [
        Change(datetime.fromisoformat(day).date(), model, events, Decimal(old), Decimal(new), priced)
        for day, model, events, old, new, priced in order.changes
    ]


def _slice() -> bool:
    """One slice of the oldest open order that nobody else works on; False where there is none."""
    with transaction.atomic():
        waiting = RepriceOrder.objects.select_for_update(skip_locked=True, of=("self",)).filter(state__in=OPEN)
        order = waiting.select_related("workspace").order_by("pk").first()
        if order is None:
            return False
        try:
            with transaction.atomic():
                _advance(order)
        except StorageUnavailable:
            raise
        except Exception:
            log.exception("repricing order %s cannot go on", order.pk)
            order.state, order.finished_at = State.FAILED, timezone.now()
        order.save()
    return True


def _advance(order: RepriceOrder) -> None:
    last = min(order.reached + SLICE, order.end)
    if order.reached < last:
        found = reprice(
            order.workspace.lane,
            order.reached,
            last,
            book.fresh().for_workspace(order.workspace.lane),
            models=order.of_models,
            reason=order.reason,
            apply=order.state == State.APPLYING,
            zone=zone(order.workspace.time_zone),
        )
        order.events += found.events
        order.changes = _merged(changes_of(order), found.changes)
        order.reached = last
    if order.reached >= order.end:
        _finish(order)


def _finish(order: RepriceOrder) -> None:
    order.finished_at = timezone.now()
    if order.state == State.COUNTING:
        order.state = State.COUNTED
        return
    order.state = State.APPLIED
    _note(order, order.by, "reprice.applied", None)


def _note(order: RepriceOrder, by: Member | ApiKey | str, action: str, ip: str | None) -> None:
    changes = changes_of(order)
    facts = {
        "from": order.start.isoformat(),
        "to": order.end.isoformat(),
        "models": order.of_models or "all",
        "why": order.reason,
        "events": sum(change.events for change in changes),
        "difference": format(sum((change.new - change.old for change in changes), Decimal(0)), "f"),
    }
    audit.record(order.workspace, by, action, order, facts, ip)


def _merged(first: Sequence[Change], second: Sequence[Change]) -> list[list[object]]:
    sums: dict[tuple[str, str], list[object]] = {}
    for change in chain(first, second):
        row = [change.events, change.old, change.new, change.priced]
        known = sums.get((change.day.isoformat(), change.model))
        sums[change.day.isoformat(), change.model] = (
            [a + b for a, b in zip(known, row, strict=True)] if known else row  # type: ignore[operator]
        )
    return [[*key, events, str(old), str(new), priced] for key, (events, old, new, priced) in sorted(sums.items())]


def _with_events(lane: int, start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """The part of a range in which there are events: a local day is within a day of the UTC day of its name."""
    days = SpendDay.objects.filter(lane=lane, cut=Cut.TOTAL).aggregate(first=Min("day"), last=Max("day"))
    tail = IngestBatch.objects.filter(lane=lane).aggregate(first=Min("first_at"), last=Max("last_at"))
    first = [_midnight(days["first"]) - timedelta(days=1)] if days["first"] else []
    last = [_midnight(days["last"]) + timedelta(days=3)] if days["last"] else []
    first += [tail["first"]] if tail["first"] else []
    last += [tail["last"] + timedelta(microseconds=1)] if tail["last"] else []
    if not first:
        return start, start
    start = max(start, min(first))
    return start, max(start, min(end, max(last)))


def _midnight(day: datetime) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
