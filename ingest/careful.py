"""Reading one event that did not decode: is it at fault, and how would one tell its sender? Pure."""

from typing import Any

import msgspec
from msgspec import ValidationError

from costwatch.ledger.entry import Entry
from ingest.finish import Invalid
from ingest.misspelt import meant
from ingest.wire import NUMBERED_NAMES, RULES, TEXTS, WHOLE_NUMBERS, WireEvent

MOST_STRANGERS = 100  # strange names judged and told of in one request; judging one may cost 50 us
LONGEST_SHOWN = 40


def read(event: object, ignored: dict[str, int], nul: bool) -> Entry:
    """The event as an Entry; fields that are no business of ours are counted in `ignored`. Raises Invalid.

    `nul`: it may hold NUL characters.
    """
    if not isinstance(event, dict):
        raise Invalid(None, f"An event must be an object; this is {_shown(event)}.")
    event_id = event.get("event_id")
    try:
        return _read(event, ignored, nul)
    except Invalid as fault:
        fault.event_id = event_id[:255] if isinstance(event_id, str) else None
        raise


def _read(event: dict[str, Any], ignored: dict[str, int], nul: bool) -> Entry:
    known = {name: value for name, value in event.items() if name in RULES and value is not None}
    for name in event.keys() - RULES.keys():
        _stranger(name, ignored)
    _mend(known)
    if nul:
        for name, value in known.items():
            if _holds_nul(value):
                raise Invalid(name, f"{name} holds a NUL character or half a character (a lone surrogate).")
    try:
        return msgspec.convert(known, WireEvent)
    except ValidationError:
        raise _blame(known) from None


def _stranger(name: str, ignored: dict[str, int]) -> None:
    """Count a field that is not ours, or refuse it because it looks like a misspelt one."""
    if name not in ignored and len(ignored) >= MOST_STRANGERS:
        return
    right = None if name in ignored else meant(name)
    if right is not None:
        raise Invalid(name, f"There is no field {_cut(name)}; did you mean {right}?")
    ignored[name] = ignored.get(name, 0) + 1


def _mend(known: dict[str, Any]) -> None:
    """Right but written otherwise: 100.0 tokens are 100 (JSON of pandas), run 81 is run "81", "" says nothing."""
    for name in WHOLE_NUMBERS & known.keys():
        if type(known[name]) is float and known[name].is_integer():
            known[name] = int(known[name])
    for name in NUMBERED_NAMES & known.keys():
        if type(known[name]) is int:
            known[name] = str(known[name])
    for name in TEXTS & known.keys():
        if known[name] == "":
            del known[name]


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_holds_nul(part) for pair in value.items() for part in pair)
    return isinstance(value, list) and any(map(_holds_nul, value))


def _blame(known: dict[str, Any]) -> Invalid:
    """Which field does not hold what it should."""
    if "model" not in known:
        return Invalid("model", "model is missing; write the model as the provider names it.")
    for name, value in known.items():
        try:
            msgspec.convert(value, RULES[name].type)
        except ValidationError:
            return Invalid(name, f"{name} must be {RULES[name].says}; this is {_shown(value)}.")
    raise AssertionError("each field is right, yet not all together")


def _shown(value: object) -> str:
    if isinstance(value, str):
        return f'the text "{_cut(value)}"'
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "an array"
    return _cut(msgspec.json.encode(value).decode())


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"
