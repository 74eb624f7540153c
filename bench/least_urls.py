"""A view that decodes the body and stores its events, and nothing else: the least that any ingest in Python does.

No key of the sender, no rules, prices, labels, idempotency keys, runs or batch: what is left is HTTP, JSON, the rows of
the events and one commit.
"""

import os
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import psycopg
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from costwatch.ledger import partitions, rows
from costwatch.ledger.entry import Entry
from ingest.wire import WireEvent

_many = msgspec.json.Decoder(list[WireEvent])  # type: ignore[valid-type]
_INSERT = f"INSERT INTO usage_event ({', '.join(rows.COLUMNS)}) VALUES ({', '.join(['%s'] * len(rows.COLUMNS))})"
_COPY = f"COPY usage_event ({', '.join(rows.COLUMNS)}) FROM STDIN (FORMAT BINARY)"


@csrf_exempt
def store(request: HttpRequest) -> HttpResponse:
    """One INSERT for one event, a COPY for more."""
    entries = _many.decode(request.read())
    now = datetime.now(UTC)
    partitions.ensure({entry.timestamp.date() for entry in entries}, now.date())
    connection.ensure_connection()
    with psycopg.Cursor(connection.connection) as cursor:
        if len(entries) == 1:
            row = dict(zip(rows.COLUMNS, _row(entries[0], now), strict=True))
            row["event_key"] = UUID(bytes=entries[0].keys[0])
            cursor.execute(_INSERT, list(row.values()), prepare=True)
        else:
            with cursor.copy(_COPY) as copy:
                copy.set_types(rows.OIDS)
                for entry in entries:
                    copy.write_row(_row(entry, now))
    return HttpResponse(b"{}", content_type="application/json")


def _row(entry: Entry, now: datetime) -> tuple[object, ...]:
    entry.keys = (os.urandom(16),)
    entry.requests, entry.batch = 1, False
    return rows.values(entry, now, 1, (None, None, None), 1, 1, False)


def healthy(request: HttpRequest) -> HttpResponse:
    """The server is up."""
    return HttpResponse(b"{}", content_type="application/json")


urlpatterns = [path("api/v1/events", store), path("healthz", healthy)]
