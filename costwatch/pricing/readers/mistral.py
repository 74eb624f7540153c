"""Mistral: OpenAI's names for chat, seconds for Voxtral, pages for OCR."""

from costwatch.pricing.readers import openai
from costwatch.pricing.readers.reading import Raw, Reading, amount, count, units


def read(raw: Raw, provider: str | None = None) -> Reading:
    """Chat, embeddings, transcription or `usage_info` of an OCR call."""
    pages = units(page=count(raw, "pages_processed"), annotated_page=count(raw, "annotated_pages_processed"))
    if "pages_processed" in raw:
        return Reading(units=pages)
    reading = openai.chat(raw, provider)
    seconds = amount(raw, "prompt_audio_seconds")
    if seconds:
        reading.units = {**(reading.units or {}), "audio_second": seconds}
    return reading
