"""Which model and provider a call means: names, aliases that move, and names that are not known."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from costwatch.pricing.usage import CostSource, Usage
from tests.pricing.conftest import CALLED


@pytest.mark.parametrize(
    ("provider", "model", "expected"),
    [
        ("openai", "gpt-4o-2024-05-13", 5), ("openai", "gpt-4o-2024-08-06", "2.5"), ("openai", "gpt-5.1", "1.25"),
        ("anthropic", "claude-opus-4-1-20250805", 15), ("anthropic", "claude-opus-4-5-20251101", 5),
        ("anthropic", "anthropic/claude-sonnet-4.5", 3), ("anthropic", "claude-sonnet-4-5[1m]", 3),
        ("openai", "gpt-5.2-20251211", "1.75"), ("google", "models/gemini-2.5-flash-lite", "0.1"),
        ("google", "gemini-2.5-pro-preview-05-06", "1.25"), ("mistral", "mistral-large-latest", "0.5"),
        ("mistral", "mistral-large-2411", 2), ("mistral", "ministral-8b-2410", "0.1"),
        ("groq", "openai/gpt-oss-20b", "0.075"),
        ("openai", "ft:gpt-4.1-mini-2025-04-14:acme::a1", "0.8"), ("litellm", "anthropic/claude-opus-4-5", 5),
        (None, "claude-opus-4-5", 5), (None, "azure/gpt-4o", "2.5"), (None, "gemini-2.5-pro", "1.25"),
        ("openrouter", "anthropic/claude-opus-4.5", 5), ("cohere", "command-r-plus-08-2024", "2.5"),
    ],
)  # fmt: skip
def test_models_are_found_by_their_names(rate, provider, model, expected):
    assert rate(provider, model) == Decimal(expected)


@pytest.mark.parametrize(
    ("provider", "model"),
    [("openai", "gpt-4.1-super"), ("openai", "gpt-5.1-unheard-of"), ("anthropic", "claude-opus-4-55"),
     ("anthropic", "claude-opus-4-5-turbo"), ("nobody", "gpt-4.1"), ("google", "gemini-2.5-flash-9b"),
     (None, "my-model")],
)  # fmt: skip
def test_a_name_that_only_begins_like_a_known_one_is_unpriced(price, provider, model):
    priced = price(provider, model, 1000, 10)
    assert (priced.cost, priced.source, priced.price_version) == (None, CostSource.UNPRICED, None)
    assert priced.upper_bound > 0


def test_the_moving_alias_means_what_it_meant_then(rate):
    assert rate("mistral", "mistral-large-latest", at=datetime(2025, 11, 1, tzinfo=UTC)) == 2
    assert rate("google", "gemini-flash-latest", at=datetime(2026, 1, 1, tzinfo=UTC)) == Decimal("0.3")


def test_provider_is_inferred_where_it_is_clear(book):
    assert book.provider_of("gpt-4.1-2025-04-14") == "openai"
    assert book.provider_of("claude-haiku-4-5") == "anthropic"
    assert book.provider_of("bedrock/us.anthropic.claude-haiku-4-5-20251001-v1:0") == "bedrock"
    assert book.provider_of("voyage-3.5") == "voyageai"
    assert book.provider_of("nobody-knows") is None


def test_names_are_remembered_within_bounds(book, monkeypatch):
    monkeypatch.setattr("costwatch.pricing.compiled.RESOLVED_AT_MOST", 10)
    for number in range(50):
        book.price(Usage(model=f"m{number}", timestamp=CALLED, input_tokens=1, output_tokens=1))
    assert len(book._resolved) <= 10
