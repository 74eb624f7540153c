"""What a call costs: dates, tiers, variants, regions, names, fees, free and unknown."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from costwatch.pricing.usage import CostSource, Usage

NOW = datetime(2026, 11, 5, 16, 40, tzinfo=UTC)
M = 1_000_000


@pytest.fixture
def price(book):
    def price(provider, model, tokens_in=1000, tokens_out=0, at=NOW, **more):
        usage = Usage(
            model=model, provider=provider, timestamp=at, input_tokens=tokens_in, output_tokens=tokens_out, **more
        )
        return book.price(usage)

    return price


@pytest.fixture
def rate(price):
    """USD per million input tokens, or None."""

    def rate(provider, model, at=NOW, **more):
        cost = price(provider, model, at=at, **more).cost
        return None if cost is None else cost * 1000

    return rate


def test_the_price_in_force_at_the_time_of_the_call_holds(rate):
    cut = datetime(2026, 7, 30, tzinfo=UTC)
    assert rate("openai", "gpt-5.6-terra", at=cut - timedelta(seconds=1)) == Decimal("2.5")
    assert rate("openai", "gpt-5.6-terra", at=cut) == 2


def test_prices_announced_for_the_future_are_known(rate):
    assert rate("google", "gemini-3.8-flash", at=datetime(2026, 12, 31, tzinfo=UTC)) == Decimal("0.75")
    assert rate("google", "gemini-3.8-flash", at=datetime(2027, 1, 1, tzinfo=UTC)) == Decimal("1.5")


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


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-05T00:59:59", "0.15"), ("2026-11-05T01:00:00", "0.3"), ("2026-11-05T03:59:59", "0.3"),
        ("2026-11-05T04:00:00", "0.15"), ("2026-11-05T06:00:00", "0.3"), ("2026-11-05T10:00:00", "0.15"),
        ("2026-11-07T07:00:00", "0.15"),  # Saturday
        ("2026-10-01T07:00:00", "0.15"),  # National Day
        ("2026-09-25T07:00:00", "0.15"),  # Mid-Autumn
        ("2026-08-20T07:00:00", "0.44"), ("2026-08-20T12:00:00", "0.22"), ("2026-08-14T07:00:00", "0.14"),
    ],
)  # fmt: skip
def test_deepseek_is_dearer_in_the_busy_hours_of_chinese_working_days(rate, moment, expected):
    assert rate("deepseek", "deepseek-v4-flash", at=datetime.fromisoformat(moment + "+00:00")) == Decimal(expected)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [("2025-03-01T17:00:00", "0.135"), ("2025-03-01T00:29:00", "0.135"), ("2025-03-01T12:00:00", "0.27"),
     ("2025-02-01T17:00:00", "0.27"), ("2025-09-10T17:00:00", "0.56"), ("2026-02-01T17:00:00", "0.28"),
     ("2026-11-05T07:00:00", "0.14")],
)  # fmt: skip
def test_deepseek_chat_was_cheaper_at_night_in_2025_only(rate, moment, expected):
    assert rate("deepseek", "deepseek-chat", at=datetime.fromisoformat(moment + "+00:00")) == Decimal(expected)


@pytest.mark.parametrize(
    ("provider", "model", "units", "expected"),
    [
        ("openai", "whisper-1", {"audio_second": 90}, "0.009"),
        ("groq", "whisper-large-v3", {"audio_second": 3}, "0.000308333333"),
        ("groq", "whisper-large-v3", {"seconds": 3600}, "0.111"),
        ("cohere", "rerank-v3.5", {"rerank_search": 3}, "0.006"),
        ("cohere", "rerank-v4.0-pro", {"search_units": 2}, "0.005"),
        ("mistral", "mistral-ocr-2512", {"page": 12}, "0.024"),
        ("mistral", "mistral-ocr-latest", {"pages_processed": 12}, "0.048"),
        ("openai", "tts-1", {"character": 1000}, "0.015"),
        ("openai", "gpt-5", {"web_search": 4, "file_search": 2}, "0.045"),
        ("anthropic", "claude-3-7-sonnet-20250219", {"web_searches": 1}, "0.01"),
    ],
)
def test_fees_and_media_have_their_units(book, provider, model, units, expected):
    usage = Usage(
        model=model, provider=provider, timestamp=NOW, units={name: Decimal(amount) for name, amount in units.items()}
    )
    assert book.price(usage).cost == Decimal(expected)


def test_a_fee_that_the_price_does_not_know_makes_the_call_unpriced(price):
    priced = price("groq", "llama-3.1-8b-instant", units={"web_search": Decimal(2)})
    assert priced.cost is None and priced.upper_bound > 0


def test_what_only_accompanies_the_tokens_is_not_billed(price):
    assert price("openai", "gpt-4.1", units={"image": Decimal(2), "request": Decimal(1)}).cost == Decimal("0.002")


def test_audio_is_billed_as_audio_and_cached_audio_once(price):
    assert price(
        "openai", "gpt-4o-audio-preview", 1000, 1000, audio_input_tokens=900, audio_output_tokens=1000
    ).cost == (Decimal("0.00025") + Decimal("0.036") + Decimal("0.08"))
    cached = {"cached_audio_token": Decimal(400)}
    cost = price("google", "gemini-2.5-flash", 1000, audio_input_tokens=600, cached_input_tokens=500, units=cached).cost
    # 400 cached audio, 100 cached text, 200 audio, 300 text
    assert cost == (400 * Decimal("0.1") + 100 * Decimal("0.03") + 200 + 300 * Decimal("0.3")) / M


def test_cached_audio_that_was_not_told_apart_is_billed_as_cached(price):
    cost = price("openai", "gpt-4o-realtime-preview", 1000, cached_input_tokens=800, audio_input_tokens=900).cost
    assert cost == (800 * Decimal("2.5") + 200 * 40) / M


def test_video_is_billed_as_video_where_it_has_a_price(price):
    seen = {"input_video": Decimal(400)}
    assert price("google", "gemini-3.8-live", 1000, units=seen).cost == (600 * Decimal("0.75") + 400) / M
    assert price("google", "gemini-2.5-flash", 1000, units=seen).cost == Decimal("0.0003")


def test_deep_research_bills_citations_and_searches(price):
    units = {"citation": Decimal(20016), "web_search": Decimal(18)}
    cost = price("perplexity", "sonar-deep-research", 33, 81160, reasoning_tokens=73997, units=units).cost
    assert cost == (33 * 2 + 7163 * 8 + 73997 * 3 + 20016 * 2) / Decimal(M) + Decimal("0.09")


def test_a_unit_named_like_a_token_kind_replaces_no_tokens(price):
    assert price("openai", "gpt-4.1", 1000, units={"input": Decimal(1)}).source is CostSource.UNPRICED


def test_image_tokens_have_their_prices(price):
    cost = price("openai", "gpt-image-1.5", 100, 4000, image_input_tokens=60, image_output_tokens=4000).cost
    assert cost == (40 * 5 + 60 * 8 + 4000 * 32) / Decimal(M)


def test_reasoning_is_output_unless_it_has_its_own_price(price):
    assert price("openai", "o4-mini", 0, 1000, reasoning_tokens=900).cost == Decimal("0.0044")
    assert price("perplexity", "sonar-deep-research", 0, 1000, reasoning_tokens=900).cost == Decimal("0.0035")


def test_a_written_cache_costs_the_price_of_its_life(price):
    cost = price("anthropic", "claude-opus-4-5", 1000, cache_write_tokens=300, cache_write_1h_tokens=200).cost
    assert cost == (500 * 5 + 300 * Decimal("6.25") + 200 * 10) / M


def test_parts_beyond_the_whole_are_billed_as_parts(price):
    assert price("openai", "gpt-4.1", 10, cached_input_tokens=100).cost == Decimal("0.00005")


def test_a_charge_per_request_counts_requests(price):
    assert price("perplexity", "sonar", 0, 0, requests=3).cost == Decimal("0.036")


def test_home_made_is_free_and_not_unpriced(price):
    for provider in ("ollama", "lmstudio", "vllm", "self-hosted", "llama.cpp"):
        priced = price(provider, "qwen3:8b")
        assert (priced.cost, priced.source) == (0, CostSource.FREE)
    assert price("ollama", "gpt-oss:120b-cloud").source is CostSource.UNPRICED


def test_what_the_catalogue_gives_away_is_free(price):
    priced = price("openrouter", "deepseek/deepseek-r1:free")
    assert priced.source in (CostSource.FREE, CostSource.UNPRICED)
    assert price("google", "gemma-3-27b-it").source is CostSource.FREE or price("google", "gemma-3").cost == 0


def test_what_a_maker_gives_away_is_not_free_at_another_seller(price):
    assert price("google", "gemma-3").source is CostSource.FREE
    assert price("vertex", "gemma-3").source is CostSource.UNPRICED


def test_openrouter_is_believed_and_others_are_not(price):
    charged = Decimal("0.0123456789012345")
    priced = price("openrouter", "nobody/knows", reported_cost=charged)
    assert (priced.cost, priced.source) == (Decimal("0.012345678901"), CostSource.REPORTED)
    assert price("openai", "gpt-4.1", reported_cost=charged).cost == Decimal("0.002")
    assert price("openai", "nobody-knows", reported_cost=charged).cost is None


def test_without_counts_the_usage_is_unknown(book):
    for provider, model in (("openai", "gpt-4.1"), ("openai", "nobody-knows")):
        priced = book.price(Usage(model=model, provider=provider, timestamp=NOW))
        assert (priced.cost, priced.source, priced.upper_bound) == (None, CostSource.USAGE_UNKNOWN, 0)


def test_zero_tokens_of_a_known_model_cost_nothing(price):
    assert price("openai", "gpt-4.1", 0, 0).cost == 0


def test_an_upper_bound_is_at_the_dearest_price_of_the_provider(price):
    assert price("openai", "nobody-knows", M, M).upper_bound == 750  # o1-pro
    assert price("anthropic", "nobody-knows", M, M).upper_bound == 90
    assert price("nobody", "nobody-knows", M, M).upper_bound >= 750
    fees = price("openai", "nobody-knows", 0, 0, units={"web_search": Decimal(1000)})
    assert fees.upper_bound >= 10


def test_the_cost_is_rounded_once_half_to_even(price):
    cost = price("groq", "whisper-large-v3-turbo", 0, 0, units={"audio_second": Decimal(11)}).cost
    assert cost == Decimal("0.000122222222")


def test_provider_is_inferred_where_it_is_clear(book):
    assert book.provider_of("gpt-4.1-2025-04-14") == "openai"
    assert book.provider_of("claude-haiku-4-5") == "anthropic"
    assert book.provider_of("bedrock/us.anthropic.claude-haiku-4-5-20251001-v1:0") == "bedrock"
    assert book.provider_of("voyage-3.5") == "voyageai"
    assert book.provider_of("nobody-knows") is None


def test_names_are_remembered_within_bounds(book, monkeypatch):
    monkeypatch.setattr("costwatch.pricing.compiled.RESOLVED_AT_MOST", 10)
    for number in range(50):
        book.price(Usage(model=f"m{number}", timestamp=NOW, input_tokens=1, output_tokens=1))
    assert len(book._resolved) <= 10


def test_many_are_priced_as_one_by_one(book):
    calls = [
        Usage(model="gpt-4.1", provider="openai", timestamp=NOW, input_tokens=n, output_tokens=n) for n in range(5)
    ]
    assert book.price_many(calls) == [book.price(call) for call in calls]
