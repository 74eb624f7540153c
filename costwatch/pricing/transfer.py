"""The catalogue as a file: what `prices export` writes, `prices import` reads. Pure.

JSON: `format`, `release`, `lines` (provider, model, region, tier, schedule; `versions` with from, until, source and
components), `aliases` and `schedules`. Prices are decimal text, times RFC 3339.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any

from costwatch.pricing.agreements import TIERS, unit_of
from costwatch.pricing.schedules import Schedule
from costwatch.pricing.specs import Alias, Catalogue, Component, LineKey, ScheduleSpec, Version

FORMAT = "costwatch-prices-1"
MOST_BYTES = 64 * 1024 * 1024
MOST_UNITS = 10**12
FARTHEST_MOVE = 3
SHOWN = 20
_UNSTORED = re.compile("[\0\ud800-\udfff]")  # what PostgreSQL takes in no text


class BadFile(ValueError):
    """A file that cannot be taken, with every fault that was found."""

    def __init__(self, *faults: str) -> None:
        self.faults = faults
        more = f" … and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        super().__init__("The file is no price catalogue: " + "; ".join(faults[:SHOWN]) + more)


@dataclass
class Difference:
    """What a catalogue changes against another one at a moment: lines, by name. `moves` are prices > 3 x up or down."""

    new: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    moves: list[str] = field(default_factory=list)

    @property
    def summary(self) -> str:
        """One sentence."""
        return (
            f"{len(self.new)} prices new, {len(self.changed)} changed, {len(self.gone)} gone,"
            f" {len(self.moves)} moved more than {FARTHEST_MOVE} times."
        )

    @property
    def alarming(self) -> bool:
        """Whether somebody must say that this is meant."""
        return bool(self.gone or self.moves)


def write(catalogue: Catalogue, release: str) -> str:
    """A catalogue as the text of a file."""
    lines = [
        {**_line(key), "versions": [_version(v) for v in versions]} for key, versions in sorted(catalogue.lines.items())
    ]
    aliases = [{"provider": a.provider, "name": a.name, "model": a.model, "from": _time(a.start), "until": _time(a.end)}
               for a in catalogue.aliases]  # fmt: skip
    schedules = [{"name": s.name, "zone": s.zone, "windows": s.windows, "weekdays": s.weekdays,
                  "holidays": sorted(s.holidays)} for s in catalogue.schedules.values()]  # fmt: skip
    whole = {"format": FORMAT, "release": release, "lines": lines, "aliases": aliases, "schedules": schedules}
    return json.dumps(whole, indent=1) + "\n"


def read(text: bytes) -> tuple[str, Catalogue]:
    """(name of the release, catalogue) of a file. Raises BadFile with everything that is wrong."""
    if len(text) > MOST_BYTES:
        raise BadFile(f"it is larger than {MOST_BYTES:,} bytes")
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        raise BadFile("it is no JSON") from None
    if not isinstance(whole, dict) or whole.get("format") != FORMAT:
        raise BadFile(f'it does not begin with "format": "{FORMAT}"')
    faults: list[str] = []
    catalogue = Catalogue()
    for name, schedule in _each(whole, "schedules", _schedule, faults):
        catalogue.schedules[name] = schedule
    for key, versions in _each(whole, "lines", _read_line, faults):
        if key in catalogue.lines:
            faults.append(f"{_name(key)} is there twice")
        if key.schedule and key.schedule not in catalogue.schedules:
            faults.append(f"{_name(key)} names a schedule that is not in the file")
        catalogue.lines[key] = versions
    catalogue.aliases = list(_each(whole, "aliases", _alias, faults))
    if not catalogue.lines and not faults:
        faults.append("it has no lines")
    if faults:
        raise BadFile(*faults)
    return _text(whole, "release", 80, blank=False), catalogue


def compare(stored: Catalogue, new: Catalogue, now: datetime) -> Difference:
    """What the new catalogue changes for calls of now."""
    found = Difference()
    before, after = _in_force(stored, now), _in_force(new, now)
    for key in sorted(before.keys() | after.keys()):
        if key not in before:
            found.new.append(_name(key))
        elif key not in after:
            found.gone.append(_name(key))
        elif set(before[key].components) != set(after[key].components):
            found.changed.append(_name(key))
            found.moves += _moves(key, before[key], after[key])
    return found


def _in_force(catalogue: Catalogue, now: datetime) -> dict[LineKey, Version]:
    return {
        key: version
        for key, versions in catalogue.lines.items()
        for version in versions
        if (version.start is None or version.start <= now) and (version.end is None or version.end > now)
    }


def _moves(key: LineKey, before: Version, after: Version) -> Iterator[str]:
    old = {(c.unit, c.threshold): c.price / c.per for c in before.components}
    for c in after.components:
        was, now = old.get((c.unit, c.threshold)), c.price / c.per
        if was is not None and (now > was * FARTHEST_MOVE or now * FARTHEST_MOVE < was):
            yield f"{_name(key)} {c.unit}: {_plain(was * c.per)} → {_plain(c.price)}"


def _each(whole: Mapping[str, Any], name: str, read_one: Any, faults: list[str]) -> Iterator[Any]:
    rows = whole.get(name, [])
    if not isinstance(rows, list):
        faults.append(f"{name} is no list")
        return
    for i, row in enumerate(rows):
        try:
            yield read_one(row)
        except (KeyError, TypeError, AttributeError):
            faults.append(f"{name}[{i}] lacks a field, or holds one of another type")
        except ValueError as fault:
            faults.append(f"{name}[{i}]: {fault}")


def _read_line(row: Mapping[str, Any]) -> tuple[LineKey, list[Version]]:
    tier = _text(row, "tier", 40) or "standard"
    if tier not in TIERS:
        raise ValueError(f"the tier {tier!r} is not known")
    key = LineKey(
        _text(row, "provider", 80, blank=False),
        _text(row, "model", 200, blank=False).lower(),
        _text(row, "region", 40),
        tier,
        _text(row, "schedule", 80),
    )
    versions = sorted((_read_version(version) for version in row["versions"]), key=lambda v: v.start or _BEGINNING)
    for one, next_one in pairwise(versions):
        if one.end is None or next_one.start is None or one.end > next_one.start:
            raise ValueError(f"{_name(key)} has two prices at one time")
    if not versions:
        raise ValueError(f"{_name(key)} has no price")
    return key, versions


_BEGINNING = datetime.min.replace(tzinfo=UTC)


def _read_version(row: Mapping[str, Any]) -> Version:
    start, end = _moment(row, "from"), _moment(row, "until")
    if start and end and end <= start:
        raise ValueError("a price ends before it begins")
    components = tuple(_component(c) for c in row["components"])
    if len({(c.unit, c.threshold) for c in components}) < len(components):
        raise ValueError("a unit is priced twice")
    return Version(start, end, components, _text(row, "source", 2000))


def _component(row: Mapping[str, Any]) -> Component:
    unit, per, threshold = row["unit"], row["per"], row.get("threshold", 0)
    if not isinstance(unit, str) or not unit.replace("_", "").isalnum() or len(unit) > 40:
        raise ValueError(f"the unit {unit!r} is not known")
    known = unit_of(unit)
    if any(type(n) is not int or not least <= n <= MOST_UNITS for n, least in ((per, 1), (threshold, 0))):
        raise ValueError(f"per and threshold must be whole numbers up to {MOST_UNITS:,}")
    minimum = None if row.get("minimum") is None else _decimal(row["minimum"], 6)
    return Component(known[0] if known else unit, _decimal(row["price"]), per, threshold, minimum)


def _decimal(text: Any, places: int = 12) -> Decimal:
    """A price is text in a file: a JSON number would pass through a float in most programs."""
    try:
        price = Decimal(text) if isinstance(text, str) else Decimal("NaN")
    except InvalidOperation:
        price = Decimal("NaN")
    if not price.is_finite() or not 0 <= price <= 10**6 or price != round(price, places):
        raise ValueError(f'{str(text)[:40]!r} is no price; write decimal text such as "2.50"')
    return price


def _alias(row: Mapping[str, Any]) -> Alias:
    return Alias(
        _text(row, "provider", 80, blank=False),
        _text(row, "name", 200, blank=False).lower(),
        _text(row, "model", 200, blank=False).lower(),
        _moment(row, "from"),
        _moment(row, "until"),
    )


def _schedule(row: Mapping[str, Any]) -> tuple[str, ScheduleSpec]:
    spec = ScheduleSpec(
        _text(row, "name", 80, blank=False),
        _text(row, "zone", 64, blank=False),
        tuple((first, last) for first, last in row["windows"]),
        tuple(row["weekdays"]),
        frozenset(row["holidays"]),
    )
    try:
        Schedule(spec).active(datetime(2026, 1, 1, tzinfo=UTC))
        if not {*spec.weekdays} <= {*range(7)}:
            raise ValueError("weekdays are numbers from 0 (Monday) to 6")
        for holiday in spec.holidays:
            date.fromisoformat(holiday)
    except Exception as fault:
        raise ValueError(f"the schedule {spec.name} cannot be read: {fault}") from None
    return spec.name, spec


def _text(row: Mapping[str, Any], name: str, most: int, *, blank: bool = True) -> str:
    value = row.get(name) or ""
    if not isinstance(value, str) or len(value) > most or _UNSTORED.search(value) or not (blank or value.strip()):
        raise ValueError(f"{name} must be text of at most {most} characters")
    return value


def _moment(row: Mapping[str, Any], name: str) -> datetime | None:
    if row.get(name) is None:
        return None
    at = datetime.fromisoformat(row[name])
    if at.tzinfo is None:
        raise ValueError(f"{name} has no offset")
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{name} is beyond all calendars") from None


def _line(key: LineKey) -> dict[str, str]:
    return {
        "provider": key.provider,
        "model": key.model,
        "region": key.region,
        "tier": key.variant,
        "schedule": key.schedule,
    }


def _version(version: Version) -> dict[str, Any]:
    components = [_told(c) for c in sorted(version.components, key=lambda c: (c.threshold, c.unit))]
    return {
        "from": _time(version.start),
        "until": _time(version.end),
        "source": version.source,
        "components": components,
    }


def _told(c: Component) -> dict[str, Any]:
    told: dict[str, Any] = {"unit": c.unit, "price": _plain(c.price), "per": c.per}
    if c.threshold:
        told["threshold"] = c.threshold
    if c.minimum is not None:
        told["minimum"] = _plain(c.minimum)
    return told


def _plain(amount: Decimal) -> str:
    return f"{amount.normalize():f}"


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _name(key: LineKey) -> str:
    return " ".join(part for part in key if part)
