"""One call told in the words of every provider: each reader finds the same counts, and each word the same cost.

The encoders here write what the providers document; they share nothing with the readers.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costwatch.pricing import readers
from costwatch.pricing.usage import Usage
from tests.pricing.small import call, one

pytestmark = pytest.mark.thorough
COUNTS = (
    "input_tokens", "output_tokens", "cached_input_tokens", "cache_write_tokens", "cache_write_1h_tokens",
    "reasoning_tokens", "audio_input_tokens", "audio_output_tokens",
)  # fmt: skip


class Told(NamedTuple):
    """What really happened; `fresh` is the prompt without anything cached or written, `text` the visible answer."""

    fresh: int
    read: int
    written: int
    written_1h: int
    text: int
    thought: int

    @property
    def prompt(self) -> int:
        return self.fresh + self.read + self.written + self.written_1h

    @property
    def answer(self) -> int:
        return self.text + self.thought


N = st.integers(0, 400_000) | st.just(0)
CALLS = st.builds(Told, N, N, N, N, N, N)


def chat(t: Told) -> dict:
    return {
        "prompt_tokens": t.prompt, "completion_tokens": t.answer, "total_tokens": t.prompt + t.answer,
        "prompt_tokens_details": {"cached_tokens": t.read, "cache_write_tokens": t.written, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": t.thought, "accepted_prediction_tokens": 0},
    }  # fmt: skip


def responses(t: Told) -> dict:
    return {
        "input_tokens": t.prompt, "output_tokens": t.answer, "total_tokens": t.prompt + t.answer,
        "input_tokens_details": {"cached_tokens": t.read, "cache_write_tokens": t.written},
        "output_tokens_details": {"reasoning_tokens": t.thought},
    }  # fmt: skip


def anthropic(t: Told) -> dict:
    return {
        "input_tokens": t.fresh, "cache_read_input_tokens": t.read,
        "cache_creation_input_tokens": t.written + t.written_1h,
        "cache_creation": {"ephemeral_5m_input_tokens": t.written, "ephemeral_1h_input_tokens": t.written_1h},
        "output_tokens": t.answer, "server_tool_use": None, "service_tier": "standard",
    }  # fmt: skip


def anthropic_stream(t: Told) -> list:
    start = {**anthropic(t), "output_tokens": 1}
    end = {"input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": t.answer}
    return [
        {"type": "message_start", "message": {"id": "msg", "usage": start}},
        {"type": "ping"},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": end},
    ]


def anthropic_report(t: Told) -> dict:
    told = anthropic(t)
    told["uncached_input_tokens"] = told.pop("input_tokens")
    return told


def gemini(t: Told) -> dict:
    return {
        "promptTokenCount": t.prompt, "cachedContentTokenCount": t.read, "candidatesTokenCount": t.text,
        "thoughtsTokenCount": t.thought, "totalTokenCount": t.prompt + t.answer,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": t.prompt}],
    }  # fmt: skip


def gemini_python(t: Told) -> dict:
    return {
        "usage_metadata": {
            "prompt_token_count": t.prompt, "cached_content_token_count": t.read, "candidates_token_count": t.text,
            "thoughts_token_count": t.thought, "total_token_count": t.prompt + t.answer,
            "prompt_tokens_details": [{"modality": "MediaModality.TEXT", "token_count": t.prompt}],
        }
    }  # fmt: skip


def gemini_proto(t: Told) -> dict:
    """64-bit numbers are text in the JSON of protocol buffers."""
    return {name: str(value) for name, value in gemini(t).items() if isinstance(value, int)}


def bedrock(t: Told) -> dict:
    return {
        "inputTokens": t.fresh, "outputTokens": t.answer, "totalTokens": t.prompt + t.answer,
        "cacheReadInputTokens": t.read, "cacheWriteInputTokens": t.written + t.written_1h,
        "cacheDetails": [{"ttl": "5m", "inputTokens": t.written}, {"ttl": "1h", "inputTokens": t.written_1h}],
    }  # fmt: skip


def ai_sdk(t: Told) -> dict:
    return {
        "inputTokens": t.prompt, "outputTokens": t.answer, "totalTokens": t.prompt + t.answer,
        "cachedInputTokens": t.read, "reasoningTokens": t.thought,
        "inputTokenDetails": {"cacheReadTokens": t.read, "cacheWriteTokens": t.written},
    }  # fmt: skip


def xai(t: Told) -> dict:
    return {
        "prompt_tokens": t.prompt, "completion_tokens": t.text, "total_tokens": t.prompt + t.answer,
        "prompt_tokens_details": {"text_tokens": t.prompt, "cached_tokens": t.read, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": t.thought},
    }  # fmt: skip


def deepseek(t: Told) -> dict:
    return {
        "prompt_tokens": t.prompt, "completion_tokens": t.answer, "total_tokens": t.prompt + t.answer,
        "prompt_cache_hit_tokens": t.read, "prompt_cache_miss_tokens": t.prompt - t.read,
        "completion_tokens_details": {"reasoning_tokens": t.thought},
    }  # fmt: skip


def otel(t: Told) -> dict:
    return {
        "gen_ai.usage.input_tokens": t.prompt, "gen_ai.usage.output_tokens": t.answer,
        "gen_ai.usage.cache_read.input_tokens": t.read,
        "gen_ai.usage.cache_creation.input_tokens": t.written + t.written_1h,
        "gen_ai.usage.cache_creation.ephemeral_1h_input_tokens": t.written_1h,
        "gen_ai.usage.reasoning.output_tokens": t.thought,
    }  # fmt: skip


def litellm(t: Told) -> dict:
    """LiteLLM's words for an Anthropic model: the cache inside the prompt, and told again beside it."""
    return {
        "prompt_tokens": t.prompt, "completion_tokens": t.answer, "total_tokens": t.prompt + t.answer,
        "prompt_tokens_details": {"cached_tokens": t.read, "cache_creation_tokens": t.written + t.written_1h,
                                  "cache_creation_token_details": {"ephemeral_5m_input_tokens": t.written,
                                                                   "ephemeral_1h_input_tokens": t.written_1h}},
        "cache_read_input_tokens": t.read, "cache_creation_input_tokens": t.written + t.written_1h,
    }  # fmt: skip


