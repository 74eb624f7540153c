"""The second witness: model-prices, a table kept apart from the one that the catalogue comes from."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

import model_prices

from costwatch.pricing.compiled import Book
from costwatch.pricing.usage import Usage

AT = datetime(2026, 10, 26, 18, tzinfo=UTC)  # the date of its data, outside all busy hours
PROVIDERS = {
    "anthropic": "anthropic", "openai": "openai", "google": "google", "xai": "xai", "mistral": "mistral",
    "deepseek": "deepseek", "cohere": "cohere", "moonshotai": "moonshotai", "zai": "zai", "minimax": "minimax",
    "amazon-bedrock": "bedrock",
}  # fmt: skip
UNITS = ("input", "cache_read", "output")


class Disagreement(NamedTuple):
    """USD per million tokens; `ours` None = we have no price."""

    provider: str
    model: str
    unit: str
    ours: Decimal | None
    theirs: Decimal


def disagreements(book: Book) -> Iterator[Disagreement]:
    """Every price of the witness that is not ours, free ones apart."""
    for lab, provider in PROVIDERS.items():
        for model in sorted(model_prices._data()["prices"][lab]):
            said = model_prices.rates(f"{lab}/{model}", at=AT)
            if said is None or not said.input:
                continue
            for unit in UNITS:
                theirs = getattr(said, unit)
                if theirs is not None and (ours := rate(book, provider, model, unit)) != Decimal(str(theirs)):
                    yield Disagreement(provider, model, unit, ours, Decimal(str(theirs)))


def rate(book: Book, provider: str, model: str, unit: str) -> Decimal | None:
    """What we charge for a million tokens of this kind, in short prompts."""
    counts = {
        "input": {"input_tokens": 1000},
        "cache_read": {"input_tokens": 1000, "cached_input_tokens": 1000},
        "output": {"output_tokens": 1000},
    }[unit]
    call = Usage(model=model, provider=provider, timestamp=AT, **({"input_tokens": 0, "output_tokens": 0} | counts))
    cost = book.price(call).cost
    return None if cost is None else cost * 1000
