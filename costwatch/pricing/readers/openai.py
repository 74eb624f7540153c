"""OpenAI's shapes: chat completions, responses (and realtime), embeddings, transcription, images, usage buckets.

Everything is inside: cached and written tokens in the prompt, reasoning in the completion. Details may be null.
"""

from decimal import Decimal

from costwatch.pricing.readers.reading import Raw, Reading, add, amount, count, nested, text, units


def chat(raw: Raw, provider: str | None = None) -> Reading:
    """Chat completions, and the many that speak its language (LiteLLM's additions included)."""
    details = nested(raw, "prompt_tokens_details", "input_tokens_details", "prompt_token_details")
    made = nested(raw, "completion_tokens_details", "output_tokens_details", "completion_token_details")
    reading = Reading(
        input_tokens=count(raw, "prompt_tokens", "input_tokens"),
        output_tokens=count(raw, "completion_tokens", "output_tokens"),
        cached_input_tokens=_cached(raw, details),
        reasoning_tokens=count(made, "reasoning_tokens") or count(raw, "reasoning_tokens"),
        audio_input_tokens=count(details, "audio_tokens"),
        image_input_tokens=count(details, "image_tokens"),
        audio_output_tokens=count(made, "audio_tokens"),
        image_output_tokens=count(made, "image_tokens"),
        units=_cached_media(details),
        service_tier=text(raw, "service_tier"),
    )
    _writes(reading, raw, details)
    if provider != "xai":  # there it is the reasoning that the total adds
        _outside_cache(reading, raw)
    _outside_reasoning(reading, raw, provider)
    return reading


def _cached(raw: Raw, details: Raw) -> int | None:
    inside = count(details, "cached_tokens", "cache_read_tokens", "cache_read_input_tokens", "cache_read")
    beside = count(raw, "cache_read_input_tokens", "cached_tokens", "num_cached_tokens")
    return inside or beside or (inside if inside is not None else beside)


def _writes(reading: Reading, raw: Raw, details: Raw) -> None:
    split = nested(details, "cache_creation_token_details") or nested(raw, "cache_creation")
    written = count(
        details, "cache_write_tokens", "cache_creation_tokens", "cache_creation_input_tokens", "cache_creation"
    )
    written = written or count(raw, "cache_creation_input_tokens", "cache_write_tokens")
    long = count(split, "ephemeral_1h_input_tokens") or 0
    if written is not None:
        reading.cache_write_tokens = max(written - long, 0)
    if long:
        reading.cache_write_1h_tokens = long


def _outside_cache(reading: Reading, raw: Raw) -> None:
    """Some gateways pass an Anthropic model's counts on under OpenAI's names: then the cache is outside the prompt."""
    cache = add(reading.cached_input_tokens, reading.cache_write_tokens, reading.cache_write_1h_tokens)
    prompt, made, total = reading.input_tokens, reading.output_tokens or 0, count(raw, "total_tokens")
    if not cache or prompt is None or total == prompt + made:
        return
    foreign = "cache_read_input_tokens" in raw or "cache_creation_input_tokens" in raw
    if total == prompt + made + cache or (foreign and cache > prompt):
        reading.input_tokens = prompt + cache


def _outside_reasoning(reading: Reading, raw: Raw, provider: str | None) -> None:
    """The total tells whether the reasoning is inside the completion; at xAI it is outside."""
    prompt, made = reading.input_tokens, reading.output_tokens
    thought, total = reading.reasoning_tokens or 0, count(raw, "total_tokens")
    if prompt is None or made is None:
        return
    if thought and (total == prompt + made + thought or (total is None and provider == "xai")):
        reading.output_tokens = made + thought
    elif provider in ("google", "vertex") and total is not None and total > prompt + made:
        # Google's OpenAI-like answers count thoughts in the total only
        reading.output_tokens = total - prompt
        reading.reasoning_tokens = total - prompt - made


def _cached_media(details: Raw) -> dict[str, Decimal] | None:
    split = nested(details, "cached_tokens_details")
    if not split:
        return None
    return units(cached_audio_token=count(split, "audio_tokens"), cached_image_token=count(split, "image_tokens"))


def responses(raw: Raw, provider: str | None = None) -> Reading:
    """The Responses API, the Realtime API, token-billed transcription, and LangChain's usage_metadata."""
    details = nested(raw, "input_tokens_details", "input_token_details", "prompt_tokens_details")
    made = nested(raw, "output_tokens_details", "output_token_details", "completion_tokens_details")
    reading = Reading(
        input_tokens=count(raw, "input_tokens", "prompt_tokens"),
        output_tokens=count(raw, "output_tokens", "completion_tokens"),
        cached_input_tokens=_cached(raw, details),
        reasoning_tokens=count(made, "reasoning_tokens", "reasoning"),
        audio_input_tokens=count(details, "audio_tokens", "audio"),
        image_input_tokens=count(details, "image_tokens"),
        audio_output_tokens=count(made, "audio_tokens"),
        image_output_tokens=count(made, "image_tokens"),
        units=_cached_media(details),
        service_tier=text(raw, "service_tier"),
    )
    _writes(reading, raw, details)
    return reading


def embeddings(raw: Raw, provider: str | None = None) -> Reading:
    """`total_tokens` repeats the prompt."""
    return Reading(input_tokens=count(raw, "prompt_tokens", "input_tokens", "total_tokens"))


def transcription(raw: Raw, provider: str | None = None) -> Reading:
    """Seconds of audio (`type: duration`), or tokens."""
    seconds = amount(raw, "seconds", "duration", "audio_seconds")
    if seconds is not None and "input_tokens" not in raw:
        return Reading(units={"audio_second": seconds})
    return responses(raw, provider)


def images(raw: Raw, provider: str | None = None) -> Reading:
    """Image generation: without details everything generated is image."""
    reading = responses(raw, provider)
    if not nested(raw, "output_tokens_details", "output_token_details"):
        reading.image_output_tokens = reading.output_tokens
    return reading


def usage_bucket(raw: Raw, provider: str | None = None) -> Reading:
    """A row of the admin usage API: the SUM over `num_model_requests`. Its input counts text, audio is beside it."""
    heard, spoken = count(raw, "input_audio_tokens"), count(raw, "output_audio_tokens")
    batch = raw.get("batch")
    return Reading(
        input_tokens=add(count(raw, "input_tokens"), heard),
        output_tokens=add(count(raw, "output_tokens"), spoken),
        cached_input_tokens=count(raw, "input_cached_tokens"),
        audio_input_tokens=heard,
        audio_output_tokens=spoken,
        units=units(
            audio_second=amount(raw, "seconds"), character=count(raw, "characters"), image=count(raw, "images")
        ),
        requests=count(raw, "num_model_requests") or None,
        service_tier=text(raw, "service_tier"),
        batch=batch if isinstance(batch, bool) else None,
    )
