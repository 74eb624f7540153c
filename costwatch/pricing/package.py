"""Reads the genai-prices package into our own Catalogue. Only at import of a release, never while pricing.

Its match rules are guesses by prefix; from them only the names that they spell out are taken as aliases.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from genai_prices import types

from costwatch.pricing.names import bedrock_name, canonical_provider
from costwatch.pricing.specs import (
    UNITS,
    Alias,
    Catalogue,
    Component,
    LineKey,
    ScheduleSpec,
    Version,
    clean_price,
)

_VARIANTS = {
    ("processing", "batch"): "batch",
    ("service_tier", "flex"): "flex",
    ("service_tier", "priority"): "priority",
    ("service_tier", "fast"): "fast",
    ("speed", "fast"): "fast",
}
Spans = list[tuple[datetime | None, datetime | None]]


def read(providers: Iterable[types.Provider]) -> Catalogue:
    """Every provider's models as lines with all their versions."""
    catalogue = Catalogue()
    for provider in providers:
        for model in provider.models:
            _read_model(catalogue, provider.id, model)
    return catalogue


def _read_model(catalogue: Catalogue, provider_id: str, model: types.ModelInfo) -> None:
    provider, name, region = _identity(provider_id, model.id)
    source = f"genai-prices: {provider_id}/{model.id}"
    dated, hours = _split(model.prices)
    key = LineKey(provider, name, region)
    if key in catalogue.lines:  # two entries of one name: the first one wins, as in the package
        return
    if not dated:  # prices of some hours only: what the others cost is not known
        return
    catalogue.lines[key] = [Version(start, end, components(_at(dated, start)), source) for start, end in _spans(dated)]
    for schedule, prices in _schedules(hours):
        catalogue.schedules[schedule.name] = schedule
        catalogue.lines[key._replace(schedule=schedule.name)] = [Version(None, None, components(prices), source)]
    for variant, when in _contexts(model.price_variants or ()):
        versions = _variant_versions(dated, model.price_variants or (), when, source)
        catalogue.lines.setdefault(key._replace(variant=variant), versions)
    for other in _names(provider, model):
        if other != name:
            catalogue.aliases.append(Alias(provider, other, name))


def _identity(provider_id: str, model_id: str) -> tuple[str, str, str]:
    """(provider, model, region) under which we file a model of the package."""
    provider, name = canonical_provider(provider_id), model_id.lower()
    if provider == "bedrock":
        plain, _ = bedrock_name(name.removeprefix("regional."))
        region = name.split(".")[0]
        return provider, plain, region if region in ("global", "regional") else ""
    if provider == "google" and name.startswith("claude"):
        return "vertex", name, ""
    if name.startswith("ft:"):
        name = name.rstrip("-")
    return provider, name, ""


def components(prices: types.ModelPrice) -> tuple[Component, ...]:
    """The package's price object as components, prices without float noise."""
    found: dict[tuple[str, int], Component] = {}
    for key, value in vars(prices).items():
        if value is None or key not in UNITS:
            continue
        unit, per = UNITS[key]
        base = value.base if isinstance(value, types.TieredPrices) else value
        found[unit, 0] = Component(unit, clean_price(base), per)
        for tier in getattr(value, "tiers", ()):
            found[unit, tier.start] = Component(unit, clean_price(tier.price), per, tier.start)
    return tuple(sorted(found.values()))


Dated = list[tuple[datetime | None, types.ModelPrice]]


def _split(prices: Any) -> tuple[Dated, list[tuple[time, time, types.ModelPrice]]]:
    """The dated prices (ascending, the first one holds since ever) and those of certain hours."""
    if isinstance(prices, types.ModelPrice):
        return [(None, prices)], []
    dated: Dated = []
    hours = []
    for entry in prices:
        rule = entry.constraint
        if isinstance(rule, types.TimeOfDateConstraint):
            hours.append((rule.start_time, rule.end_time, entry.prices))
        else:
            dated.append((_midnight(rule.start_date) if rule else None, entry.prices))
    dated.sort(key=lambda pair: pair[0] or datetime.min.replace(tzinfo=UTC))
    if dated and dated[0][0] is not None:
        dated.insert(0, (None, dated[0][1]))
    return dated, hours


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _at(dated: Dated, moment: datetime | None) -> types.ModelPrice:
    return [prices for start, prices in dated if start is None or (moment and start <= moment)][-1]


def _spans(dated: Dated, extra: Sequence[datetime] = ()) -> Spans:
    first: list[datetime | None] = [None]
    starts = first + sorted({start for start, _ in dated if start} | set(extra))
    return list(zip(starts, [*starts[1:], None], strict=True))


def _schedules(hours: list[tuple[time, time, types.ModelPrice]]) -> Iterator[tuple[ScheduleSpec, types.ModelPrice]]:
    for first, last, prices in hours:
        a, b = first.strftime("%H:%M"), last.strftime("%H:%M")
        yield ScheduleSpec(f"daily {a}-{b} UTC", "UTC", ((a, b),)), prices


def _contexts(variants: Iterable[types.PriceVariant]) -> Iterator[tuple[str, dict[str, str]]]:
    for variant in variants:
        ((key, value), *others) = variant.when.items()
        name = _VARIANTS.get((key, value))
        if name and not others:
            yield name, variant.when


def _variant_versions(
    dated: Dated, variants: Sequence[types.PriceVariant], when: dict[str, str], source: str
) -> list[Version]:
    """The variant's prices over the standard ones, from its own first date on."""
    mine = [v for v in variants if v.when == when]
    begins = [_midnight(v.constraint.start_date) for v in mine if isinstance(v.constraint, types.StartDateConstraint)]
    always = len(begins) < len(mine)
    versions = []
    for start, end in _spans(dated, begins):
        if not always and (start is None or start < min(begins)):
            continue
        merged = dict(vars(_at(dated, start)))
        for variant in reversed(mine):  # the first one listed wins
            rule = variant.constraint
            if isinstance(rule, types.StartDateConstraint) and (start is None or _midnight(rule.start_date) > start):
                continue
            merged.update({key: value for key, value in vars(variant.prices).items() if value is not None})
        versions.append(Version(start, end, components(types.ModelPrice(**merged)), source))
    return versions


def _names(provider: str, model: types.ModelInfo) -> Iterator[str]:
    """The names that the match rule spells out, as we would look them up."""
    for text in {model.id.lower(), *(text.lower() for text in _spelled(model.match))}:
        name = text.strip()
        if provider == "bedrock":
            name = bedrock_name(name.removeprefix("regional.").lstrip("/"))[0]
        if name.endswith(("-", "@", ".", "_", "/")):
            continue
        yield name
        if name.count("@") == 1:
            yield name.replace("@", "-")


def _spelled(rule: Any) -> Iterator[str]:
    if isinstance(rule, types.ClauseOr):
        for part in rule.or_:
            yield from _spelled(part)
    elif isinstance(rule, types.ClauseAnd):
        yield from (part.starts_with for part in rule.and_ if isinstance(part, types.ClauseStartsWith))
    elif isinstance(rule, types.ClauseEquals):
        yield rule.equals
    elif isinstance(rule, types.ClauseStartsWith):
        yield rule.starts_with
    elif isinstance(rule, types.ClauseEndsWith):
        yield rule.ends_with
    elif isinstance(rule, types.ClauseContains):
        yield rule.contains
