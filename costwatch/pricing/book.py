"""The compiled book of this process, read from the price tables and read again when they changed."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.utils import timezone

from costwatch.pricing.agreements import Agreement
from costwatch.pricing.calculate import PriceAt
from costwatch.pricing.compiled import Book
from costwatch.pricing.models import (
    ModelAlias,
    PriceBook,
    PriceComponent,
    PriceSchedule,
    PriceVersion,
    TrustedReporter,
)
from costwatch.pricing.overrides import Override, OverrideAt, WorkspaceBook
from costwatch.pricing.schedules import Schedule
from costwatch.pricing.specs import Component, LineKey, ScheduleSpec
from costwatch.pricing.timeline import Span, Timeline

__all__ = ["Book", "Prices", "current", "fresh", "load"]

UNSTORED = -1  # instead of the id of a price that is only tried out
LOOK_EVERY = 0.5  # seconds until a change is in force in every process
Prices = Book | WorkspaceBook
_lock = threading.Lock()
_book: "StoredBook | None" = None
_revision = -1
_looked_at = -LOOK_EVERY


class StoredBook(Book):
    """The catalogue, and how the workspaces that agreed on other prices see it."""

    workspaces: dict[int, WorkspaceBook]

    def for_workspace(self, lane: int) -> Prices:
        """The book of one workspace; the catalogue itself for one that has agreed on nothing: no cost then."""
        return self.workspaces.get(lane, self)

    def trying(self, lane: int, agreement: Agreement) -> WorkspaceBook:
        """The book of one workspace as if this were agreed."""
        version = OverrideAt(UNSTORED, agreement.components, agreement.multiplier)
        timeline = Timeline([(agreement.start, agreement.end, version)])
        override = Override(agreement.provider, agreement.model, agreement.region, agreement.variant, timeline)
        return self.workspaces.get(lane, WorkspaceBook(self, ())).with_override(override)


def current() -> StoredBook:
    """The book in force. Looks at the stored revision every half second at most; no query in between."""
    global _book, _revision, _looked_at
    if _book is not None and time.monotonic() - _looked_at < LOOK_EVERY:
        return _book
    with _lock:
        if _book is not None and time.monotonic() - _looked_at < LOOK_EVERY:
            return _book
        revision = PriceBook.objects.values_list("revision", flat=True).first() or 0
        if _book is None or revision != _revision:
            _book, _revision = load(timezone.now()), revision
        _looked_at = time.monotonic()
        return _book


def fresh() -> StoredBook:
    """The book in force this very moment, for work that must not miss a change made just before."""
    global _looked_at
    with _lock:
        _looked_at = -LOOK_EVERY
    return current()


def forget() -> None:
    """Drop the compiled book of this process: the next call reads the tables again."""
    global _book, _looked_at
    with _lock:
        _book, _looked_at = None, -LOOK_EVERY


def load(now: datetime) -> StoredBook:
    """Compile all prices that are stored; withdrawn ones stay explainable but price nothing."""
    components: dict[int, list[Component]] = defaultdict(list)
    rows = PriceComponent.objects.values_list("version_id", "unit", "price", "per", "threshold", "minimum")
    for version_id, unit, price, per, threshold, minimum in rows.iterator(chunk_size=5000):
        components[version_id].append(Component(unit, price, per, threshold, minimum))
    facts: dict[int, dict[str, object]] = {}
    versions: dict[int, PriceAt] = {}
    spans: dict[LineKey, list[Span]] = defaultdict(list)
    agreed: dict[int, dict[LineKey, list[Span]]] = defaultdict(lambda: defaultdict(list))
    for row in _version_rows():
        version_id, withdrawn, start, end, release, source, multiplier, workspace, *line = row
        key = LineKey(*line)
        said = components[version_id]
        own = workspace is not None
        version = OverrideAt(version_id, said, multiplier) if own else PriceAt(version_id, said)
        versions[version_id] = version
        facts[version_id] = _facts(key, start, end, release, source) | ({"override": True} if own else {})
        if withdrawn is None:
            (agreed[workspace] if own else spans)[key].append((start, end, version))
    aliases = ModelAlias.objects.values_list("provider", "name", "model", "valid_from", "valid_until")
    book = StoredBook(_timelines(spans), aliases, facts, versions, now)
    book.workspaces = _workspaces(book, agreed)
    return book


def _workspaces(book: Book, agreed: dict[int, dict[LineKey, list[Span]]]) -> dict[int, WorkspaceBook]:
    trusted: dict[int, set[str]] = defaultdict(set)
    for workspace, provider in TrustedReporter.objects.values_list("workspace_id", "provider"):
        trusted[workspace].add(provider)
    return {
        workspace: WorkspaceBook(book, _overrides(agreed.get(workspace, {})), trusted.get(workspace, ()))
        for workspace in {*agreed, *trusted}
    }


def _overrides(lines: dict[LineKey, list[Span]]) -> list[Override]:
    return [Override(key.provider, key.model, key.region, key.variant, Timeline(spans)) for key, spans in lines.items()]


def _version_rows() -> Iterator[tuple[Any, ...]]:
    return PriceVersion.objects.values_list(
        "id",
        "withdrawn_at",
        "valid_from",
        "valid_until",
        "release__name",
        "source",
        "multiplier",
        "line__workspace_id",
        "line__provider",
        "line__model",
        "line__region",
        "line__variant",
        "line__schedule",
    ).iterator(chunk_size=5000)


def _facts(
    key: LineKey, start: datetime | None, end: datetime | None, release: str | None, source: str
) -> dict[str, object]:
    return {
        "provider": key.provider,
        "model": key.model,
        "region": key.region or None,
        "tier": key.variant,
        "schedule": key.schedule or None,
        "release": release,
        "valid_from": start,
        "valid_until": end,
        "source": source,
    }


def _timelines(
    spans: dict[LineKey, list[Span]],
) -> dict[LineKey, Timeline]:
    schedules = {
        row.name: Schedule(
            ScheduleSpec(
                row.name,
                row.zone,
                tuple((first, last) for first, last in row.windows),
                tuple(row.weekdays),
                frozenset(row.holidays),
            )
        )
        for row in PriceSchedule.objects.all()
    }
    hours: dict[LineKey, list[tuple[Schedule, Timeline]]] = defaultdict(list)
    for key, parts in spans.items():
        if key.schedule in schedules:
            hours[key._replace(schedule="")].append((schedules[key.schedule], Timeline(parts)))
    return {key: Timeline(parts, hours.get(key, ())) for key, parts in spans.items() if not key.schedule}
