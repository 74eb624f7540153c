"""What a reader makes of an object, in short."""

from typing import Any

from costwatch.pricing import readers

SHORT = {
    "input": "input_tokens", "output": "output_tokens", "read": "cached_input_tokens", "written": "cache_write_tokens",
    "written_1h": "cache_write_1h_tokens", "thought": "reasoning_tokens", "heard": "audio_input_tokens",
    "spoken": "audio_output_tokens", "seen": "image_input_tokens", "drawn": "image_output_tokens",
}  # fmt: skip
CHAT = {"prompt_tokens": 100, "completion_tokens": 50}
PLAIN = {"input": 100, "output": 50}


def told(api: str | None, raw: Any, provider: str | None = None) -> dict[str, Any]:
    """What was read, without zeros and what was not said."""
    reading = readers.read(api, provider, "m", raw)
    found = {short: getattr(reading, name) for short, name in SHORT.items()}
    rest = ("units", "requests", "service_tier", "region", "batch", "reported_cost")
    found |= {name: getattr(reading, name) for name in rest}
    return {name: value for name, value in found.items() if value}


def counts(api: str | None, raw: Any, provider: str | None = None, model: str = "m") -> dict[str, Any]:
    """What was said, zeros too, without what was not."""
    reading = readers.read(api, provider, model, raw)
    shown = {name.removesuffix("_tokens"): getattr(reading, name) for name in reading.__struct_fields__}
    return {name: value for name, value in shown.items() if value is not None and value is not False}
