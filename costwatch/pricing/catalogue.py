"""Brings the price tables up to the installed catalogue: the genai-prices package under our corrections."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata, resources

from django.db import transaction
from django.utils import timezone

from costwatch.pricing import corrections
from costwatch.pricing.models import (
    CatalogueRelease,
    ModelAlias,
    PriceBook,
    PriceComponent,
    PriceLine,
    PriceSchedule,
    PriceVersion,
)
from costwatch.pricing.specs import Alias, Catalogue, Component, LineKey, ScheduleSpec, Version

_BATCH = 2000
_Said = tuple[datetime | None, datetime | None, frozenset[Component]]


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a sync did: price versions added, withdrawn (the catalogue corrected its past) and closed (model gone)."""

    release: str
    changed: bool
    models: int = 0
    added: int = 0
    withdrawn: int = 0
    closed: int = 0

    @property
    def summary(self) -> str:
        if not self.changed:
            return f"Prices are up to date with {self.release}."
        return (
            f"Prices are now those of {self.release}: {self.models} models, {self.added} prices added, "
            f"{self.withdrawn} corrected, {self.closed} closed."
        )


def sync() -> SyncReport:
    """Read the installed catalogue into the tables, once per release; nothing that was ever stored is deleted."""
    name, digest = installed()
    if PriceBook.objects.filter(digest=digest).exists():
        return SyncReport(name, changed=False)
    catalogue = read()
    with transaction.atomic():
        PriceBook.objects.get_or_create(pk=1)
        book = PriceBook.objects.select_for_update().get(pk=1)  # one sync at a time
        if book.digest == digest:
            return SyncReport(name, changed=False)
        report = store(catalogue, name, digest, timezone.now())
        book.digest, book.revision = digest, book.revision + 1
        book.save()
    return report


def installed() -> tuple[str, str]:
    """(name of the installed release, digest of everything it is made of)."""
    digest = hashlib.sha256()
    for source in (resources.files("genai_prices") / "data.py", *_own_sources()):
        digest.update(source.read_bytes())
    return f"genai-prices {metadata.version('genai-prices')} + {digest.hexdigest()[:8]}", digest.hexdigest()


def _own_sources() -> list:
    folder = resources.files("costwatch.pricing")
    return [folder / name for name in ("corrections.toml", "corrections.py", "package.py", "specs.py", "names.py")]


def read() -> Catalogue:
    """The installed catalogue, corrected."""
    from genai_prices.data import providers  # 0.4 s and 40 MB, only where a release is read

    from costwatch.pricing import package

    catalogue = package.read(providers)
    corrections.apply(catalogue, corrections.load())
    return catalogue


def store(catalogue: Catalogue, name: str, digest: str, now: datetime) -> SyncReport:
    """Make the tables say what the catalogue says. Equal versions keep their ids; call inside a transaction."""
    release = CatalogueRelease.objects.create(name=name, digest=digest, imported_at=now)
    _store_schedules(catalogue.schedules.values())
    _store_aliases(catalogue.aliases)
    lines = _store_lines(catalogue.lines)
    stored = _stored_versions()
    new: list[tuple[PriceVersion, Version]] = []
    withdrawn: list[int] = []
    for key, versions in catalogue.lines.items():
        known = stored.pop(key, {})
        for version in versions:
            if known.pop(_said(version), None) is None:
                row = PriceVersion(
                    line_id=lines[key],
                    valid_from=version.start,
                    valid_until=version.end,
                    release=release,
                    source=version.source,
                )
                new.append((row, version))
        withdrawn += known.values()
    PriceVersion.objects.filter(pk__in=withdrawn).update(withdrawn_at=now)
    closed = _close(stored, now)
    _insert(new)
    models = len({(key.provider, key.model) for key in catalogue.lines})
    return SyncReport(name, True, models, len(new), len(withdrawn), closed)


def _said(version: Version) -> _Said:
    return version.start, version.end, frozenset(version.components)


def _store_schedules(schedules: Iterable[ScheduleSpec]) -> None:
    for spec in schedules:
        PriceSchedule.objects.update_or_create(
            name=spec.name,
            defaults={
                "zone": spec.zone,
                "windows": [list(window) for window in spec.windows],
                "weekdays": list(spec.weekdays),
                "holidays": sorted(spec.holidays),
            },
        )


def _store_aliases(aliases: Iterable[Alias]) -> None:
    wanted = {(a.provider, a.name, a.start): a for a in aliases}
    stored = {(a.provider, a.name, a.valid_from): a for a in ModelAlias.objects.all()}
    gone = [row.pk for key, row in stored.items() if key not in wanted or not _same_alias(row, wanted[key])]
    ModelAlias.objects.filter(pk__in=gone).delete()
    ModelAlias.objects.bulk_create(
        [
            ModelAlias(provider=a.provider, name=a.name, model=a.model, valid_from=a.start, valid_until=a.end)
            for key, a in wanted.items()
            if key not in stored or not _same_alias(stored[key], a)
        ],
        batch_size=_BATCH,
    )


def _same_alias(row: ModelAlias, alias: Alias) -> bool:
    return (row.model, row.valid_until) == (alias.model, alias.end)


def _store_lines(keys: Iterable[LineKey]) -> dict[LineKey, int]:
    columns = ("provider", "model", "region", "variant", "schedule")
    stored = PriceLine.objects.filter(workspace=None).values_list("pk", *columns)
    known = {LineKey(*line): pk for pk, *line in stored}
    missing = [PriceLine(**key._asdict()) for key in keys if key not in known]
    for row in PriceLine.objects.bulk_create(missing, batch_size=_BATCH):
        known[LineKey(row.provider, row.model, row.region, row.variant, row.schedule)] = row.pk
    return known


def _stored_versions() -> dict[LineKey, dict[_Said, int]]:
    components: dict[int, set[Component]] = {}
    rows = PriceComponent.objects.filter(version__withdrawn_at=None)
    columns = ("version_id", "unit", "price", "per", "threshold", "minimum")
    for pk, unit, price, per, threshold, minimum in rows.values_list(*columns):
        components.setdefault(pk, set()).add(Component(unit, price, per, threshold, minimum))
    said: dict[LineKey, dict[_Said, int]] = {}
    for row in PriceVersion.objects.filter(withdrawn_at=None, line__workspace=None).select_related("line"):
        line = row.line
        key = LineKey(line.provider, line.model, line.region, line.variant, line.schedule)
        what = (row.valid_from, row.valid_until, frozenset(components.get(row.pk, ())))
        said.setdefault(key, {})[what] = row.pk
    return said


def _close(gone: dict[LineKey, dict[_Said, int]], now: datetime) -> int:
    """Models that the catalogue no longer has keep their prices until now; what was announced for later is off."""
    going_on = [pk for said in gone.values() for (_, end, _), pk in said.items() if end is None or end > now]
    rows = PriceVersion.objects.filter(pk__in=going_on)
    rows.filter(valid_from__gte=now).update(withdrawn_at=now)
    return rows.exclude(valid_from__gte=now).update(valid_until=now)


def _insert(new: list[tuple[PriceVersion, Version]]) -> None:
    PriceVersion.objects.bulk_create([row for row, _ in new], batch_size=_BATCH)
    PriceComponent.objects.bulk_create(
        [PriceComponent(version_id=row.pk, **c._asdict()) for row, version in new for c in version.components],
        batch_size=5000,
    )
