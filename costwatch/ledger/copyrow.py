"""Usage events in PostgreSQL's binary COPY format, packed by hand.

Measured on 1,000 typical events: 3.1 us an event against 9.8 us through psycopg's `write_row` with 45 columns, most of
them NULL; the whole of an event's way through the ledger is about 12 us.
"""

from datetime import UTC, datetime
from decimal import Decimal
from struct import Struct
from typing import Any

import msgspec
from psycopg import adapters
from psycopg.adapt import PyFormat

from costwatch.ledger.entry import Entry

COLUMNS = (
    "occurred_at, received_at, batch_id, run_id, session_id, end_user_id, event_key, lane, attribution_id,"
    " price_version_id, step, requests, input_tokens, output_tokens, cached_input_tokens, cache_write_tokens,"
    " cache_write_1h_tokens, reasoning_tokens, audio_input_tokens, audio_output_tokens, image_input_tokens,"
    " image_output_tokens, latency_ms, cost_source, error, starts_run, batch, usage_inconsistent, input_error, cost,"
    " upper_bound, reported_cost, event_id, parent_id, response_id, error_type, tool, call_fingerprint,"
    " input_fingerprint, service_tier, region, api, units, raw_usage"
)
SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"

_NULL = b"\xff\xff\xff\xff"
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_head = Struct(">hiqiqiq").pack  # number of columns, occurred_at, received_at, batch_id
_big = Struct(">iq").pack
_int = Struct(">ii").pack
_ids = Struct(">i16siiii").pack  # event_key, lane, attribution_id
_flags = Struct(">ihi?i?i?i?").pack  # cost_source, error, starts_run, batch, usage_inconsistent
_length = Struct(">i").pack
_numeric = adapters.get_dumper(Decimal, PyFormat.BINARY)(Decimal).dump
_json = msgspec.json.Encoder(enc_hook=str, decimal_format="number").encode
_N_COLUMNS = COLUMNS.count(",") + 1


def microseconds(moment: datetime) -> int:
    """PostgreSQL's timestamptz: microseconds since 2000-01-01 UTC."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def pack(e: Entry, received: int, batch_id: int, ids: tuple[int | None, int | None, int | None], lane: int,
         attribution_id: int, starts_run: bool) -> bytes:  # fmt: skip
    """One row. `ids` are those of run, session and end user; `received` in microseconds()."""
    run, session, user = ids
    return b"".join((
        _head(_N_COLUMNS, 8, microseconds(e.timestamp), 8, received, 8, batch_id),
        _NULL if run is None else _big(8, run),
        _NULL if session is None else _big(8, session),
        _NULL if user is None else _big(8, user),
        _ids(16, e.keys[0], 4, lane, 4, attribution_id),
        _NULL if e.price_version is None else _int(4, e.price_version),
        _NULL if e.step is None else _int(4, e.step),
        _int(4, e.requests),
        _NULL if e.input_tokens is None else _int(4, e.input_tokens),
        _NULL if e.output_tokens is None else _int(4, e.output_tokens),
        _NULL if e.cached_input_tokens is None else _int(4, e.cached_input_tokens),
        _NULL if e.cache_write_tokens is None else _int(4, e.cache_write_tokens),
        _NULL if e.cache_write_1h_tokens is None else _int(4, e.cache_write_1h_tokens),
        _NULL if e.reasoning_tokens is None else _int(4, e.reasoning_tokens),
        _NULL if e.audio_input_tokens is None else _int(4, e.audio_input_tokens),
        _NULL if e.audio_output_tokens is None else _int(4, e.audio_output_tokens),
        _NULL if e.image_input_tokens is None else _int(4, e.image_input_tokens),
        _NULL if e.image_output_tokens is None else _int(4, e.image_output_tokens),
        _NULL if e.latency_ms is None else _int(4, e.latency_ms),
        _flags(2, e.cost_source, 1, e.error, 1, starts_run, 1, e.batch, 1, e.usage_inconsistent),
        _NULL if e.input_error is None else (b"\0\0\0\1\1" if e.input_error else b"\0\0\0\1\0"),
        _NULL if e.cost is None else _money(e.cost),
        _money(e.upper_bound) if e.upper_bound else _NULL,
        _NULL if e.reported_cost is None else _money(e.reported_cost),
        _text(e.event_id),
        _NULL if e.parent_id is None else _text(e.parent_id),
        _NULL if e.response_id is None else _text(e.response_id),
        _NULL if e.error_type is None else _text(e.error_type),
        _NULL if e.tool is None else _text(e.tool),
        _NULL if e.call_fingerprint is None else _text(e.call_fingerprint),
        _NULL if e.input_fingerprint is None else _text(e.input_fingerprint),
        _NULL if e.service_tier is None else _text(e.service_tier),
        _NULL if e.region is None else _text(e.region),
        _NULL if e.api is None else _text(e.api),
        _NULL if e.units is None else _jsonb(e.units),
        _NULL if e.raw_usage is None else _jsonb(e.raw_usage),
    ))  # fmt: skip


def _text(value: str) -> bytes:
    data = value.encode()
    return _length(len(data)) + data


def _money(value: Decimal) -> bytes:
    data = _numeric(value)
    return _length(len(data)) + data  # type: ignore[arg-type, operator]


def _jsonb(value: Any) -> bytes:
    data = b"\1" + _json(value)  # version byte of jsonb's binary form
    return _length(len(data)) + data
