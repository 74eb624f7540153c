"""The fields of an event as senders write them (API.md §3): one table of rules, and the types that follow from it.

Pure: knows no framework. `WireEvent` IS an `Entry`, so an event is decoded straight into what the ledger stores:
copying 40 fields from one object to another costs 1.8 us an event, all of the decoding 0.9. In a `BatchEvent` the tags
are still JSON: most events have those of an earlier one, and making an object of them costs half as much as all else.
"""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple, cast

import msgspec
from msgspec import Meta, Raw

from costwatch.ledger.entry import Entry

MOST_TOKENS = 1_000_000_000
MOST_TAGS = 32
BIGGEST_INTEGER = 2**31 - 1  # what the integer columns hold


class Rule(NamedTuple):
    """What a field may hold: the type, and the words that complete "<field> must be …"."""

    type: Any
    says: str


# texts are not empty: an event with an empty one goes the careful way, where that counts as absent
Short = Annotated[str, Meta(min_length=1, max_length=200)]
Value = Annotated[str, Meta(max_length=200)]
Key = Annotated[str, Meta(min_length=1, max_length=64)]

NAME = Rule(Short | None, "a text of at most 200 characters")
ID = Rule(Annotated[str, Meta(min_length=1, max_length=255)] | None, "a text of 1 to 255 characters, not blank")
FINGERPRINT = Rule(Key | None, "a text of at most 64 characters, such as a hash")
TOKENS = Rule(Annotated[int, Meta(ge=0, le=MOST_TOKENS)] | None, "a whole number from 0 to 1,000,000,000")
FLAG = Rule(bool | None, "true or false")

TIMESTAMP = Rule(
    Annotated[datetime, Meta(tz=True)] | int | float | None,
    "a time with its offset, such as 2026-11-25T20:15:00Z, or Unix seconds",
)
TAGS = Rule(
    Annotated[dict[Key, Value | int | float | bool | None], Meta(max_length=MOST_TAGS)] | None,
    "an object of at most 32 texts, numbers or booleans; names of 1 to 64, values of at most 200 characters",
)
UNITS = Rule(
    Annotated[dict[Key, int | float], Meta(max_length=MOST_TAGS)] | None,
    "an object of at most 32 numbers from 0 to 1,000,000,000, such as {\"web_search\": 2}",
)  # fmt: skip

RULES: dict[str, Rule] = {
    "event_id": ID,
    "timestamp": TIMESTAMP,
    "model": Rule(Annotated[str, Meta(min_length=1, max_length=200)], "a text of 1 to 200 characters, not blank"),
    **dict.fromkeys(("provider", "operation", "agent_id", "user_id", "task", "run_id", "session_id"), NAME),
    "step": Rule(Annotated[int, Meta(ge=0, le=BIGGEST_INTEGER)] | None, "a whole number from 0 to 2,147,483,647"),
    **dict.fromkeys(("parent_id", "environment", "release"), NAME),
    "tags": TAGS,
    **dict.fromkeys(("input_tokens", "output_tokens", "cached_input_tokens", "cache_write_tokens"), TOKENS),
    **dict.fromkeys(("cache_write_1h_tokens", "reasoning_tokens", "audio_input_tokens"), TOKENS),
    **dict.fromkeys(("audio_output_tokens", "image_input_tokens", "image_output_tokens"), TOKENS),
    "units": UNITS,
    "usage": Rule(dict[str, Any] | list[Any] | None, "the provider's usage object as it came, at most 16 KB"),
    **dict.fromkeys(("api", "service_tier", "region"), NAME),
    "batch": FLAG,
    "requests": Rule(Annotated[int, Meta(ge=1, le=MOST_TOKENS)] | None, "a whole number from 1 to 1,000,000,000"),
    "cost_usd": Rule(Decimal | None, "an amount in USD from 0 to below 1,000,000,000,000, as text or number"),
    "response_id": ID,
    "latency_ms": Rule(
        Annotated[int, Meta(ge=0, le=BIGGEST_INTEGER)] | Annotated[float, Meta(ge=0, le=BIGGEST_INTEGER)] | None,
        "a number of milliseconds from 0 to 2,147,483,647",
    ),
    "status": Rule(Literal["ok", "error"] | None, '"ok" or "error"'),
    **dict.fromkeys(("error_type", "tool"), NAME),
    **dict.fromkeys(("call_fingerprint", "input_fingerprint"), FINGERPRINT),
    "input_error": FLAG,
}

WHOLE_NUMBERS = frozenset(name for name, rule in RULES.items() if rule is TOKENS) | {"step", "requests"}
TEXTS = frozenset(name for name, rule in RULES.items() if rule in (NAME, FINGERPRINT))  # empty = absent
NUMBERED_NAMES = frozenset({"run_id", "session_id", "parent_id"})  # a number is taken as its text
RENAMED = {"raw_usage": "usage", "reported_cost": "cost_usd"}


class Sealed:
    """The type of what only the server fills in (cost, keys …). No JSON value has it, so nobody can send it."""


def _fields() -> list[tuple[str, Any, Any]]:
    """Every field of an Entry, open as its rule says or sealed; and `status`, which becomes `error`."""
    open_fields: list[tuple[str, Any, Any]] = [("status", RULES["status"].type, None)]
    for field in msgspec.structs.fields(Entry):
        rule = RULES.get(RENAMED.get(field.name, field.name))
        default = None if field.required else field.default
        type_ = Sealed if rule is None else rule.type | None
        open_fields.append((field.name, type_, default))
    return [(name, RULES[name].type, msgspec.NODEFAULT) if name == "model" else (name, type_, default)
            for name, type_, default in open_fields]  # fmt: skip


WireEvent = cast(
    type[Entry],
    msgspec.defstruct(
        "WireEvent",
        _fields(),
        bases=(Entry,),
        kw_only=True,
        gc=False,
        forbid_unknown_fields=True,
        rename=RENAMED,
    ),
)
BatchEvent = cast(
    type[Entry],
    msgspec.defstruct(
        "BatchEvent",
        [("tags", Raw, Raw(b"null"))],
        bases=(WireEvent,),
        kw_only=True,
        gc=False,
        forbid_unknown_fields=True,
        rename=RENAMED,
    ),
)
