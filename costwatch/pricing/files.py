"""The stored catalogue out to a file and in from one, from the disk or from an address that the operator set."""

import hashlib
from collections import defaultdict
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from costwatch.lib import outbound
from costwatch.pricing import agree, catalogue, transfer
from costwatch.pricing.catalogue import SyncReport
from costwatch.pricing.models import CatalogueRelease, ModelAlias, PriceComponent, PriceSchedule, PriceVersion
from costwatch.pricing.specs import Alias, Catalogue, Component, LineKey, ScheduleSpec, Version
from costwatch.pricing.transfer import Difference

FETCH_SECONDS = 10.0


class NotAccepted(ValueError):
    """A catalogue that removes prices or moves them far, which nobody has said is meant."""

    def __init__(self, difference: Difference) -> None:
        self.difference = difference
        alarming = [f"{name} is gone" for name in difference.gone] + difference.moves
        more = f"\n  … and {len(alarming) - transfer.SHOWN} more" if len(alarming) > transfer.SHOWN else ""
        told = "".join(f"\n  {line}" for line in alarming[: transfer.SHOWN])
        super().__init__(
            f"Nothing was changed; repeat with --accept if this is meant: {difference.summary}{told}{more}"
        )


def export() -> str:
    """The stored catalogue, without the agreements of any workspace."""
    latest = CatalogueRelease.objects.order_by("-pk").first()
    return transfer.write(stored(), latest.name if latest else "empty")


def load(text: bytes, now: datetime, *, accept: bool = False) -> tuple[SyncReport, Difference]:
    """Make the tables say what a file says. Raises transfer.BadFile, NotAccepted; nothing is changed then."""
    release, new = transfer.read(text)
    with agree.changing_the_book():
        difference = transfer.compare(stored(), new, now)
        if difference.alarming and not accept:
            raise NotAccepted(difference)
        # PriceBook.digest stays: it says which package was read, so that the next start does not read it over this
        report = catalogue.store(new, release, hashlib.sha256(text).hexdigest(), now)
    return report, difference


def fetch(now: datetime) -> tuple[SyncReport, Difference] | None:
    """Import what COSTWATCH_PRICES_URL answers; None where it is not set or is what was imported last.

    Raises outbound.Forbidden, outbound.Failed, transfer.BadFile, NotAccepted.
    """
    if not settings.PRICES_URL:
        return None
    target = outbound.check(settings.PRICES_URL, settings.WEBHOOK_ALLOW)
    answer = outbound.call(target, seconds=FETCH_SECONDS, most=transfer.MOST_BYTES)
    if answer.status != 200:
        raise outbound.Failed(f"{target.host} answered {answer.status} instead of 200")
    digest = hashlib.sha256(answer.body).hexdigest()
    latest = CatalogueRelease.objects.order_by("-pk").first()
    if latest is not None and latest.digest == digest:
        CatalogueRelease.objects.filter(pk=latest.pk).update(imported_at=now)  # as fresh as can be
        return None
    return load(answer.body, now)


def import_command(path: str, *, accept: bool) -> int:
    """`costwatch prices import FILE`."""
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}.") from None
    report, difference = load(text, timezone.now(), accept=accept)
    print(f"{difference.summary}\n{report.summary}")
    return 0


def export_command(path: str) -> int:
    """`costwatch prices export [FILE]`."""
    text = export()
    if path == "-":
        print(text, end="")
        return 0
    Path(path).write_text(text)
    print(f"{path}: {len(text):,} bytes.")
    return 0


def stored() -> Catalogue:
    """The catalogue in the tables, without what was withdrawn."""
    components: dict[int, list[Component]] = defaultdict(list)
    rows = PriceComponent.objects.filter(version__withdrawn_at=None, version__line__workspace=None)
    columns = ("version_id", "unit", "price", "per", "threshold", "minimum")
    for pk, unit, price, per, threshold, minimum in rows.values_list(*columns):
        components[pk].append(Component(unit, price, per, threshold, minimum))
    found = Catalogue()
    for row in PriceVersion.objects.filter(withdrawn_at=None, line__workspace=None).select_related("line"):
        line = row.line
        key = LineKey(line.provider, line.model, line.region, line.variant, line.schedule)
        version = Version(row.valid_from, row.valid_until, tuple(components[row.pk]), row.source)
        found.lines.setdefault(key, []).append(version)
    aliases = ModelAlias.objects.order_by("provider", "name", "valid_from")
    found.aliases = [Alias(a.provider, a.name, a.model, a.valid_from, a.valid_until) for a in aliases]
    found.schedules = {s.name: _schedule(s) for s in PriceSchedule.objects.order_by("name")}
    return found


def _schedule(row: PriceSchedule) -> ScheduleSpec:
    windows = tuple((first, last) for first, last in row.windows)
    return ScheduleSpec(row.name, row.zone, windows, tuple(row.weekdays), frozenset(row.holidays))
