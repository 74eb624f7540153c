"""OpenTelemetry's gen_ai.usage.* attributes: the cache INSIDE the input, though many senders still leave it out."""

from costwatch.pricing.readers.reading import Raw, Reading, add, count

_PREFIXES = ("gen_ai.usage.", "details.")


def attributes(raw: Raw, provider: str | None = None) -> Reading:
    """Current and older names, and the `details.` of pydantic-ai."""
    plain = {_short(name): value for name, value in raw.items() if value is not None}
    read = count(plain, "cache_read.input_tokens", "cache_read_input_tokens", "cache_read_tokens", "cached_tokens",
                 "input_tokens.cached", "cached_input_tokens", "prompt_tokens_details.cached_tokens")  # fmt: skip
    written = count(plain, "cache_creation.input_tokens", "cache_creation_input_tokens", "cache_write_tokens",
                    "cache_write.input_tokens", "cache_creation_tokens")  # fmt: skip
    tokens = count(plain, "input_tokens", "prompt_tokens")
    cache = add(read, written) or 0
    if tokens is not None and tokens < cache:
        tokens += cache  # the sender counts as Anthropic does
    long = count(plain, "cache_creation.ephemeral_1h_input_tokens", "cache_creation_ephemeral_1h_input_tokens")
    return Reading(
        input_tokens=tokens,
        output_tokens=count(plain, "output_tokens", "completion_tokens"),
        cached_input_tokens=read,
        cache_write_tokens=written - (long or 0) if written is not None and written >= (long or 0) else written,
        cache_write_1h_tokens=long,
        reasoning_tokens=count(plain, "reasoning.output_tokens", "reasoning_tokens", "output_tokens.reasoning",
                               "reasoning_output_tokens", "completion_tokens_details.reasoning_tokens"),
        audio_input_tokens=count(plain, "input_audio_tokens", "audio.input_tokens"),
        audio_output_tokens=count(plain, "output_audio_tokens", "audio.output_tokens"),
    )  # fmt: skip


def _short(name: str) -> str:
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name
