"""The price book of a process: every price in dicts, a call in about a microsecond. Pure.

A name is resolved once and kept in a bounded dict; after that a plain call is one look-up and two multiplications.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from costwatch.pricing.calculate import (
    EXACT,
    PLACES,
    ZERO,
    CostPart,
    PriceAt,
    Prices,
    UnpricedUnit,
    cost,
    parts,
    unit_name,
)
from costwatch.pricing.named import ModelLines, by_name, places
from costwatch.pricing.names import (
    FREE_PROVIDERS,
    GATEWAYS,
    RESOLD,
    candidates,
    canonical_provider,
    region_class,
    split_router,
    variant,
)
from costwatch.pricing.specs import TOKEN_UNITS, Component, LineKey
from costwatch.pricing.timeline import Timeline
from costwatch.pricing.usage import CostSource, Priced, Usage

RESOLVED_AT_MOST = 20_000
TRUSTED_REPORTERS = frozenset({"openrouter"})
_MODEL_MAKERS = ("openai", "anthropic", "google", "xai", "mistral", "deepseek", "cohere", "voyageai", "moonshotai")
_UNKNOWN = Priced(None, CostSource.USAGE_UNKNOWN, None, ZERO)
_FREE = Priced(ZERO, CostSource.FREE, None, ZERO)
_CATALOG = CostSource.CATALOG
NO_FEES = frozenset({*TOKEN_UNITS, "request"})


class Book:
    """All prices of one revision of the stored book, as of `now` (which decides only what "current" means)."""

    def __init__(
        self,
        lines: dict[LineKey, Timeline],
        aliases: Iterable[tuple[str, str, str, datetime | None, datetime | None]],
        facts: dict[int, dict[str, object]],
        versions: dict[int, PriceAt],
        now: datetime,
    ) -> None:
        self._facts = facts
        self._versions = versions
        self._resolved: dict[tuple[str | None, str, str | None, str | None, bool], Timeline | None] = {}
        self._names = by_name(lines, aliases)
        self._providers = frozenset(provider for provider, _ in self._names)
        self._dearest = _dearest(lines, now)

    @property
    def models(self) -> int:
        """Number of (provider, name) pairs that have a price."""
        return len(self._names)

    def price(self, usage: Usage) -> Priced:
        """What the call cost, and from where we know; never a guess and never 0 for what is not known."""
        key = (usage.provider, usage.model, usage.service_tier, usage.region, usage.batch)
        try:
            timeline = self._resolved[key]
        except KeyError:
            timeline = self._remember(key)
        if timeline is None or usage.reported_cost is not None:
            return self._unusual(usage, timeline)
        version = timeline.latest
        if version is None or usage.timestamp < timeline.latest_start:
            version = timeline.at(usage.timestamp)
            if version is None:
                return self._unpriced(usage)
        amount = (version.prices(usage) if version.tiers else version.base).text_cost(usage)
        if amount is None:
            return self._with_parts(usage, version)
        return Priced(amount, _CATALOG, version.id, ZERO)

    def price_many(self, usages: Iterable[Usage]) -> list[Priced]:
        """`price` for each, in order."""
        return [self.price(usage) for usage in usages]

    def parts(self, usage: Usage, priced: Priced) -> list[CostPart]:
        """How the cost of a priced call comes about; [] where there is nothing to explain."""
        if priced.source is CostSource.REPORTED and priced.cost is not None:
            return [CostPart("reported", 1, priced.cost, 1, priced.cost)]
        version = self._versions.get(priced.price_version) if priced.price_version is not None else None
        if version is None or priced.cost is None or not (version.base.components or version.tiers):
            return []
        try:
            return parts(usage, version.prices(usage))
        except UnpricedUnit:  # a fee was billed that these prices do not know, or know no longer
            return []

    def describe(self, price_version_id: int) -> dict[str, object] | None:
        """Provider, model, region, tier, release and dates of a price; None for an id that is not in this book."""
        return self._facts.get(price_version_id)

    def provider_of(self, model: str) -> str | None:
        """The provider that the model's name names, or the one maker who sells it; None where that is not clear."""
        routed, rest = split_router(model)
        if routed is not None and routed not in GATEWAYS:
            return routed
        makers = [maker for maker in _MODEL_MAKERS if self._lines_of(maker, rest)]
        if makers:
            return makers[0]
        sellers = [name for name in self._providers if self._lines_of(name, rest)]
        return sellers[0] if len(sellers) == 1 else None

    def _remember(self, key: tuple[str | None, str, str | None, str | None, bool]) -> Timeline | None:
        if len(self._resolved) >= RESOLVED_AT_MOST:
            self._resolved.clear()
        provider, model, tier, region, batch = key
        timeline = self._resolved[key] = self._resolve(provider, model, region, variant(tier, batch))
        return timeline

    def _resolve(self, provider: str | None, model: str, region: str | None, served: str) -> Timeline | None:
        seller = self._seller(provider, model)
        if seller is None:
            return None
        place = region_class(seller, model, region)
        own = self._lines_of(seller, model)
        found = [own, *(self._lines_of(name, model) for name in RESOLD.get(seller, ()))]
        for where in places(place):
            for how in (served, "standard"):
                for lines in found:
                    timeline = lines.get((where, how))
                    # what its maker gives away is not free at another seller
                    if timeline is not None and (lines is own or not timeline.free):
                        return timeline
        return None

    def _seller(self, provider: str | None, model: str) -> str | None:
        name = canonical_provider(provider) if provider else None
        if name is None or name in GATEWAYS:
            return self.provider_of(model)
        return name

    def _lines_of(self, provider: str, model: str) -> ModelLines:
        for name in candidates(provider, model):
            lines = self._names.get((provider, name))
            if lines:
                return lines
        return {}

    def _unusual(self, usage: Usage, timeline: Timeline | None) -> Priced:
        """Reported by whom we trust, free because it ran at home, or without a price."""
        seller = self._seller(usage.provider, usage.model)
        if usage.reported_cost is not None and seller in TRUSTED_REPORTERS:
            return Priced(EXACT.quantize(usage.reported_cost, PLACES), CostSource.REPORTED, None, ZERO)
        if seller in FREE_PROVIDERS and not usage.model.lower().endswith(("-cloud", ":cloud")):
            return _FREE
        version = timeline.at(usage.timestamp) if timeline is not None else None
        return self._with_parts(usage, version) if version is not None else self._unpriced(usage)

    def _with_parts(self, usage: Usage, version: PriceAt) -> Priced:
        if _nothing_counted(usage) and version.base.request is None:
            return _UNKNOWN
        if version.gift or (version.free and not usage.units):
            return Priced(ZERO, CostSource.FREE, version.id, ZERO)
        try:
            source = CostSource.FREE if version.free else _CATALOG
            return Priced(cost(usage, version.prices(usage)), source, version.id, ZERO)
        except UnpricedUnit:
            return self._unpriced(usage)

    def _unpriced(self, usage: Usage) -> Priced:
        """No price: None, with what it costs at most at the dearest current price of the provider."""
        if _nothing_counted(usage):
            return _UNKNOWN
        seller = self._seller(usage.provider, usage.model) or ""
        return Priced(None, CostSource.UNPRICED, None, self._upper_bound(usage, seller))

    def _upper_bound(self, usage: Usage, seller: str) -> Decimal:
        dearest = self._dearest.get(seller) or self._dearest[""]
        if not usage.units and dearest.plain:
            whole = (usage.input_tokens or 0) * dearest.input + (usage.output_tokens or 0) * dearest.output
            return whole * PLACES
        fees = dearest.components.keys() - NO_FEES
        units = {name: amount for name, amount in (usage.units or {}).items() if unit_name(name) in fees}
        counts = Usage(
            model=usage.model,
            timestamp=usage.timestamp,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            units=units,
        )
        try:
            return cost(counts, dearest)
        except UnpricedUnit:  # the book has no model that could be meant
            return ZERO


