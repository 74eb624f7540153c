"""What a workspace has agreed with its providers, laid over the catalogue: prices, discounts, free of charge. Pure.

The most special agreement in force at the time of the call decides: the model's name, another name of the same model,
a pattern, all models of the provider. A price of the standard tier holds for another tier only where the catalogue
has no price of that tier's own.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import NamedTuple

from costwatch.pricing.calculate import EXACT, PLACES, ZERO, CostPart, PriceAt, Prices, UnpricedUnit, cost
from costwatch.pricing.calculate import parts as parts_of
from costwatch.pricing.compiled import Book, ModelLines
from costwatch.pricing.names import candidates, region_class, variant
from costwatch.pricing.specs import TOKEN_UNITS, Component
from costwatch.pricing.timeline import Timeline
from costwatch.pricing.usage import CostSource, Priced, Usage

RESOLVED_AT_MOST = 20_000
INSTEAD = frozenset({"request", "page", "annotated_page", "audio_second", "image", "character", "video_second"})
MOST_COST = Decimal(10) ** 12  # of one call, in USD; more is a mistake in the price, and no column holds it
EVERY_TIER = ""
Key = tuple[str | None, str, str | None, str | None, bool]


class OverrideAt(PriceAt):
    """A price, or with a `multiplier` so much of the catalogue's price."""

    __slots__ = ("multiplier",)

    def __init__(self, version_id: int, components: Sequence[Component], multiplier: Decimal | None = None) -> None:
        super().__init__(version_id, components)
        self.multiplier = multiplier
        self.gift = self.gift and multiplier is None
        self.free = self.free and multiplier is None


class Override(NamedTuple):
    """One agreement over time. "" = any provider, any region, every tier; the model may be a pattern with *."""

    provider: str
    model: str
    region: str
    variant: str
    timeline: Timeline


