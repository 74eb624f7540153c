"""Reads the usage objects of providers into the normal form. Pure; one file per provider, one line here per shape.

The name of a shape is believed as long as the keys fit it: an Anthropic model behind an OpenAI-like gateway is read by
its keys. Counts are never clamped; parts that are more than the whole are marked.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from costwatch.pricing.readers import (
    anthropic,
    bedrock,
    cohere,
    deepseek,
    gemini,
    mistral,
    ollama,
    openai,
    openrouter,
    otel,
    perplexity,
    voyage,
    xai,
)
from costwatch.pricing.readers.reading import BadUsage, Raw, Reading, amount, checked, nested

__all__ = ["SHAPES", "BadUsage", "Reading", "read", "shape"]


class Shape(NamedTuple):
    """A reader, and the keys of which at least one must be there for it."""

    read: Callable[[Raw, str | None], Reading]
    keys: frozenset[str]


_CHAT = frozenset({"prompt_tokens", "completion_tokens", "prompt_tokens_details", "completion_tokens_details"})
_RESPONSES = frozenset({"input_tokens", "output_tokens"})
_SECONDS = frozenset({"seconds", "duration"})
_CACHE = frozenset({"cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation", "server_tool_use"})
_GEMINI = frozenset(
    {
        "promptTokenCount", "candidatesTokenCount", "totalTokenCount", "thoughtsTokenCount", "responseTokenCount",
        "prompt_token_count", "candidates_token_count", "total_token_count", "total_input_tokens",
        "token_count", "tokenCount",
    }
)  # fmt: skip
_BEDROCK = frozenset({"inputTokens", "outputTokens", "cacheReadInputTokens", "inputTokenCount", "inputTextTokenCount"})
_AI_SDK = frozenset({"cachedInputTokens", "reasoningTokens", "inputTokenDetails", "promptTokens", "completionTokens"})

SHAPES: dict[str, Shape] = {
    "openai.chat": Shape(openai.chat, _CHAT),
    "openai.responses": Shape(openai.responses, _RESPONSES),
    "openai.embeddings": Shape(openai.embeddings, frozenset({"prompt_tokens", "total_tokens", "input_tokens"})),
    "openai.transcription": Shape(openai.transcription, _RESPONSES | _SECONDS),
    "openai.images": Shape(openai.images, _RESPONSES),
    "openai.usage_bucket": Shape(openai.usage_bucket, frozenset({"num_model_requests", "input_tokens"})),
    "anthropic.messages": Shape(anthropic.messages, _RESPONSES | _CACHE | {"uncached_input_tokens"}),
    "gemini": Shape(gemini.generate_content, _GEMINI),
    "bedrock.converse": Shape(bedrock.converse, _BEDROCK),
    "ai_sdk": Shape(bedrock.ai_sdk, _AI_SDK | {"inputTokens", "outputTokens"}),
    "mistral": Shape(mistral.read, _CHAT | {"pages_processed", "prompt_audio_seconds"}),
    "deepseek": Shape(deepseek.read, _CHAT | {"prompt_cache_hit_tokens", "prompt_cache_miss_tokens"}),
    "cohere": Shape(cohere.read, frozenset({"billed_units", "tokens", "meta", "search_units"})),
    "xai": Shape(xai.read, _CHAT | _RESPONSES),
    "groq": Shape(openai.chat, _CHAT),
    "ollama": Shape(ollama.read, frozenset({"prompt_eval_count", "eval_count"})),
    "openrouter": Shape(openrouter.read, _CHAT),
    "perplexity": Shape(perplexity.read, _CHAT),
    "voyage": Shape(voyage.read, frozenset({"total_tokens"})),
    "otel": Shape(otel.attributes, frozenset()),
}
# by its keys: the first shape of which a telling key is there
_TELLING: tuple[tuple[str, frozenset[str]], ...] = (
    ("openai.usage_bucket", frozenset({"num_model_requests"})),
    ("gemini", _GEMINI),
    ("ollama", SHAPES["ollama"].keys),
    ("cohere", frozenset({"billed_units", "search_units", "meta"})),
    ("ai_sdk", _AI_SDK),
    ("bedrock.converse", _BEDROCK),
    ("mistral", frozenset({"pages_processed", "prompt_audio_seconds"})),
    ("deepseek", frozenset({"prompt_cache_hit_tokens", "prompt_cache_miss_tokens"})),
    ("perplexity", frozenset({"citation_tokens", "num_search_queries"})),
    ("openai.chat", _CHAT),
    ("anthropic.messages", _CACHE | {"uncached_input_tokens", "inference_geo", "speed"}),
    ("openai.responses", _RESPONSES),
    ("openai.transcription", _SECONDS),
    ("voyage", frozenset({"total_tokens"})),
)
# what the provider calls its own way, where the keys are the common ones
_OWN = {name: name for name in ("xai", "openrouter", "mistral", "deepseek", "groq", "perplexity")}
# the same client sends the same keys again and again
SEEN_AT_MOST = 5_000
_seen: dict[tuple[str | None, ...], str | None] = {}
_WRAPPERS = ("usage", "usageMetadata", "usage_metadata", "usage_info", "message", "response", "statistics", "x_groq")
_WRAPPED = frozenset(_WRAPPERS)


def read(api: str | None, provider: str | None, model: str, raw: Raw | Sequence[Any]) -> Reading:
    """The counts of a usage object (or of the several of a stream) as the provider sent it.

    `api` names the shape (API.md §3), None = by its keys. Raises BadUsage for a number that is no count; an object
    without any known key gives an empty Reading.
    """
    usage = _one(raw)
    name = shape(api, provider, usage)
    if name is None:
        return Reading()
    reading = SHAPES[name].read(usage, provider)
    if reading.reported_cost is None:
        reading.reported_cost = _charge(usage)
    return checked(reading)


def shape(api: str | None, provider: str | None, usage: Raw) -> str | None:
    """The name of the shape that an object is read as; None when no key is known."""
    seen = (api, provider, *usage)
    try:
        return _seen[seen]
    except KeyError:
        if len(_seen) >= SEEN_AT_MOST:
            _seen.clear()
        name = _seen[seen] = _shape(api, provider, usage)
        return name


def _shape(api: str | None, provider: str | None, usage: Raw) -> str | None:
    keys = usage.keys()
    if any(key.startswith("gen_ai.") for key in keys):
        return "otel"
    named = (api or "").strip().lower()
    telling = next((name for name, marks in _TELLING if not marks.isdisjoint(keys)), None)
    if named == "otel" and telling in (None, "openai.chat", "openai.responses", "anthropic.messages"):
        return "otel"
    if named in SHAPES and _fits(named, telling, usage):
        return named
    if telling == "openai.chat" or (telling == "openai.responses" and provider == "xai"):
        return _OWN.get(provider or "", telling)
    return telling


def _fits(named: str, telling: str | None, usage: Raw) -> bool:
    """Whether the keys allow the name. Telling keys of another family overrule it."""
    if SHAPES[named].keys.isdisjoint(usage.keys()):
        return False
    if telling == "anthropic.messages":
        return named == "anthropic.messages"
    if telling in ("gemini", "ollama", "cohere", "openai.usage_bucket"):
        return named == telling
    if telling == "ai_sdk":
        return named == "ai_sdk"
    return True


def _one(raw: Raw | Sequence[Any]) -> Raw:
    """One object: unwrapped from an answer, put together from the events of a stream."""
    if isinstance(raw, Mapping):
        if "message_start" in raw and "message_delta" in raw:
            return _one([raw["message_start"], raw["message_delta"]])
        return _unwrapped(raw)
    return anthropic.merged(_unwrapped(piece) for piece in raw if isinstance(piece, dict))


def _unwrapped(raw: Raw) -> Raw:
    if _WRAPPED.isdisjoint(raw):
        return raw
    for name in _WRAPPERS:
        inner = raw.get(name)
        if isinstance(inner, dict):
            outer = {key: raw[key] for key in ("service_tier", "speed") if isinstance(raw.get(key), str)}
            return {**outer, **_unwrapped(inner)}
    return raw


def _charge(usage: Raw) -> Any:
    """What others than OpenRouter say that they charged (Perplexity: cost.total_cost)."""
    cost = usage.get("cost")
    if cost is None:
        return None
    if isinstance(cost, dict):
        return amount(nested(usage, "cost"), "total_cost")
    return openrouter.charged(usage) if isinstance(cost, (int, float)) and not isinstance(cost, bool) else None
