"""Usage events as rows of a binary COPY: the columns, their types, and one entry's values in that order; and how what
most events say, and their rows leave out, is read."""

from datetime import datetime
from typing import Any

import msgspec
from psycopg import adapters
from psycopg.types.json import Jsonb

from costwatch.ledger.entry import Entry
from costwatch.ledger.keys import says_id

_TYPES = {
    "occurred_at received_at": "timestamptz",
    "batch_id run_id session_id": "int8",
    "end_user_id": "int4",
    "event_key": "uuid",
    "lane attribution_id price_version_id step requests input_tokens output_tokens cached_input_tokens"
    " cache_write_tokens cache_write_1h_tokens reasoning_tokens audio_input_tokens audio_output_tokens"
    " image_input_tokens image_output_tokens latency_ms": "int4",
    "cost_source": "int2",
    "error starts_run batch usage_inconsistent input_error": "bool",
    "cost upper_bound reported_cost list_cost": "numeric",
    "event_id parent_id response_id error_type tool call_fingerprint input_fingerprint service_tier region api": "text",
    "units raw_usage": "jsonb",
}
COLUMNS = [column for names in _TYPES for column in names.split()]
TYPES = [kind for names, kind in _TYPES.items() for _ in names.split()]
# Looked up by name for each COPY: 0.1 ms of a single event's 1. The 16 bytes of a uuid are sent as they are: an object
# of that type would cost 1.4 us an event.
OIDS = [adapters.types.get_oid("bytea" if kind == "uuid" else kind) for kind in TYPES]

# what NULL means in columns that say the same of most events
_UNSAID = {"requests": "1", "event_id": "regexp_replace({of}.event_key::text, '^f', '0')",
           **dict.fromkeys(("error", "starts_run", "batch", "usage_inconsistent"), "false")}  # fmt: skip

_json = msgspec.json.Encoder(decimal_format="number").encode


def said(column: str, of: str = "e") -> str:
    """SQL for what an event, a row `of` of usage_event, says in a column."""
    default = _UNSAID.get(column)
    return f"{of}.{column}" if default is None else f"coalesce({of}.{column}, {default.format(of=of)})"


def values(
    e: Entry,
    received: datetime,
    batch_id: int,
    ids: tuple[int | None, int | None, int | None],
    lane: int,
    attribution_id: int,
    starts_run: bool,
) -> tuple[Any, ...]:
    """One event in the order of COLUMNS. `ids` are those of run, session and end user.

    3.3 us an event with the COPY itself; packing the binary format by hand took as long.
    """
    key = e.keys[0]
    run, session, user = ids
    return (
        e.timestamp, received, batch_id, run, session, user, key, lane, attribution_id, e.price_version, e.step,
        None if e.requests == 1 else e.requests, e.input_tokens, e.output_tokens, e.cached_input_tokens,
        e.cache_write_tokens, e.cache_write_1h_tokens, e.reasoning_tokens, e.audio_input_tokens, e.audio_output_tokens,
        e.image_input_tokens, e.image_output_tokens, e.latency_ms, e.cost_source, e.error or None,
        starts_run or None, e.batch or None, e.usage_inconsistent or None, e.input_error, e.cost, e.upper_bound or None,
        e.reported_cost, e.list_cost, None if says_id(key, e.event_id) else e.event_id, e.parent_id,
        e.response_id, e.error_type, e.tool, e.call_fingerprint, e.input_fingerprint, e.service_tier, e.region, e.api,
        None if e.units is None else Jsonb(e.units, dumps=_json),
        None if e.raw_usage is None else Jsonb(e.raw_usage, dumps=_json),
    )  # fmt: skip
