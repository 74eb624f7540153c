"""What a usage reader returns, and how numbers are taken out of a provider's object. Pure."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

MOST_TOKENS = 1_000_000_000
Raw = Mapping[str, Any]


class BadUsage(Exception):
    """A number in a usage object that cannot be: `field` names it, the message is for its sender."""

    def __init__(self, field: str, value: object, kind: str = "whole number") -> None:
        shown = repr(value)[:40]
        super().__init__(f"usage.{field} must be a {kind} from 0 to 1,000,000,000; this is {shown}.")
        self.field = f"usage.{field}"


class Reading(msgspec.Struct, kw_only=True, gc=False):
    """The counts of one usage object in the normal form (see usage.py); None = not said.

    `inconsistent`: the parts are more than the whole. `reported_cost`: USD, what the provider says it charged.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_input_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    reasoning_tokens: int | None = None
    audio_input_tokens: int | None = None
    audio_output_tokens: int | None = None
    image_input_tokens: int | None = None
    image_output_tokens: int | None = None
    units: dict[str, Decimal] | None = None
    requests: int | None = None
    service_tier: str | None = None
    region: str | None = None
    batch: bool | None = None
    reported_cost: Decimal | None = None
    inconsistent: bool = False

    @property
    def empty(self) -> bool:
        """Whether the object told nothing that is billed."""
        return self.input_tokens is None and self.output_tokens is None and not self.units


def count(raw: Raw, *names: str) -> int | None:
    """The first of these fields that holds a number, as a whole number. Raises BadUsage."""
    for name in names:
        value = raw.get(name)
        if value is None:
            continue
        if type(value) is int:
            if 0 <= value <= MOST_TOKENS:
                return value
        elif isinstance(value, float) and value.is_integer() and 0 <= value <= MOST_TOKENS:
            return int(value)
        elif isinstance(value, str) and value.isdecimal() and len(value) <= 10 and int(value) <= MOST_TOKENS:
            return int(value)  # 64-bit numbers are text in the JSON of protocol buffers
        raise BadUsage(name, value)
    return None


def amount(raw: Raw, *names: str) -> Decimal | None:
    """The first of these fields that holds a number, fractions allowed (seconds, dollars). Raises BadUsage."""
    for name in names:
        value = raw.get(name)
        if value is None or value == {}:  # Mistral's way of saying nothing
            continue
        if isinstance(value, (int, float, str, Decimal)) and not isinstance(value, bool):
            try:
                number = Decimal(str(value))
            except ArithmeticError:
                raise BadUsage(name, value, "number") from None
            if number.is_finite() and 0 <= number <= MOST_TOKENS:
                return number
        raise BadUsage(name, value, "number")
    return None


def nested(raw: Raw, *names: str) -> Raw:
    """The first of these fields that holds an object; {} when none does (details are often null)."""
    for name in names:
        value = raw.get(name)
        if isinstance(value, dict):
            return value
    return {}


def text(raw: Raw, *names: str) -> str | None:
    """The first of these fields that holds a text, at most 200 characters of it."""
    for name in names:
        value = raw.get(name)
        if isinstance(value, str) and value:
            return value[:200]
    return None


def add(*counts: int | None) -> int | None:
    """The sum of what is known; None when nothing is."""
    known = [value for value in counts if value is not None]
    return sum(known) if known else None


def units(**amounts: Decimal | int | None) -> dict[str, Decimal] | None:
    """The units that were used, without zeros; None when there are none."""
    used = {name: Decimal(value) for name, value in amounts.items() if value}
    return used or None


def checked(reading: Reading) -> Reading:
    """Mark a reading whose parts are more than the whole. Cached audio is both, so the two kinds are not added up.

    Raises BadUsage for counts that are beyond all bounds once they are summed up.
    """
    whole, generated = reading.input_tokens or 0, reading.output_tokens or 0
    cache = add(reading.cached_input_tokens, reading.cache_write_tokens, reading.cache_write_1h_tokens) or 0
    media = (reading.audio_input_tokens or 0) + (reading.image_input_tokens or 0)
    media_out = (reading.audio_output_tokens or 0) + (reading.image_output_tokens or 0)
    most = max(whole, cache, media, generated, media_out)
    if most > MOST_TOKENS:
        raise BadUsage("output_tokens" if most in (generated, media_out) else "input_tokens", most)
    if cache > whole or media > whole or media_out > generated or (reading.reasoning_tokens or 0) > generated:
        reading.inconsistent = True
    return reading
