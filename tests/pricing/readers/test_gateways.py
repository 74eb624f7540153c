"""Usage of gateways, clouds and telemetry: Bedrock, OpenRouter, the Vercel SDK, OpenTelemetry."""

from decimal import Decimal

import pytest

from costwatch.pricing import readers
from tests.pricing.readers.told import counts


def test_bedrock_converse_has_the_cache_outside():
    raw = {"inputTokens": 12, "outputTokens": 80, "totalTokens": 9792, "cacheReadInputTokens": 9000,
           "cacheWriteInputTokens": 700, "cacheDetails": [{"ttl": "1h", "inputTokens": 600}]}  # fmt: skip
    assert counts("bedrock.converse", raw) == {
        "input": 9712, "output": 80, "cached_input": 9000, "cache_write": 100, "cache_write_1h": 600,
    }  # fmt: skip


def test_the_vercel_sdk_has_the_same_names_but_the_cache_inside():
    raw = {"inputTokens": 100, "outputTokens": 50, "totalTokens": 150, "cachedInputTokens": 40, "reasoningTokens": 30}
    assert counts(None, raw) == {"input": 100, "output": 50, "cached_input": 40, "reasoning": 30}


@pytest.mark.parametrize(
    ("extra", "cost"),
    [
        ({"cost": 0.01}, "0.01"),
        ({"cost": 0.0005, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.0100}}, "0.0105"),
        ({"cost": 0.01, "is_byok": False, "cost_details": {"upstream_inference_cost": 0.01}}, "0.01"),
        ({"cost": 0.01, "cost_details": {"upstream_inference_cost": None}}, "0.01"),
        ({"cost": 0, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.02}}, "0.02"),
    ],
)
def test_openrouter_tells_what_it_charged(extra, cost):
    raw = {"prompt_tokens": 1, "completion_tokens": 1} | extra
    assert readers.read("openrouter", "openrouter", "m", raw).reported_cost == Decimal(cost)
    assert readers.read(None, "openrouter", "m", raw).reported_cost == Decimal(cost)


def test_telemetry_has_the_cache_inside_unless_it_does_not_fit():
    inside = {"gen_ai.usage.input_tokens": 3000, "gen_ai.usage.cache_read.input_tokens": 2048}
    assert counts("otel", inside) == {"input": 3000, "cached_input": 2048}
    outside = inside | {"gen_ai.usage.input_tokens": 10, "gen_ai.usage.cache_creation.input_tokens": 5}
    assert counts(None, outside) == {"input": 2063, "cached_input": 2048, "cache_write": 5}
    older = {"gen_ai.usage.prompt_tokens": 4, "gen_ai.usage.completion_tokens": 5,
             "gen_ai.usage.details.reasoning_tokens": 2}  # fmt: skip
    assert counts(None, older) == {"input": 4, "output": 5, "reasoning": 2}


@pytest.mark.parametrize(
    ("raw", "whole"),
    [
        ({"prompt_tokens": 24109, "completion_tokens": 1, "cache_read_input_tokens": 23000}, 24109),
        ({"prompt_tokens": 9, "completion_tokens": 1, "cache_read_input_tokens": 23000}, 23009),
        ({"prompt_tokens": 500, "completion_tokens": 1, "total_tokens": 601, "cache_read_input_tokens": 100}, 600),
        ({"prompt_tokens": 500, "completion_tokens": 1, "total_tokens": 501, "cache_read_input_tokens": 100}, 500),
    ],
)
def test_a_gateways_total_tells_whether_the_cache_is_inside(raw, whole):
    assert counts("openai.chat", raw, "anthropic")["input"] == whole
