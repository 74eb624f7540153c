"""The rules between the fields of an event, and its normal form: times in UTC, names, whole and parts, keys. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from secrets import token_hex
from typing import Any

import msgspec
from msgspec import Raw

from costwatch.ledger.entry import Entry, Labels, labels_of
from costwatch.ledger.keys import event_keys, response_key
from costwatch.pricing import readers
from ingest import text
from ingest.wire import MOST_TOKENS, TAGS

AHEAD = timedelta(minutes=5)
BACK = timedelta(days=5 * 365 + 2)
LATEST_SECONDS = 1e11  # a Unix time of the year 5138, in milliseconds of 1973
LABEL_CACHE = 10_000  # with the longest names and tags 100 MB, with usual ones 12
LONGEST_TAGS = 2_000  # bytes of JSON, blanks and all, that are remembered
LONGEST_USAGE = 16_384
DEEPEST_USAGE = text.DEEPEST - 3  # under {"events": [{"usage": …
PICODOLLAR = Decimal("1e-12")
MOST_USD = Decimal(10) ** 12
INPUT_PARTS = ("cached_input_tokens", "cache_write_tokens", "cache_write_1h_tokens", "audio_input_tokens",
               "image_input_tokens")  # fmt: skip
TOKENS = ("input_tokens", "output_tokens", *INPUT_PARTS, "reasoning_tokens", "audio_output_tokens",
          "image_output_tokens")  # fmt: skip
OUTPUT_PARTS = ("reasoning_tokens", "audio_output_tokens", "image_output_tokens")

Sent = tuple[str | bytes | None, ...]  # the labels as they came, the tags as JSON
Kept = tuple[Labels, dict[str, str] | None]  # in their normal form, the tags apart once more
_tags = msgspec.json.Decoder(TAGS.type)


class Invalid(Exception):
    """An event at fault: the field, and a sentence a person can act on."""

    def __init__(self, field: str | None, message: str, code: str = "invalid", event_id: str | None = None) -> None:
        super().__init__(message)
        self.field, self.message, self.code, self.event_id = field, message, code, event_id


@dataclass(slots=True)
class Frame:
    """What holds for every event of a request.

    `provider(sent, model)` names the provider in its one way, or infers it from the model where none was sent. `labels`
    remembers what was made of those seen. `keep_inconsistent`: nobody reads the answer, so flag wrong sums instead.
    """

    now: datetime
    provider: Callable[[str | None, str], str | None]
    labels: dict[Sent, Kept]
    api_key_id: int | None = None
    keep_inconsistent: bool = False
    newest: datetime = field(init=False)
    oldest: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.newest, self.oldest = self.now + AHEAD, self.now - BACK


def finish(e: Entry, frame: Frame) -> None:
    """Bring a decoded event into its normal form. Raises Invalid; Refused for one nested too deep.

    Tags that are still JSON and break their rule raise what msgspec does, before anything else is judged: the event is
    read the careful way then, and the same fault is told whichever way it came.
    """
    tags: object = e.tags
    raw = bytes(tags) if type(tags) is Raw else msgspec.json.encode(tags)
    sent = (e.provider, e.model, e.operation, e.agent_id, e.task, e.environment, e.release, raw)
    labels, e.tags = frame.labels.get(sent) or _remember(e, sent, frame)
    e.labels = labels
    # the same string objects again and again: look-ups find their hashes computed
    e.provider, e.model, e.operation = labels.provider, labels.model, labels.operation
    at = e.timestamp
    if type(at) is not datetime or not frame.oldest <= at <= frame.newest:
        e.timestamp = _moment(at, frame)
    elif at.tzinfo is not UTC:
        e.timestamp = at.astimezone(UTC)
    _finish_rare(e)
    if e.raw_usage is None or not _read_usage(e):
        _check_sums(e, frame)
    if e.event_id is None:
        e.event_id = token_hex(16)
    elif e.event_id.isspace():
        raise Invalid("event_id", "event_id must not be blank; leave it out to have one made.")
    e.api_key_id = frame.api_key_id


def identify(entries: Sequence[Entry]) -> None:
    """Give events in their normal form the keys under which the ledger knows them."""
    for e, key in zip(entries, event_keys([e.event_id for e in entries]), strict=True):
        e.keys = (key,) if e.response_id is None else (key, response_key(e.provider, e.response_id))


def _moment(at: Any, frame: Frame) -> datetime:
    """A time that is absent, in Unix seconds, or out of range."""
    if at is None:
        return frame.now
    seconds = at.timestamp() if isinstance(at, datetime) else at
    if seconds > frame.newest.timestamp():
        hint = " Unix times are in seconds, not milliseconds." if seconds > LATEST_SECONDS else ""
        raise Invalid("timestamp", f"timestamp is more than 5 minutes ahead of our clock, {frame.now:%FT%TZ}.{hint}")
    if seconds < frame.oldest.timestamp():
        raise Invalid("timestamp", "timestamp is more than 5 years ago.")
    return datetime.fromtimestamp(seconds, UTC)


def _remember(e: Entry, sent: Sent, frame: Frame) -> Kept:
    e.tags = _tags.decode(sent[-1])  # type: ignore[arg-type]
    kept = _labels(e, frame)
    if len(frame.labels) >= LABEL_CACHE:
        frame.labels.clear()
    if len(sent[-1]) <= LONGEST_TAGS:  # type: ignore[arg-type]
        frame.labels[sent] = kept
    return kept


def _labels(e: Entry, frame: Frame) -> Kept:
    if e.model is None or not e.model.strip():
        raise Invalid("model", "model must not be blank; write it as the provider names it.")
    e.tags = _texts(e.tags) if e.tags else None
    e.provider, e.operation = frame.provider(e.provider, e.model), e.operation or "chat"
    return labels_of(e), e.tags


def _check_sums(e: Entry, frame: Frame) -> None:
    """The parts of the input and of the output must not be more than the whole."""
    parts = (e.cached_input_tokens or 0) + (e.cache_write_tokens or 0) + (e.cache_write_1h_tokens or 0)
    parts += (e.audio_input_tokens or 0) + (e.image_input_tokens or 0)
    if parts > (e.input_tokens or 0):
        _inconsistent(e, frame, "input_tokens", INPUT_PARTS)
    parts = (e.reasoning_tokens or 0) + (e.audio_output_tokens or 0) + (e.image_output_tokens or 0)
    if parts > (e.output_tokens or 0):
        _inconsistent(e, frame, "output_tokens", OUTPUT_PARTS)


def _inconsistent(e: Entry, frame: Frame, whole: str, parts: tuple[str, ...]) -> None:
    if frame.keep_inconsistent:
        e.usage_inconsistent = True
        return
    counts = {name: getattr(e, name) for name in parts if getattr(e, name)}
    total = getattr(e, whole)
    more = f"more than {whole} = {total:,}" if total is not None else f"but {whole} is missing"
    message = f"{' + '.join(counts)} = {sum(counts.values()):,}, {more}: {whole} counts all, these are parts of it."
    raise Invalid(max(counts, key=counts.__getitem__), message)


def _finish_rare(e: Entry) -> None:
    """What most events do not have."""
    if e.status == "error":  # type: ignore[attr-defined]
        e.error = True
    if e.latency_ms is not None and type(e.latency_ms) is not int:
        e.latency_ms = round(e.latency_ms)
    if e.units is not None:
        e.units = _units(e.units)
    if e.reported_cost is not None:
        e.reported_cost = _usd(e.reported_cost)
    if e.raw_usage is not None:
        _check_usage(e.raw_usage)
    if not e.requests:
        e.requests = 1
    if e.batch is None:
        e.batch = False


def _texts(tags: dict[str, Any]) -> dict[str, str] | None:
    """Numbers and booleans as JSON writes them; empty and null = absent."""
    kept: dict[str, str] = {}
    for name, value in tags.items():
        if type(value) is bool:
            value = "true" if value else "false"
        if value is not None and value != "":
            kept[name] = str(value)
        if len(kept.get(name, "")) > 200:
            raise Invalid(f"tags.{name}", f"The tag {name} must be at most 200 characters long.")
    return kept or None


def _units(units: dict[str, Any]) -> dict[str, Decimal] | None:
    for name, quantity in units.items():
        if not 0 <= quantity <= MOST_TOKENS:
            raise Invalid(f"units.{name}", f"The unit {name} must be a number from 0 to 1,000,000,000.")
    return {name: Decimal(str(quantity)) for name, quantity in units.items()} or None


def _usd(amount: Decimal) -> Decimal:
    if not amount.is_finite() or not 0 <= amount < MOST_USD:
        raise Invalid("cost_usd", "cost_usd must be an amount in USD from 0 to below 1,000,000,000,000.")
    return amount.quantize(PICODOLLAR, ROUND_HALF_EVEN)


def _read_usage(e: Entry) -> bool:
    """The counts out of the provider's object; False if it holds none, then the token fields count, if there are any.

    What the sender said beside it leads: units, tier, region, cost. Nobody can mend a provider's wrong sums, so such an
    event is kept and flagged.
    """
    try:
        reading = readers.read(e.api, e.provider, e.model, e.raw_usage or {})
    except readers.BadUsage as fault:
        raise Invalid(fault.field, str(fault)) from None
    if not reading.empty:
        for name in TOKENS:
            setattr(e, name, getattr(reading, name))
        e.units = {**(reading.units or {}), **(e.units or {})} or None
    e.usage_inconsistent = reading.inconsistent
    e.service_tier = e.service_tier or reading.service_tier
    e.region = e.region or reading.region
    e.batch = bool(e.batch or reading.batch)
    if not e.requests or e.requests == 1:
        e.requests = reading.requests or 1
    if e.reported_cost is None and reading.reported_cost is not None:
        e.reported_cost = _usd(reading.reported_cost)
    return not reading.empty


def _check_usage(usage: dict[str, Any] | list[Any]) -> None:
    try:
        packed = msgspec.json.encode(usage)
    except RecursionError:
        raise text.too_deep() from None
    if text.deeper_than(packed, DEEPEST_USAGE):
        raise text.too_deep()
    if len(packed) > LONGEST_USAGE:
        raise Invalid("usage", f"usage must be at most {LONGEST_USAGE:,} bytes; send the counts, not the answer.")
