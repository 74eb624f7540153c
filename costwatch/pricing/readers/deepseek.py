"""DeepSeek: OpenAI's names, and the prompt split into cache hits and misses (sometimes only the two)."""

from costwatch.pricing.readers import openai
from costwatch.pricing.readers.reading import Raw, Reading, add, count


def read(raw: Raw, provider: str | None = None) -> Reading:
    """hit + miss = prompt; reasoning inside the completion."""
    reading = openai.chat(raw, provider)
    hit, miss = count(raw, "prompt_cache_hit_tokens"), count(raw, "prompt_cache_miss_tokens")
    if reading.input_tokens is None:
        reading.input_tokens = add(hit, miss)
    if hit is not None:
        reading.cached_input_tokens = hit
    return reading
