"""From counts to exact dollars. Pure: Decimal all the way, rounded once, half to even, to 12 places.

A unit without a price of its own is billed as the whole it is part of: cached tokens without a cache price are input.
"""

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal

import msgspec

from costwatch.pricing.specs import TOKEN_UNITS, Component
from costwatch.pricing.usage import Usage

PLACES = Decimal("1e-12")
ZERO = Decimal(0)
MOST_PICODOLLARS = 10**15  # a token at which a thousand million cost less than 28 digits
EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)
# where a token kind is billed when it has no price of its own
_FALLBACK = {
    "cache_read": "input",
    "cache_write_5m": "input",
    "cache_write_1h": "cache_write_5m",
    "input_audio": "input",
    "input_image": "input",
    "cache_read_audio": "cache_read",
    "cache_read_image": "cache_read",
    "reasoning": "output",
    "output_audio": "output",
    "output_image": "output",
}
# counts that come along with tokens and cost nothing by themselves where the model has no price for them
_COMPANIONS = frozenset(
    {
        "image", "request", "audio_second", "character", "web_fetch", "citation", "cached_audio_token",
        "cached_image_token", "input_video", "output_video", "live_search_source",
    }
)  # fmt: skip
_VIDEO = (("input_video", "input"), ("output_video", "output"))
UNIT_NAMES = {
    "web_searches": "web_search", "web_search_requests": "web_search", "web_search_call": "web_search",
    "web_search_calls": "web_search", "web_search_preview": "web_search", "grounding": "web_search",
    "google_search": "web_search", "google_searches": "web_search", "search_queries": "web_search",
    "file_searches": "file_search", "file_search_call": "file_search", "file_search_calls": "file_search",
    "storage_search": "file_search", "storage_searches": "file_search",
    "rerank_searches": "rerank_search", "search_unit": "rerank_search", "search_units": "rerank_search",
    "pages": "page", "document_page": "page", "document_pages": "page", "pages_processed": "page",
    "annotated_pages": "annotated_page", "annotated_document_pages": "annotated_page",
    "audio_seconds": "audio_second", "second": "audio_second", "seconds": "audio_second",
    "x_search": "social_search", "social_searches": "social_search", "x_searches": "social_search",
    "code_executions": "code_execution", "code_interpreter": "code_execution",
    "characters": "character", "text_messages": "text_message", "images": "image", "requests": "request",
    "web_fetches": "web_fetch", "web_fetch_requests": "web_fetch",
}  # fmt: skip


def unit_name(name: str) -> str:
    """Our name of a unit: `web_searches` is `web_search`. Unknown ones as they are."""
    return UNIT_NAMES.get(name, name)


class CostPart(msgspec.Struct, frozen=True, gc=False):
    """One line of a cost: `tokens` of `component` (or searches, pages, seconds) at `unit_price` USD per `per`."""

    component: str
    tokens: int | Decimal
    unit_price: Decimal
    per: int
    cost: Decimal


class UnpricedUnit(Exception):
    """The call was billed for something this price does not know."""