def langchain(t: Told) -> dict:
    return {
        "input_tokens": t.prompt, "output_tokens": t.answer, "total_tokens": t.prompt + t.answer,
        "input_token_details": {"cache_read": t.read, "cache_creation": t.written},
        "output_token_details": {"reasoning": t.thought},
    }  # fmt: skip


def bucket(t: Told) -> dict:
    return {
        "input_tokens": t.prompt, "input_cached_tokens": t.read, "output_tokens": t.answer, "num_model_requests": 1,
        "input_audio_tokens": 0, "output_audio_tokens": 0, "batch": False,
    }  # fmt: skip


ALL = frozenset({"read", "written", "written_1h", "thought"})
# encoder, name of the shape, provider, what the words can tell
WORDS = [
    (chat, "openai.chat", "openai", ALL - {"written_1h"}),
    (responses, "openai.responses", "openai", ALL - {"written_1h"}),
    (anthropic, "anthropic.messages", "anthropic", ALL - {"thought"}),
    (anthropic_stream, "anthropic.messages", "anthropic", ALL - {"thought"}),
    (anthropic_report, "anthropic.messages", "anthropic", ALL - {"thought"}),
    (gemini, "gemini", "google", {"read", "thought"}),
    (gemini_python, "gemini", "vertex", {"read", "thought"}),
    (gemini_proto, "gemini", "google", {"read", "thought"}),
    (bedrock, "bedrock.converse", "bedrock", ALL - {"thought"}),
    (ai_sdk, "ai_sdk", "openai", ALL - {"written_1h"}),
    (xai, "xai", "xai", {"read", "thought"}),
    (deepseek, "deepseek", "deepseek", {"read", "thought"}),
    (otel, "otel", "openai", ALL),
    (litellm, "openai.chat", "anthropic", ALL - {"thought"}),
    (langchain, "openai.responses", "openai", ALL - {"written_1h"}),
    (bucket, "openai.usage_bucket", "openai", {"read"}),
    (chat, "mistral", "mistral", ALL - {"written_1h"}),
    (chat, "groq", "groq", ALL - {"written_1h"}),
    (chat, "openrouter", "openrouter", ALL - {"written_1h"}),
]
IDS = [f"{encode.__name__}-{name}" for encode, name, _, _ in WORDS]


def tellable(t: Told, what: frozenset[str]) -> Told:
    """The call without what these words cannot tell apart: it happened as plain prompt or answer."""
    fresh, text = t.fresh, t.text
    for name in ("read", "written", "written_1h"):
        if name not in what:
            fresh += getattr(t, name)
            t = t._replace(**{name: 0})
    if "thought" not in what:
        text, t = text + t.thought, t._replace(thought=0)
    return t._replace(fresh=fresh, text=text)


def counted(reading) -> dict[str, int]:
    return {name: getattr(reading, name) or 0 for name in COUNTS}


def as_usage(counts: dict[str, int]) -> Usage:
    return call(counts["input_tokens"], counts["output_tokens"], timestamp=datetime(2026, 11, 18, tzinfo=UTC),
                **{name: counts[name] for name in COUNTS[2:6]})  # fmt: skip


PRICES = one(input=1, output=100, cache_read="0.1", cache_write_5m="1.25", cache_write_1h=2, reasoning=300)


@pytest.mark.parametrize(("encode", "name", "provider", "what"), WORDS, ids=IDS)
@settings(max_examples=30)
@given(told=CALLS)
def test_every_provider_is_understood_to_the_token_and_to_the_cent(encode, name, provider, what, told):
    t = tellable(told, what)
    reading = readers.read(name, provider, "m", encode(t))
    counts = counted(reading)
    assert counts == {
        "input_tokens": t.prompt, "output_tokens": t.answer, "cached_input_tokens": t.read,
        "cache_write_tokens": t.written, "cache_write_1h_tokens": t.written_1h, "reasoning_tokens": t.thought,
        "audio_input_tokens": 0, "audio_output_tokens": 0,
    }  # fmt: skip
    assert not reading.inconsistent
    cents = t.fresh * 1 + t.read * Decimal("0.1") + t.written * Decimal("1.25") + t.written_1h * 2
    assert PRICES.price(as_usage(counts)).cost == (cents + t.text * 100 + t.thought * 300) / 10**6


@pytest.mark.parametrize(("encode", "name", "provider", "what"), WORDS, ids=IDS)
@settings(max_examples=20)
@given(told=CALLS)
def test_without_a_name_the_keys_tell_what_it_is(encode, name, provider, what, told):
    raw = encode(tellable(told, what))
    assert readers.read(None, provider, "m", raw) == readers.read(name, provider, "m", raw)


@pytest.mark.parametrize(("encode", "name", "provider", "what"), WORDS, ids=IDS)
@settings(max_examples=10)
@given(told=CALLS, wrapper=st.sampled_from(["usage", "usageMetadata", "usage_metadata", "response", "message"]))
def test_a_whole_answer_may_be_sent_instead_of_its_usage(encode, name, provider, what, told, wrapper):
    raw = encode(tellable(told, what))
    if isinstance(raw, dict) and encode is not otel:
        whole = {"id": "x", "object": "answer", wrapper: raw}
        assert readers.read(name, provider, "m", whole) == readers.read(name, provider, "m", raw)
