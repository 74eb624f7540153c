"""xAI: reasoning OUTSIDE completion_tokens in its chat API, inside in its Responses API."""

from decimal import Decimal

from costwatch.pricing.readers import openai
from costwatch.pricing.readers.reading import Raw, Reading, count, nested, units

_TICKS = Decimal(10_000_000_000)
_DEAREST = 10**18


def read(raw: Raw, provider: str | None = None) -> Reading:
    """`text_tokens` repeats the whole prompt and is not needed; the total tells where the reasoning is."""
    reading = (openai.chat if "prompt_tokens" in raw else openai.responses)(raw, "xai")
    tools = nested(raw, "server_side_tool_usage_details")
    reading.units = units(
        live_search_source=count(raw, "num_sources_used"),
        web_search=count(tools, "web_search_calls"),
        social_search=count(tools, "x_search_calls"),
        code_execution=count(tools, "code_interpreter_calls"),
    )
    ticks = raw.get("cost_in_usd_ticks")
    if type(ticks) is int and 0 <= ticks <= _DEAREST:
        reading.reported_cost = ticks / _TICKS
    return reading
