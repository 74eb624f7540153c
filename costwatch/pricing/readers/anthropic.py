"""Anthropic messages: the cache is OUTSIDE input_tokens; a stream brings two objects, the second one completes."""

from collections.abc import Iterable, Mapping
from typing import Any

from costwatch.pricing.readers.reading import Raw, Reading, add, count, nested, text, units

_GROWING = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


def messages(raw: Raw, provider: str | None = None) -> Reading:
    """A whole answer's usage, or a row of the admin usage report (`uncached_input_tokens`)."""
    read = count(raw, "cache_read_input_tokens")
    short, long = _written(raw)
    tools = nested(raw, "server_tool_use")
    fast = raw.get("speed") == "fast"
    reading = Reading(
        input_tokens=_prompt(raw, add(read, short, long)),
        output_tokens=count(raw, "output_tokens"),
        cached_input_tokens=read,
        cache_write_tokens=short,
        cache_write_1h_tokens=long,
        units=units(web_search=count(tools, "web_search_requests")),
        service_tier="fast" if fast else text(raw, "service_tier"),
        region=text(raw, "inference_geo"),
    )
    thought = count(nested(raw, "output_tokens_details"), "reasoning_tokens", "thinking_tokens")
    reading.reasoning_tokens = thought
    for extra in _compactions(raw):
        _join(reading, messages(extra))
    return reading


def _prompt(raw: Raw, cache: int | None) -> int | None:
    """All of the prompt. A total that leaves no room for the cache tells of a sender who counted it in already."""
    plain, total = count(raw, "input_tokens", "uncached_input_tokens"), count(raw, "total_tokens")
    inside = plain is not None and total == plain + (count(raw, "output_tokens") or 0) and (cache or 0) <= plain
    return plain if inside else add(plain, cache)


def _written(raw: Raw) -> tuple[int | None, int | None]:
    """(5 minutes, 1 hour). Old answers lack the split: then all is of the 5-minute kind."""
    total, split = count(raw, "cache_creation_input_tokens"), nested(raw, "cache_creation")
    short, long = count(split, "ephemeral_5m_input_tokens"), count(split, "ephemeral_1h_input_tokens")
    if short is None and long is None:
        return total, None
    rest = (total or 0) - (short or 0) - (long or 0)
    return (short or 0) + max(rest, 0), long or 0


def _compactions(raw: Raw) -> Iterable[Raw]:
    """Summaries made on the way are billed but left out of the top-level counts."""
    rounds = raw.get("iterations")
    if isinstance(rounds, list):
        yield from (each for each in rounds if isinstance(each, Mapping) and each.get("type") == "compaction")


def _join(reading: Reading, extra: Reading) -> None:
    for name in ("input_tokens", "output_tokens", "cached_input_tokens", "cache_write_tokens", "cache_write_1h_tokens"):
        setattr(reading, name, add(getattr(reading, name), getattr(extra, name)))


def merged(pieces: Iterable[Raw]) -> dict[str, Any]:
    """message_start's usage completed by message_delta's: the later value counts, but a prompt never shrinks."""
    whole: dict[str, Any] = {}
    for piece in pieces:
        for name, value in piece.items():
            if value is None or (name in _GROWING and not value and whole.get(name)):
                continue
            whole[name] = value
    return whole