class WorkspaceBook:
    """The book as one workspace sees it: answers like Book."""

    def __init__(self, book: Book, overrides: Iterable[Override], trusted: Iterable[str] = ()) -> None:
        self.book = book
        self._overrides = [(override, self._target(override)) for override in overrides]
        self._trusted = frozenset(trusted)
        self._versions = {v.id: v for o, _ in self._overrides for v in o.timeline.versions}
        self._resolved: dict[Key, tuple[str, list[Override]]] = {}
        self._exact: dict[int, bool] = {}

    def with_override(self, override: Override) -> "WorkspaceBook":
        """This book with one more agreement, which leads where others are as special: to try out what is not stored."""
        overrides = [override, *(known for known, _ in self._overrides)]
        return WorkspaceBook(self.book, overrides, self._trusted)

    def provider_of(self, model: str) -> str | None:
        """As the catalogue infers it."""
        return self.book.provider_of(model)

    def describe(self, price_version_id: int) -> dict[str, object] | None:
        """As Book.describe."""
        return self.book.describe(price_version_id)

    def price(self, usage: Usage) -> Priced:
        """What the call costs this workspace; `list_cost` is what the catalogue would have it cost."""
        key = (usage.provider, usage.model, usage.service_tier, usage.region, usage.batch)
        served, overrides = self._resolved.get(key) or self._remember(key)
        if usage.reported_cost is not None and self._trusts(usage):
            return Priced(EXACT.quantize(usage.reported_cost, PLACES), CostSource.REPORTED, None, ZERO)
        listed = self.book.price(usage)
        if overrides and listed.source is not CostSource.REPORTED:
            version = self._in_force(usage, served, overrides, listed)
            if version is not None:
                agreed = self._agreed(usage, version, listed)
                return agreed if agreed.cost is None or agreed.cost < MOST_COST else self.book._unpriced(usage)
        return listed

    def price_many(self, usages: Iterable[Usage]) -> list[Priced]:
        """`price` for each, in order."""
        return [self.price(usage) for usage in usages]

    def parts(self, usage: Usage, priced: Priced) -> list[CostPart]:
        """How the cost comes about; a discount is a part of its own, below 0."""
        if priced.source is not CostSource.OVERRIDE or priced.cost is None:
            return self.book.parts(usage, priced)
        version = self._versions.get(priced.price_version or 0)
        if version is not None:
            try:
                return parts_of(usage, self._completed(usage, version))
            except UnpricedUnit:  # the catalogue's price of a fee has gone since
                return []
        listed = self.book.parts(usage, priced)
        whole = EXACT.quantize(sum((part.cost for part in listed), ZERO), PLACES)
        less = EXACT.subtract(priced.cost, whole)
        return [*listed, CostPart("discount", 1, less, 1, less)] if listed else []

    def list_cost(self, usage: Usage, priced: Priced) -> Decimal | None:
        """What the catalogue of now would have a call cost that has an agreed price; None for any other."""
        return self.book.price(usage).cost if priced.source is CostSource.OVERRIDE else None

    def _target(self, override: Override) -> ModelLines | None:
        """The catalogue's lines of the model that is meant, to recognise its other names."""
        if "*" in override.model or not override.provider:
            return None
        return self.book._lines_of(override.provider, override.model) or None

    def _trusts(self, usage: Usage) -> bool:
        return bool(self._trusted) and self.book._seller(usage.provider, usage.model) in self._trusted

    def _remember(self, key: Key) -> tuple[str, list[Override]]:
        if len(self._resolved) >= RESOLVED_AT_MOST:
            self._resolved.clear()
        found = self._resolved[key] = self._resolve(key)
        return found

    def _resolve(self, key: Key) -> tuple[str, list[Override]]:
        provider, model, tier, region, batch = key
        seller = self.book._seller(provider, model)
        served = variant(tier, batch)
        names = [model.strip().lower(), *candidates(seller or "", model)]
        known = (self.book._lines_of(seller, model) or None) if seller else None
        place = region_class(seller or "", model, region)
        ranked = []
        for override, target in self._overrides:
            if target is None and known is not None and not override.provider:
                target = self.book._lines_of(seller or "", override.model)
            rank = _name_rank(override, seller, names, known, target)
            if rank is not None and override.region in ("", place) and override.variant in ("", served, "standard"):
                order = (*rank, override.region != place, override.variant != served, override.variant == EVERY_TIER)
                ranked.append((order, override))
        return served, [override for _, override in sorted(ranked, key=lambda pair: pair[0])]

    def _in_force(self, usage: Usage, served: str, overrides: Sequence[Override], listed: Priced) -> OverrideAt | None:
        for override in overrides:
            version = override.timeline.at(usage.timestamp)
            if version is not None and (override.variant in ("", served) or self._is_standard(listed)):
                return version  # type: ignore[return-value]
        return None

    def _is_standard(self, listed: Priced) -> bool:
        """Whether the catalogue has no price of the served tier's own."""
        told = self.book.describe(listed.price_version) if listed.price_version is not None else None
        return told is None or told["tier"] == "standard"

    def _agreed(self, usage: Usage, version: OverrideAt, listed: Priced) -> Priced:
        if version.multiplier is not None:
            return self._discounted(usage, version.multiplier, listed)
        if version.gift:
            return Priced(ZERO, CostSource.FREE, version.id, ZERO, listed.cost)
        if listed.source is CostSource.USAGE_UNKNOWN and version.base.request is None:
            return listed
        prices = version.prices(usage)
        net = prices.text_cost(usage) if "output" in prices.components else None
        try:
            if net is None:
                net = cost(usage, self._completed(usage, version))
        except UnpricedUnit:
            return listed
        source = CostSource.FREE if version.free and not net else CostSource.OVERRIDE
        return Priced(net, source, version.id, ZERO, listed.cost)

    def _discounted(self, usage: Usage, multiplier: Decimal, listed: Priced) -> Priced:
        """So much of the exact list price, rounded once. Nothing to take off where there is no list price."""
        if listed.source is not CostSource.CATALOG or listed.cost is None or listed.price_version is None:
            return listed
        whole = listed.cost
        if usage.units or not self._is_exact(listed.price_version):
            whole = sum((part.cost for part in self.book.parts(usage, listed)), ZERO)
        net = EXACT.quantize(EXACT.multiply(whole, multiplier), PLACES)
        return Priced(net, CostSource.OVERRIDE, listed.price_version, ZERO, listed.cost)

    def _is_exact(self, version_id: int) -> bool:
        """Whether no token price of this version has more than 12 places, so that a sum of tokens is never rounded."""
        if version_id not in self._exact:
            ladder = self.book._versions[version_id]
            steps = [ladder.base, *(prices for _, prices in ladder.tiers)]
            each = [EXACT.divide(c.price, Decimal(c.per)) for prices in steps for c in prices.components.values()]
            self._exact[version_id] = all(price == EXACT.quantize(price, PLACES) for price in each)
        return self._exact[version_id]

    def _completed(self, usage: Usage, version: PriceAt) -> Prices:
        """The agreed prices, with the catalogue's for what nothing is agreed on: fees, all of a prompt or an answer.

        Raises UnpricedUnit for a prompt that neither has a price for, and for an answer of a model that the catalogue
        does not know: of one that it knows and has no price for, answers cost nothing (embeddings).
        """
        agreed = version.prices(usage)
        left = _left_open(agreed)
        listed = self.book.price(usage) if usage.units or left else None
        known = listed.price_version if listed is not None else None
        if known is not None:
            prices = self.book._versions[known].prices(usage)
            more = [c for unit, c in prices.components.items() if unit not in agreed.components]
            more = [c for c in more if _is_fee(c.unit) or _whole(c.unit) in left]
            agreed = Prices([*agreed.components.values(), *more])
        if "input" in left and usage.input_tokens and "input" not in agreed.components:
            raise UnpricedUnit("input")
        if "output" in left and usage.output_tokens and known is None and "output" not in agreed.components:
            raise UnpricedUnit("output")
        return agreed


def _left_open(agreed: Prices) -> set[str]:
    """Of prompt and answer those on which nothing is agreed. A price of a call, page or second is instead of both."""
    if not any(unit in TOKEN_UNITS for unit in agreed.components) and any(
        unit in INSTEAD for unit in agreed.components
    ):
        return set()
    return {"input", "output"} - agreed.components.keys()


def _whole(unit: str) -> str:
    """What a kind of tokens is a part of; the other units are parts of nothing."""
    at = TOKEN_UNITS.index(unit) if unit in TOKEN_UNITS else -1
    return "" if at < 0 else "output" if at >= TOKEN_UNITS.index("output") else "input"


def _is_fee(unit: str) -> bool:
    return unit not in TOKEN_UNITS and unit != "request"


def _name_rank(
    override: Override,
    seller: str | None,
    names: Sequence[str],
    known: ModelLines | None,
    target: ModelLines | None,
) -> tuple[int, int, bool] | None:
    """How special an override is for a call of these names, smaller is more special; None where it is not meant."""
    # a model that no provider is known for: the only thing to go by is its name
    if override.provider not in ("", seller) and not (seller is None and override.model == names[0]):
        return None
    anywhere = override.provider == ""
    if override.model in names[:2]:  # as sent, and without what only says where it is found
        return 0, 0, anywhere
    if (known is not None and known is target) or (known is None and override.model in names):
        return 1, 0, anywhere
    if "*" in override.model and any(fnmatchcase(name, override.model) for name in names):
        return 2, -len(override.model), anywhere
    return None
