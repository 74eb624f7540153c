"""What a call costs: above a context threshold, in the tier that served it, in a batch, in its region."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

M = 1_000_000


def test_a_context_tier_starts_above_its_threshold_and_holds_for_the_whole_request(price):
    assert price("google", "gemini-3.1-pro-preview", 200_000, 100).cost == Decimal("0.4012")
    assert price("google", "gemini-3.1-pro-preview", 200_001, 100).cost == Decimal("0.801804")


def test_long_prompts_of_the_older_sonnets_are_dearer_everywhere(price):
    for provider, model, expected in (
        ("anthropic", "claude-sonnet-4-20250514", "1.200006"),
        ("vertex", "claude-sonnet-4@20250514", "1.200006"),
        ("bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "1.3200066"),
    ):
        assert price(provider, model, 200_001).cost == Decimal(expected)


def test_the_boundary_of_xai_is_included(price):
    assert price("xai", "grok-4.3", 199_999).cost == Decimal("0.24999875")
    assert price("xai", "grok-4.3", 200_000).cost == Decimal("0.5")


def test_a_sum_of_many_requests_has_no_context_tier(price):
    assert price("openai", "gpt-5.5", 5 * M, requests=100).cost == 25
    assert price("openai", "gpt-5.5", 5 * M, requests=1).cost == 50


def test_cached_tokens_count_for_the_tier_but_cost_their_own_price(price):
    cost = price("google", "gemini-2.5-pro", 200_001, 0, cached_input_tokens=200_000).cost
    assert cost == Decimal("0.0500025")


@pytest.mark.parametrize(
    ("tier", "expected"), [(None, 2), ("default", 2), ("priority", "3.5"), ("fast", "3.5"), ("batch", 1), ("scale", 2)]
)
def test_the_tier_served_has_its_price(rate, tier, expected):
    assert rate("openai", "gpt-4.1", service_tier=tier) == Decimal(expected)


@pytest.mark.parametrize(
    ("provider", "model", "day", "expected"),
    [
        ("anthropic", "claude-opus-4-5", "2026-02-01", "2.5"),
        ("anthropic", "claude-3-5-haiku-20241022", "2025-03-01", "0.4"),
        ("openai", "gpt-4o", "2025-01-15", "1.25"),
        ("openai", "o3", "2025-05-01", "5"),
        ("openai", "gpt-5.6-terra", "2026-07-01", "1.25"),
        ("openai", "text-embedding-3-large", "2026-11-05", "0.065"),
        ("google", "gemini-2.5-pro", "2025-09-01", "0.625"),
        ("google", "gemini-3.5-flash", "2026-11-05", "0.75"),
        ("mistral", "codestral-2508", "2026-01-01", "0.15"),
        ("xai", "grok-4.5", "2026-11-05", "1.6"),
        ("azure", "gpt-4o", "2026-11-05", "1.25"),
    ],
)
def test_batch_is_cheaper_since_it_exists(rate, provider, model, day, expected):
    at = datetime.fromisoformat(day).replace(tzinfo=UTC)
    assert rate(provider, model, at=at, batch=True) == Decimal(expected)


def test_before_the_batch_api_existed_the_standard_price_holds(rate):
    before = datetime(2024, 6, 1, tzinfo=UTC)
    assert rate("anthropic", "claude-3-haiku-20240307", at=before, batch=True) == Decimal("0.25")


def test_a_batch_pays_searches_in_full(price):
    cost = price("anthropic", "claude-haiku-4-5", batch=True, units={"web_search": Decimal(3)}).cost
    assert cost == Decimal("0.0005") + Decimal("0.03")


@pytest.mark.parametrize(
    ("provider", "model", "region", "expected"),
    [
        ("azure", "gpt-4o", "global", "2.5"), ("azure", "gpt-4o", "eu", "2.75"),
        ("azure", "gpt-4o", "us-datazone", "2.75"),
        ("azure", "gpt-4o", "westeurope", "2.5"), ("azure", "gpt-5.1-codex", "us", "1.375"),
        ("azure", "o3-2025-04-16", "us", "2.2"), ("azure", "gpt-6-sol", "eu", "2.4"),
        ("azure", "gpt-6-sol", "us", "2.2"),
        ("openai", "gpt-5.4", "eu", "2.75"), ("openai", "gpt-4.1", "eu", "2"),
        ("anthropic", "claude-opus-4-6", "us", "5.5"), ("anthropic", "claude-opus-4-5", "us", "5"),
        ("vertex", "claude-haiku-4-5@20251001", "us-east5", "1.1"),
        ("vertex", "claude-haiku-4-5@20251001", "global", "1"),
        ("vertex", "claude-3-haiku@20240307", "us-east5", "0.25"), ("vertex", "gemini-2.5-pro", "us-central1", "1.25"),
        ("bedrock", "global.anthropic.claude-sonnet-4-5-20250929-v1:0", None, "3"),
        ("bedrock", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0", None, "3.3"),
        ("bedrock", "us.amazon.nova-pro-v1:0", None, "0.8"),
        ("bedrock", "us.anthropic.claude-3-5-sonnet-20241022-v2:0", None, "3"),
        ("bedrock", "amazon.titan-embed-text-v2:0", None, "0.02"),
        ("bedrock", "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-opus-4-5-20251101-v1:0",
         None, "5.5"),
        ("bedrock", "us.meta.llama3-3-70b-instruct-v1:0", None, "0.72"),
    ],
)  # fmt: skip
def test_regions_have_their_prices(rate, provider, model, region, expected):
    assert rate(provider, model, region=region) == Decimal(expected)
