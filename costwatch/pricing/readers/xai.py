"""xAI: reasoning OUTSIDE completion_tokens in its chat API, inside in its Responses API."""

from decimal import Decimal

from costwatch.pricing.readers import openai
from costwatch.pricing.readers.reading import Raw, Reading, amount, nested

_TICKS = Decimal(10_000_000_000)


def read(raw: Raw, provider: str | None = None) -> Reading:
    """`text_tokens` repeats the whole prompt and is not needed; the total tells where the reasoning is."""
    style = openai.chat if "prompt_tokens" in raw else openai.responses
    reading = style(raw, "xai")
    ticks = amount({"cost_in_usd_ticks": None, **raw}, "cost_in_usd_ticks") if _is_small(raw) else None
    if ticks is not None:
        reading.reported_cost = ticks / _TICKS
    return reading


def _is_small(raw: Raw) -> bool:
    ticks = raw.get("cost_in_usd_ticks")
    return isinstance(ticks, int) and 0 <= ticks <= 1_000_000_000 and not nested(raw, "cost_in_usd_ticks")