class Prices:
    """The prices of one version for prompts of one length class, ready to multiply with."""

    __slots__ = (
        "cache_read", "cache_write", "cache_write_1h", "components", "input", "kinds", "minimums", "output", "plain",
        "request",
    )  # fmt: skip

    def __init__(self, components: Iterable[Component]) -> None:
        self.components = {component.unit: component for component in components}
        self.minimums = {c.unit: c.minimum for c in self.components.values() if c.minimum}
        self.request = self.components.get("request")
        self.kinds = {unit: self.priced_as(unit) for unit in TOKEN_UNITS}
        # 1e-12 USD of one token, for `text_cost`
        each = [self._each(unit) for unit in ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h")]
        self.input, self.output, self.cache_read, self.cache_write, self.cache_write_1h = map(int, each)
        self.plain = "input" in self.components and not {"reasoning", "request"} & self.components.keys()
        self.plain = self.plain and any(c.price for c in self.components.values())
        self.plain = self.plain and all(price == int(price) < MOST_PICODOLLARS for price in each)

    def _each(self, unit: str) -> Decimal:
        component = self.components.get(self.kinds[unit])
        return EXACT.divide(EXACT.divide(component.price, Decimal(component.per)), PLACES) if component else ZERO

    def text_cost(self, usage: Usage) -> Decimal | None:
        """What `cost` says of a call with text tokens only, in a tenth of the time; None for any other call."""
        rest = usage.input_tokens
        if (
            rest is None
            or not self.plain
            or usage.audio_input_tokens
            or usage.audio_output_tokens
            or usage.image_input_tokens
            or usage.image_output_tokens
            or usage.units
        ):
            return None
        total = (usage.output_tokens or 0) * self.output
        if usage.cache_write_tokens or usage.cache_write_1h_tokens:
            written, written_1h = usage.cache_write_tokens or 0, usage.cache_write_1h_tokens or 0
            rest -= written + written_1h
            total += written * self.cache_write + written_1h * self.cache_write_1h
        if usage.cached_input_tokens:
            rest -= usage.cached_input_tokens
            total += usage.cached_input_tokens * self.cache_read
        return (total + rest * self.input) * PLACES if rest >= 0 else None

    def priced_as(self, unit: str) -> str:
        """The unit under whose price a token kind is billed."""
        while unit not in self.components and unit in _FALLBACK:
            unit = _FALLBACK[unit]
        return unit


class PriceAt:
    """What a stored price version says: its id, its prices and those above the context thresholds."""

    __slots__ = ("base", "free", "gift", "id", "tiers")

    def __init__(self, version_id: int, components: Sequence[Component]) -> None:
        self.id = version_id
        self.free = all(component.price == 0 for component in components)
        self.gift = not components  # said to be free of charge, whatever is used
        thresholds = sorted({component.threshold for component in components})
        ladder = [(t, Prices(_in_force(components, t))) for t in thresholds or [0]]
        self.base = ladder[0][1] if ladder[0][0] == 0 else Prices(())
        self.tiers = tuple(step for step in reversed(ladder) if step[0] > 0)

    def prices(self, usage: Usage) -> Prices:
        """The prices that hold for this call: the whole request moves up above a threshold, sums never do."""
        if self.tiers and usage.requests <= 1:
            tokens = usage.input_tokens or 0
            for threshold, prices in self.tiers:
                if tokens > threshold:
                    return prices
        return self.base


def _in_force(components: Sequence[Component], threshold: int) -> list[Component]:
    chosen: dict[str, Component] = {}
    for component in sorted(components, key=lambda c: c.threshold):
        if component.threshold <= threshold:
            chosen[component.unit] = component
    return list(chosen.values())


def cost(usage: Usage, prices: Prices) -> Decimal:
    """USD of the call, rounded to 12 places. Raises UnpricedUnit for a fee that these prices do not know."""
    total = ZERO
    for unit, quantity in quantities(usage, prices):
        component = prices.components.get(unit)
        if component is not None:
            total = EXACT.add(total, _times(quantity, component))
    return EXACT.quantize(total, PLACES)


def _times(quantity: int | Decimal, component: Component) -> Decimal:
    return EXACT.divide(EXACT.multiply(Decimal(quantity), component.price), Decimal(component.per))


def parts(usage: Usage, prices: Prices) -> list[CostPart]:
    """How the cost comes about; the parts add up to it before rounding."""
    return [
        CostPart(unit, quantity, component.price, component.per, _times(quantity, component))
        for unit, quantity in quantities(usage, prices)
        if quantity and (component := prices.components.get(unit)) is not None
    ]


def quantities(usage: Usage, prices: Prices) -> list[tuple[str, int | Decimal]]:
    """What is billed: each token under the most special price that knows it, then the other units.

    Raises UnpricedUnit when something was used that these prices do not know.
    """
    units = {unit_name(name): amount for name, amount in usage.units.items()} if usage.units else {}
    billed: dict[str, int | Decimal] = {}
    for unit, count in (*_input_kinds(usage, units), *_output_kinds(usage, prices)):
        if count:
            kind = prices.kinds[unit]
            billed[kind] = billed.get(kind, 0) + count
    for unit, whole in _VIDEO:
        if unit in units and unit in prices.components:  # else it is billed as what it is a part of
            billed[whole] = max(Decimal(billed.get(whole, 0)) - units[unit], ZERO)
    if prices.request is not None:
        units.setdefault("request", Decimal(usage.requests))
    for unit, amount in units.items():
        if unit in prices.components and unit not in prices.kinds:
            billed[unit] = max(amount, prices.minimums.get(unit, ZERO)) if amount else ZERO
        elif amount and unit not in _COMPANIONS:
            raise UnpricedUnit(unit)
    _require_known(billed, prices, units)
    return list(billed.items())


def _require_known(billed: dict[str, int | Decimal], prices: Prices, units: dict[str, Decimal]) -> None:
    """A call of which nothing is priced, though something was used, has no price here."""
    if any(unit in prices.components for unit in billed):
        return
    vectors = billed.keys() == {"output"} and "input" in prices.components  # embeddings have no output price
    if (billed and not vectors) or (not billed and any(units.values())):
        raise UnpricedUnit(", ".join(sorted({*billed, *units})))


def _input_kinds(usage: Usage, units: dict[str, Decimal]) -> tuple[tuple[str, int], ...]:
    """Split the prompt: cached and written first, then audio and images; a cached audio token is both.

    Parts larger than the whole are flagged where events are read; here every part is billed and nothing remains.
    """
    cached, audio, image = usage.cached_input_tokens or 0, usage.audio_input_tokens or 0, usage.image_input_tokens or 0
    short, long = usage.cache_write_tokens or 0, usage.cache_write_1h_tokens or 0
    cached_audio = min(int(units.get("cached_audio_token", ZERO)), audio, cached)
    cached_image = min(int(units.get("cached_image_token", ZERO)), image, cached - cached_audio)
    audio, image, cached = audio - cached_audio, image - cached_image, cached - cached_audio - cached_image
    rest = (usage.input_tokens or 0) - cached - cached_audio - cached_image - short - long - audio - image
    if rest < 0:  # cached audio that the sender did not call so: it counts as cached
        shared = min(-rest, audio)
        audio, rest = audio - shared, rest + shared
        shared = min(-rest, image)
        image, rest = image - shared, rest + shared
    return (
        ("input", max(rest, 0)),
        ("cache_read", cached),
        ("cache_write_5m", short),
        ("cache_write_1h", long),
        ("input_audio", audio),
        ("cache_read_audio", cached_audio),
        ("input_image", image),
        ("cache_read_image", cached_image),
    )


def _output_kinds(usage: Usage, prices: Prices) -> tuple[tuple[str, int], ...]:
    audio, image = usage.audio_output_tokens or 0, usage.image_output_tokens or 0
    reasoning = (usage.reasoning_tokens or 0) if "reasoning" in prices.components else 0
    rest = max((usage.output_tokens or 0) - audio - image - reasoning, 0)
    return ("output", rest), ("reasoning", reasoning), ("output_audio", audio), ("output_image", image)
