"""What a token of a model cost in a span of days: the workspace's prices, by kind of token."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.core.cache import cache
from msgspec.structs import replace

from costwatch.ledger.models import Attribution, Label, LabelKind
from costwatch.lib import periods
from costwatch.pricing import book
from costwatch.pricing.book import Prices
from costwatch.pricing.usage import Usage
from costwatch.spend.variance import Rates

SAMPLE = 1_000  # tokens that are priced to learn a rate: too few for any long-context price
PROVIDERS_FOR = 300  # seconds


def rates_of(lane: int, models: Iterable[str], days: Sequence[date], tz: ZoneInfo) -> dict[str, Rates | None]:
    """Model → its rates, each the mean over the days; None where the workspace has no price for it on any of them."""
    prices = book.current().for_workspace(lane)
    providers = _providers(lane)
    noons = [periods.midnight(day, tz) + 12 * periods.HOUR for day in days]
    return {model: _mean(prices, providers.get(model), model, noons) for model in models}


def _mean(prices: Prices, provider: str | None, model: str, at: Sequence[datetime]) -> Rates | None:
    """The mean over the days. A price is worked out once for each version of it that was in force."""
    known: dict[int | None, Rates | None] = {}
    found = []
    for moment in at:
        prompt = Usage(model=model, provider=provider, timestamp=moment, input_tokens=SAMPLE)
        priced = prices.price(prompt)
        if priced.price_version not in known:
            known[priced.price_version] = _rates(prices, prompt) if priced.cost is not None else None
        if rates := known[priced.price_version]:
            found.append(rates)
    if not found:
        return None
    return Rates(*(sum(column, Decimal(0)) / len(found) for column in zip(*map(_kinds, found), strict=True)))


def _rates(prices: Prices, prompt: Usage) -> Rates | None:
    counted = (
        prompt,
        replace(prompt, cached_input_tokens=SAMPLE),
        replace(prompt, cache_write_tokens=SAMPLE),
        replace(prompt, input_tokens=0, output_tokens=SAMPLE),
    )
    costs = [prices.price(usage).cost for usage in counted]
    return None if None in costs else Rates(*(cost / SAMPLE for cost in costs if cost is not None))


def _kinds(rates: Rates) -> tuple[Decimal, ...]:
    return rates.input, rates.cached, rates.written, rates.output


def _providers(lane: int) -> dict[str, str]:
    """Model → a provider it was called at. Of several the last by name: a rate matters only beside the other span's."""

    def read() -> dict[str, str]:
        pairs = Attribution.objects.filter(lane=lane).values_list("model_id", "provider_id").distinct()
        names = dict(
            Label.objects.filter(lane=lane, kind__in=(LabelKind.MODEL, LabelKind.PROVIDER)).values_list("id", "value")
        )
        named = sorted((names[model], names[provider]) for model, provider in pairs if model and provider)
        return dict(named)

    found: dict[str, str] | None = cache.get_or_set(f"providers:{lane}", read, PROVIDERS_FOR)
    return found or {}