def _nothing_counted(usage: Usage) -> bool:
    return usage.input_tokens is None and usage.output_tokens is None and not usage.units


def _dearest(lines: dict[LineKey, Timeline], now: datetime) -> dict[str, Prices]:
    """provider ("" = all) -> the dearest current input and output price of a chat model, and the dearest fees."""
    found: dict[str, dict[str, Component]] = {"": {}}
    for key, timeline in lines.items():
        for version in timeline.at_any_hour(now) if key.variant == "standard" else ():
            chat = "input" in version.base.components and "output" in version.base.components
            for prices in (version.base, *(step for _, step in version.tiers)):
                for component in prices.components.values():
                    if component.unit in NO_FEES and not (chat and component.unit in ("input", "output")):
                        continue
                    _keep_dearest(found[""], component)
                    _keep_dearest(found.setdefault(key.provider, {}), component)
    everywhere = found.pop("")
    fees = {unit: component for unit, component in everywhere.items() if unit not in NO_FEES}
    known = {
        provider: Prices((fees | table).values())
        for provider, table in found.items()
        if {"input", "output"} <= {*table}
    }
    return known | {"": Prices(everywhere.values())}


def _keep_dearest(table: dict[str, Component], component: Component) -> None:
    old = table.get(component.unit)
    if old is None or component.price * old.per > old.price * component.per:
        table[component.unit] = component._replace(threshold=0)
