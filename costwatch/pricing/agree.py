"""The prices that a workspace agreed on: added, ended, withdrawn; each with who and why in the audit log."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from costwatch.accounts import audit
from costwatch.accounts.models import ApiKey, Member, Workspace
from costwatch.pricing import book
from costwatch.pricing.agreements import Agreement
from costwatch.pricing.listing import NEWEST_FIRST
from costwatch.pricing.models import PriceBook, PriceComponent, PriceLine, PriceVersion, TrustedReporter
from costwatch.pricing.specs import Component

Actor = Member | ApiKey | str


def add(workspace: Workspace, agreement: Agreement, by: Actor, ip: str | None = None) -> PriceVersion:
    """Store an agreement; what held before for the same model and tier ends where this one begins.

    Events keep their cost until they are repriced.
    """
    with changing_the_book():
        version = _store(workspace, agreement)
        audit.record(workspace, by, "price.added", version.line, _facts(agreement), ip)
    return version


def add_all(
    workspace: Workspace, agreements: Sequence[Agreement], by: Actor, source: str, ip: str | None = None
) -> int:
    """Store a price list, all of it or nothing. Returns how many of its prices are new or changed."""
    with changing_the_book():
        changed = [agreement for agreement in agreements if not holds(workspace, agreement)]
        for agreement in changed:
            _store(workspace, agreement)
        facts = {"prices": len(agreements), "changed": len(changed), "models": [a.model for a in changed][:50]}
        audit.record(workspace, by, "price.list", source, facts, ip)
    return len(changed)


def end(version: PriceVersion, at: datetime, by: Actor, ip: str | None = None) -> bool:
    """Let an agreement end; one that would never have held is withdrawn. False where it has ended before."""
    with changing_the_book():
        row = PriceVersion.objects.select_related("line__workspace").get(pk=version.pk)
        if row.withdrawn_at is not None or (row.valid_until is not None and row.valid_until <= at):
            return False
        if row.valid_from is not None and row.valid_from >= at:
            row.withdrawn_at = at
        else:
            row.valid_until = at
        row.save()
        workspace = row.line.workspace
        if workspace is None:
            raise ValueError("A price of the catalogue is not the workspace's to end.")
        audit.record(workspace, by, "price.ended", row.line, {"at": at.isoformat()}, ip)
    return True


def trust(workspace: Workspace, provider: str, trusted: bool, by: Actor, ip: str | None = None) -> None:
    """Whether the provider's own word on a cost counts (OpenRouter's always does)."""
    with changing_the_book():
        if trusted:
            TrustedReporter.objects.get_or_create(workspace=workspace, provider=provider)
        else:
            TrustedReporter.objects.filter(workspace=workspace, provider=provider).delete()
        audit.record(workspace, by, "price.trust", provider, {"trusted": trusted}, ip)


def spread() -> None:
    """Wait until every process has read the book anew (pricing.book.LOOK_EVERY): then what was changed holds."""
    time.sleep(book.LOOK_EVERY)
    book.fresh()


def agreed(workspace: Workspace) -> QuerySet[PriceVersion]:
    """The agreements of a workspace that were not withdrawn, by provider and model, the newest first."""
    rows = PriceVersion.objects.filter(line__workspace=workspace, withdrawn_at=None)
    order = ("line__provider", "line__model", "line__variant", "line__region", NEWEST_FIRST)
    return rows.select_related("line").prefetch_related("components").order_by(*order)


def agreement_of(version: PriceVersion) -> Agreement:
    """A stored price as the agreement it says."""
    line = version.line
    components = sorted(version.components.all(), key=lambda c: (c.threshold, c.pk))
    return Agreement(
        line.provider,
        line.model,
        tuple(Component(c.unit, c.price, c.per, c.threshold, c.minimum) for c in components),
        version.multiplier,
        line.region,
        line.variant,
        version.valid_from,
        version.valid_until,
        version.source,
    )


def holds(workspace: Workspace, agreement: Agreement) -> bool:
    """Whether exactly this is stored already."""
    return any(
        (row.valid_from, row.valid_until, row.multiplier, _said(row.components.all()))
        == (agreement.start, agreement.end, agreement.multiplier, _said(agreement.components))
        for row in same_line(workspace, agreement)
    )


def same_line(workspace: Workspace, agreement: Agreement) -> QuerySet[PriceVersion]:
    """What is agreed for the same provider, model, region and tier."""
    line = _line(agreement)
    return agreed(workspace).filter(**{f"line__{name}": value for name, value in line.items()})


@contextmanager
def changing_the_book() -> Iterator[None]:
    """A transaction for one change of the stored prices at a time; every process reads the book anew after it."""
    with transaction.atomic():
        PriceBook.objects.get_or_create(pk=1)
        stored = PriceBook.objects.select_for_update().get(pk=1)
        yield
        stored.revision += 1
        stored.save(update_fields=["revision"])


def _store(workspace: Workspace, agreement: Agreement) -> PriceVersion:
    line, _ = PriceLine.objects.get_or_create(workspace=workspace, schedule="", **_line(agreement))
    _make_room(line, agreement.start, agreement.end)
    version = PriceVersion.objects.create(
        line=line,
        valid_from=agreement.start,
        valid_until=agreement.end,
        multiplier=agreement.multiplier,
        source=agreement.source,
    )
    PriceComponent.objects.bulk_create(PriceComponent(version=version, **c._asdict()) for c in agreement.components)
    return version


def _make_room(line: PriceLine, start: datetime | None, end: datetime | None) -> None:
    """End what overlaps [start, end) at its start, and let what lasts longer go on after its end."""
    overlapping = PriceVersion.objects.filter(line=line, withdrawn_at=None)
    if end is not None:
        overlapping = overlapping.filter(Q(valid_from=None) | Q(valid_from__lt=end))
    if start is not None:
        overlapping = overlapping.filter(Q(valid_until=None) | Q(valid_until__gt=start))
    for old in overlapping.prefetch_related("components"):
        goes_on = end is not None and (old.valid_until is None or old.valid_until > end)
        rest = (old.valid_until, list(old.components.all())) if goes_on else None
        if start is not None and (old.valid_from is None or old.valid_from < start):
            old.valid_until = start
        else:
            old.withdrawn_at = datetime.now(UTC)
        old.save()
        if rest is not None:
            _copy(old, end, *rest)


def _copy(old: PriceVersion, start: datetime | None, end: datetime | None, components: list[PriceComponent]) -> None:
    new = PriceVersion.objects.create(
        line_id=old.line_id, valid_from=start, valid_until=end, multiplier=old.multiplier, source=old.source
    )
    for component in components:
        component.pk, component.version = None, new
    PriceComponent.objects.bulk_create(components)


def _line(agreement: Agreement) -> dict[str, Any]:
    return {
        "provider": agreement.provider,
        "model": agreement.model,
        "region": agreement.region,
        "variant": agreement.variant,
    }


def _said(components: Any) -> frozenset[tuple[Any, ...]]:
    return frozenset((c.unit, c.price, c.per, c.threshold) for c in components)


def _facts(agreement: Agreement) -> Mapping[str, Any]:
    return {
        "price": agreement.said,
        "tier": agreement.variant or "every",
        "from": agreement.start.isoformat() if agreement.start else "ever",
        "until": agreement.end.isoformat() if agreement.end else "further notice",
        "why": agreement.source,
    }
