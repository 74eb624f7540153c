"""What a call costs beside text: fees, audio, video, images, reasoning, caches and requests."""

from decimal import Decimal

import pytest

from costwatch.pricing.usage import CostSource, Usage
from tests.pricing.conftest import CALLED

M = 1_000_000


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
        model=model,
        provider=provider,
        timestamp=CALLED,
        units={name: Decimal(amount) for name, amount in units.items()},
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
