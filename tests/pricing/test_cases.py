"""The 44 development cases: what providers send, to the last of 12 decimals."""

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from costwatch.pricing import readers
from costwatch.pricing.names import canonical_provider
from costwatch.pricing.usage import CostSource, Usage

CASES = [json.loads(line) for line in (Path(__file__).parent.parent / "data" / "prices.jsonl").open()]
COUNTS = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cached_input_tokens": "cached_input_tokens",
    "cache_write_tokens": "cache_write_5m_tokens",
    "cache_write_1h_tokens": "cache_write_1h_tokens",
    "reasoning_tokens": "reasoning_tokens",
    "audio_input_tokens": "input_audio_tokens",
    "audio_output_tokens": "output_audio_tokens",
    "image_input_tokens": "input_image_tokens",
    "image_output_tokens": "output_image_tokens",
}
CHAT_API = {
    "openai": "openai.chat", "azure": "openai.chat", "anthropic": "openai.chat", "deepseek": "deepseek",
    "mistral": "mistral", "groq": "groq", "xai": "xai", "cohere": "cohere", "openrouter": "openrouter",
    "ollama": "ollama",
}  # fmt: skip
OTHER_API = {
    "responses": "openai.responses", "messages": "anthropic.messages", "messages_stream": "anthropic.messages",
    "generateContent": "gemini", "converse": "bedrock.converse", "otel": "otel", "images": "openai.images",
    "transcription": "openai.transcription", "usage_bucket": "openai.usage_bucket",
}  # fmt: skip


def usage_of(case: dict, api: str | None) -> Usage:
    """The usage that the edge makes of a case."""
    context, provider = case["context"], canonical_provider(case["provider"])
    reading = readers.read(api, provider, case["model"], case["raw_usage"])
    assert not reading.inconsistent
    return Usage(
        model=case["model"],
        provider=provider,
        timestamp=datetime.fromisoformat(case["at"]),
        **{name: getattr(reading, name) for name in COUNTS},
        units=reading.units,
        batch=context.get("processing") == "batch",
        service_tier=context.get("service_tier") or reading.service_tier,
        region=context.get("region") or reading.region,
        requests=reading.requests or 1,
        reported_cost=reading.reported_cost,
    )


def api_of(case: dict) -> str | None:
    return CHAT_API.get(case["provider"]) if case["api"] == "chat" else OTHER_API.get(case["api"])


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_a_development_case_costs_exactly_what_it_should(book, case):
    priced = book.price(usage_of(case, api_of(case)))
    expected = case["expected_cost_usd"]
    assert priced.cost == (None if expected is None else Decimal(expected))
    assert (priced.cost is None) == (priced.source is CostSource.UNPRICED)


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_a_development_case_is_counted_as_it_should_be(case):
    usage = usage_of(case, api_of(case))
    assert {ours: getattr(usage, ours) or 0 for ours in COUNTS} == {
        ours: case["normalised"][theirs] for ours, theirs in COUNTS.items()
    }


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_the_shape_is_found_by_its_keys_when_it_has_no_name(case):
    assert usage_of(case, None) == usage_of(case, api_of(case))


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_the_parts_explain_the_cost(book, case):
    usage = usage_of(case, api_of(case))
    priced = book.price(usage)
    parts = book.parts(usage, priced)
    assert sum(part.cost for part in parts) == (priced.cost or 0)
    found = {(Decimal(part.tokens), part.unit_price / part.per) for part in parts}
    named = {(Decimal(q), Decimal(price) / Decimal(per)) for _, q, price, per in case["price_components"]}
    assert found == (named if priced.cost else set())
