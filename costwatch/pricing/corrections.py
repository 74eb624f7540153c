"""What we know better than the catalogue package: corrections.toml, applied over a Catalogue. Pure.

Every entry names its source. In order: prices and fees of single models, then rules that derive lines from others
(variants, regions, schedules), then names.
"""

import tomllib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from importlib import resources
from typing import Any

from costwatch.pricing.specs import (
    MILLION,
    TOKEN_UNITS,
    UNITS,
    Alias,
    Catalogue,
    Component,
    LineKey,
    ScheduleSpec,
    Version,
    clean_price,
)

PER = dict(UNITS.values()) | {"image": 1, "live_search_source": 1000}
_BEGINNING = datetime.min.replace(tzinfo=UTC)
_END = datetime.max.replace(tzinfo=UTC)


def load() -> dict[str, list[dict[str, Any]]]:
    """The shipped corrections."""
    return tomllib.loads(text())


def text() -> str:
    """The shipped corrections as written, for the release's digest."""
    return (resources.files("costwatch.pricing") / "corrections.toml").read_text("utf-8")


def apply(catalogue: Catalogue, corrections: dict[str, list[dict[str, Any]]]) -> None:
    """Change the catalogue as the corrections say. Raises ValueError for an entry without a source."""
    for entry in (entry for entries in corrections.values() for entry in entries):
        if not entry.get("source"):
            raise ValueError(f"A correction needs a source: {entry}")
    for entry in corrections.get("price", ()):
        for model in _listed(entry):
            _set_price(catalogue, _key(entry, model), entry)
    for entry in corrections.get("fee", ()):
        for key in _matching(catalogue, entry):
            catalogue.lines[key] = [_with_fees(version, entry) for version in catalogue.lines[key]]
    for entry in corrections.get("variant", ()):
        for key in _matching(catalogue, entry, variant="standard"):
            _derive_variant(catalogue, key, entry)
    for entry in corrections.get("region", ()):
        for key in _matching(catalogue, entry):
            target = key._replace(provider=entry["provider"], region=entry["region"])
            catalogue.lines.setdefault(target, list(_scaled(catalogue.lines[key], entry)))
        _share_names(catalogue, entry)
    for entry in corrections.get("schedule", ()):
        catalogue.schedules[entry["name"]] = _schedule(entry)
    for entry in corrections.get("scheduled", ()):
        for key in _matching(catalogue, entry, variant="standard"):
            catalogue.lines[key._replace(schedule=entry["schedule"])] = _in_hours(catalogue.lines[key], entry)
    for entry in corrections.get("alias", ()):
        _set_alias(catalogue, entry)


def _listed(entry: dict[str, Any]) -> list[str]:
    models = entry["models"] if "models" in entry else [entry["model"]]
    return [model.lower() for model in models]


def _key(entry: dict[str, Any], model: str) -> LineKey:
    return LineKey(entry["provider"], model, entry.get("region", ""), entry.get("variant", "standard"))


def _matching(catalogue: Catalogue, entry: dict[str, Any], variant: str | None = None) -> list[LineKey]:
    """The lines an entry speaks of: its `models` may be patterns, `like` another provider to copy from."""
    provider, patterns, never = entry.get("like", entry["provider"]), _listed(entry), entry.get("except", [])
    return [
        key
        for key in catalogue.lines
        if key.provider == provider
        and (not key.region or entry.get("all_regions"))
        and not key.schedule
        and (variant is None or key.variant == variant)
        and any(fnmatchcase(key.model, pattern) for pattern in patterns)
        and not any(fnmatchcase(key.model, pattern) for pattern in never)
    ]


def _components(entry: dict[str, Any]) -> tuple[Component, ...]:
    """`prices = {input = "2.5"}`, `above = {200000 = {input = "5"}}`; per million tokens, or as UNITS says."""
    found = [
        Component(unit, Decimal(price), PER.get(unit, MILLION), int(threshold), _minimum(entry, unit))
        for threshold, prices in (("0", entry["prices"]), *entry.get("above", {}).items())
        for unit, price in prices.items()
    ]
    return tuple(sorted(found, key=lambda c: c[:4]))


def _minimum(entry: dict[str, Any], unit: str) -> Decimal | None:
    minimum = entry.get("minimum", {}).get(unit)
    return Decimal(minimum) if minimum is not None else None


def _set_price(catalogue: Catalogue, key: LineKey, entry: dict[str, Any]) -> None:
    """Put the entry's prices in force for its dates; with `add` they join what is there, else they replace it."""
    start, end = entry.get("from"), entry.get("until")
    old = catalogue.lines.get(key, [])
    if entry.get("add"):
        catalogue.lines[key] = [_with_fees(version, entry, override=True) for version in old]
        return
    catalogue.lines.pop(key._replace(schedule="?"), None)
    for other in [k for k in catalogue.lines if k[:4] == key[:4] and k.schedule]:
        del catalogue.lines[other]  # hours of the package hold no longer once we state the price ourselves
    kept = [*_clipped(old, None, start), *_clipped(old, end, None)]
    new = Version(start, end, _components(entry), entry["source"])
    catalogue.lines[key] = sorted([*kept, new], key=lambda version: version.start or _BEGINNING)


