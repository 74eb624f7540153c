"""Voyage (and Jina): one number for everything."""

from costwatch.pricing.readers.reading import Raw, Reading, count


def read(raw: Raw, provider: str | None = None) -> Reading:
    """Embeddings and reranking are billed by `total_tokens`."""
    return Reading(input_tokens=count(raw, "total_tokens", "prompt_tokens", "input_tokens", "text_tokens"))
