"""The compiled book of this process, read from the price tables and read again when they changed."""

import threading
import time
from collections import defaultdict
from datetime import datetime

from django.utils import timezone

from costwatch.pricing.calculate import PriceAt, Span, Timeline
from costwatch.pricing.compiled import Book
from costwatch.pricing.models import ModelAlias, PriceBook, PriceComponent, PriceSchedule, PriceVersion
from costwatch.pricing.schedules import Schedule
from costwatch.pricing.specs import Component, LineKey, ScheduleSpec

__all__ = ["Book", "current", "load"]

LOOK_EVERY = 1.0
_lock = threading.Lock()
_book: Book | None = None
_revision = -1
_looked_at = -LOOK_EVERY


def current() -> Book:
    """The book in force. Looks at the stored revision once a second at most; no query in between."""
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


def forget() -> None:
    """Drop the compiled book of this process: the next call reads the tables again."""
    global _book, _looked_at
    with _lock:
        _book, _looked_at = None, -LOOK_EVERY


def load(now: datetime) -> Book:
    """Compile all prices that are stored; withdrawn ones stay explainable but price nothing."""
    components: dict[int, list[Component]] = defaultdict(list)
    rows = PriceComponent.objects.values_list("version_id", "unit", "price", "per", "threshold", "minimum")
    for version_id, unit, price, per, threshold, minimum in rows.iterator(chunk_size=5000):
        components[version_id].append(Component(unit, price, per, threshold, minimum))
    facts, versions = {}, {}
    spans: dict[LineKey, list[Span]] = defaultdict(list)
    for row in _version_rows():
        version_id, withdrawn, start, end, release, source, *line = row
        key = LineKey(*line)
        versions[version_id] = PriceAt(version_id, components[version_id])
        facts[version_id] = _facts(key, start, end, release, source)
        if withdrawn is None:
            spans[key].append((start, end, versions[version_id]))
    aliases = ModelAlias.objects.values_list("provider", "name", "model", "valid_from", "valid_until")
    return Book(_timelines(spans), aliases, facts, versions, now)


def _version_rows():
    return PriceVersion.objects.values_list(
        "id",
        "withdrawn_at",
        "valid_from",
        "valid_until",
        "release__name",
        "source",
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