def _clipped(versions: Iterable[Version], start: datetime | None, end: datetime | None) -> Iterator[Version]:
    """What the versions say within [start, end); None on both sides = nothing (a whole replacement)."""
    if start is None and end is None:
        return
    for version in versions:
        first = max(version.start or _BEGINNING, start or _BEGINNING)
        last = min(version.end or _END, end or _END)
        if first < last:
            yield Version(
                None if first == _BEGINNING else first,
                None if last == _END else last,
                version.components,
                version.source,
            )


def _with_fees(version: Version, entry: dict[str, Any], override: bool = False) -> Version:
    """The version with the entry's components added; existing ones stay unless `override`."""
    new = {component[:1] + component[3:4]: component for component in _components(entry)}
    old = {component[:1] + component[3:4]: component for component in version.components}
    merged = old | new if override else new | old
    source = f"{version.source}; {entry['source']}" if override else version.source
    return Version(version.start, version.end, tuple(sorted(merged.values(), key=lambda c: c[:4])), source)


def _derive_variant(catalogue: Catalogue, key: LineKey, entry: dict[str, Any]) -> None:
    """A variant's prices for the time that the catalogue does not cover: by its later ratio, else the multiplier."""
    target = key._replace(variant=entry["variant"])
    known = catalogue.lines.get(target, [])
    if not known and entry.get("only_known"):
        return
    until = known[0].start if known else None
    if known and until is None:
        return
    ratios = _ratios(catalogue.lines[key], known[0]) if known else {}
    earlier = _clipped(catalogue.lines[key], entry.get("from") or _BEGINNING, until)
    catalogue.lines[target] = [*(_discounted(version, entry, ratios) for version in earlier), *known]


def _ratios(standard: list[Version], variant: Version) -> dict[tuple[str, int], Decimal]:
    """unit, threshold -> variant price / standard price, at the variant's start."""
    at = variant.start or _BEGINNING
    base = [v for v in standard if (v.start or _BEGINNING) <= at][-1]
    prices = {(c.unit, c.threshold): c.price for c in base.components}
    return {
        (c.unit, c.threshold): c.price / prices[c.unit, c.threshold]
        for c in variant.components
        if prices.get((c.unit, c.threshold))
    }


def _discounted(version: Version, entry: dict[str, Any], ratios: dict[tuple[str, int], Decimal]) -> Version:
    multiplier, keep = Decimal(entry["multiplier"]), set(entry.get("keep", ()))

    def price(component: Component) -> Decimal:
        if ratios:
            ratio = ratios.get((component.unit, component.threshold)) or ratios.get((component.unit, 0))
            return clean_price(component.price * (Decimal(1) if ratio is None else ratio))
        plain = component.unit not in TOKEN_UNITS or component.unit in keep
        return component.price if plain else component.price * multiplier

    changed = tuple(component._replace(price=price(component)) for component in version.components)
    return Version(version.start, version.end, changed, f"{version.source}; {entry['source']}")


def _scaled(versions: Iterable[Version], entry: dict[str, Any]) -> Iterator[Version]:
    """The versions within the entry's dates, token prices times its multiplier."""
    start, end = entry.get("from"), entry.get("until")
    inside = _clipped(versions, start, end) if start or end else versions
    for version in inside:
        yield _discounted(version, entry, {})


def _in_hours(standard: list[Version], entry: dict[str, Any]) -> list[Version]:
    """The prices within a schedule's hours: as stated, else the standard ones times the multiplier."""
    if "prices" in entry:
        return [Version(entry.get("from"), entry.get("until"), _components(entry), entry["source"])]
    return list(_scaled(standard, entry))


def _share_names(catalogue: Catalogue, entry: dict[str, Any]) -> None:
    """The seller's regional lines are found under all the names that the maker's models have."""
    if "like" in entry:
        models = {key.model for key in _matching(catalogue, entry)}
        catalogue.aliases += [
            Alias(entry["provider"], alias.name, alias.model, alias.start, alias.end)
            for alias in catalogue.aliases
            if alias.provider == entry["like"] and alias.model in models
        ]


def _schedule(entry: dict[str, Any]) -> ScheduleSpec:
    return ScheduleSpec(
        entry["name"],
        entry["zone"],
        tuple((first, last) for first, last in entry["windows"]),
        tuple(entry.get("weekdays", range(7))),
        frozenset(entry.get("holidays", ())),
    )


def _set_alias(catalogue: Catalogue, entry: dict[str, Any]) -> None:
    names = entry["names"] if "names" in entry else [entry["name"]]
    for name in names:
        alias = Alias(entry["provider"], name.lower(), entry["model"].lower(), entry.get("from"), entry.get("until"))
        catalogue.aliases = [
            old
            for old in catalogue.aliases
            if (old.provider, old.name) != (alias.provider, alias.name) or old.start or old.end
        ]
        catalogue.aliases.append(alias)
