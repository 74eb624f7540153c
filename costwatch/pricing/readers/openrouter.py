"""OpenRouter: OpenAI's names, and `cost`: what was charged. With an own provider key the upstream bill comes on top."""

from decimal import Decimal

from costwatch.pricing.readers import openai
from costwatch.pricing.readers.reading import Raw, Reading, amount, nested


def read(raw: Raw, provider: str | None = None) -> Reading:
    """Tokens as OpenAI's, the charge as `reported_cost`."""
    reading = openai.chat(raw, provider)
    reading.reported_cost = charged(raw)
    return reading


def charged(raw: Raw) -> Decimal | None:
    """USD: OpenRouter's charge, plus the provider's own bill when the key was the user's (BYOK)."""
    cost = amount(raw, "cost")
    upstream = amount(nested(raw, "cost_details"), "upstream_inference_cost")
    if upstream and raw.get("is_byok", True):
        return (cost or Decimal(0)) + upstream
    return cost
