"""Amazon Bedrock Converse: the cache is OUTSIDE inputTokens (totalTokens includes it)."""

from collections.abc import Mapping

from costwatch.pricing.readers.reading import Raw, Reading, add, count, nested, text, units


def converse(raw: Raw, provider: str | None = None) -> Reading:
    """Converse, and InvokeModel of Nova and Titan."""
    read = count(raw, "cacheReadInputTokens", "cacheReadInputTokenCount")
    short, long = _written(raw)
    tools = nested(raw, "serverToolUsage")
    return Reading(
        input_tokens=add(count(raw, "inputTokens", "inputTokenCount", "inputTextTokenCount"), read, short, long),
        output_tokens=count(raw, "outputTokens", "outputTokenCount"),
        cached_input_tokens=read,
        cache_write_tokens=short,
        cache_write_1h_tokens=long,
        units=units(web_search=count(tools, "webSearchRequests")),
        service_tier=text(raw, "serviceTier") or text(nested(raw, "serviceTier"), "type"),
    )


def _written(raw: Raw) -> tuple[int | None, int | None]:
    """(5 minutes, 1 hour); cacheDetails splits the total by time to live."""
    total = count(raw, "cacheWriteInputTokens", "cacheWriteInputTokenCount")
    details = raw.get("cacheDetails")
    if not isinstance(details, list):
        return total, None
    by_life = {"5m": 0, "1h": 0}
    for row in details:
        if isinstance(row, Mapping) and row.get("ttl") in by_life:
            by_life[row["ttl"]] += count(row, "inputTokens") or 0
    rest = (total or 0) - sum(by_life.values())
    return by_life["5m"] + max(rest, 0), by_life["1h"]


def ai_sdk(raw: Raw, provider: str | None = None) -> Reading:
    """The Vercel AI SDK writes the same camel-case names, but with the cache and the reasoning inside."""
    split, made = nested(raw, "inputTokenDetails"), nested(raw, "outputTokenDetails")
    return Reading(
        input_tokens=count(raw, "inputTokens", "promptTokens"),
        output_tokens=count(raw, "outputTokens", "completionTokens"),
        cached_input_tokens=count(raw, "cachedInputTokens") or count(split, "cacheReadTokens"),
        cache_write_tokens=count(split, "cacheWriteTokens"),
        reasoning_tokens=count(raw, "reasoningTokens") or count(made, "reasoningTokens"),
    )
