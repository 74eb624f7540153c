"""Perplexity: OpenAI's names; deep research counts reasoning and citations OUTSIDE the completion, and its searches."""

from decimal import Decimal

from costwatch.pricing.readers import openai
from costwatch.pricing.readers.reading import Raw, Reading, count


def read(raw: Raw, provider: str | None = None) -> Reading:
    """Searches are billed one by one only where citations are told, in deep research; else a fee covers them."""
    reading = openai.chat(raw, provider)
    thought, cited = count(raw, "reasoning_tokens"), count(raw, "citation_tokens")
    if thought and reading.output_tokens is not None and (cited is not None or thought > reading.output_tokens):
        reading.output_tokens += thought
    if cited is not None:
        searches = count(raw, "num_search_queries") or 0
        amounts = {"citation": Decimal(cited), "web_search": Decimal(searches)}
        reading.units = {name: amount for name, amount in amounts.items() if amount} or None
    return reading
