"""Ollama's own API; its OpenAI-like one is read as such."""

from costwatch.pricing.readers.reading import Raw, Reading, count


def read(raw: Raw, provider: str | None = None) -> Reading:
    """A prompt that is still in memory comes without a count: 0 tokens were evaluated."""
    return Reading(
        input_tokens=count(raw, "prompt_eval_count") or 0,
        output_tokens=count(raw, "eval_count") or 0,
    )
