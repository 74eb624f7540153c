"""`POST /api/v1/quote`: what an event would cost, without storing it."""

from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from costwatch.accounts.access import error_json, key_view
from costwatch.ledger.entry import Entry
from costwatch.pricing import book
from costwatch.pricing.names import canonical_provider
from costwatch.spend.shown import TOKENS, cost_fields
from ingest import body, event
from ingest.event import Batch
from ingest.finish import Frame
from ingest.refused import Refused
from ingest.unpack import unpack

EVER = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))  # also calls that are still to be made


@key_view("read")
def quote_post(request: HttpRequest) -> HttpResponse:
    """Price one event as `POST /api/v1/events` would (API.md §5)."""
    try:
        batch = _decoded(request)
    except Refused as refused:
        return error_json(refused.status, refused.code, refused.message, field=refused.field)
    if batch.problems:
        return error_json(422, batch.problems[0].code, batch.problems[0].message, field=batch.problems[0].field)
    if len(batch.entries) != 1:
        return error_json(422, "invalid", "A quote is for one event; send one.", field="events")
    return JsonResponse(_told(request.identity.lane, batch.entries[0]))  # type: ignore[attr-defined]


def _decoded(request: HttpRequest) -> Batch:
    prices = book.current()

    def provider(sent: str | None, model: str) -> str | None:
        return canonical_provider(sent) if sent else prices.provider_of(model)

    frame = Frame(timezone.now(), provider, labels={})
    frame.oldest, frame.newest = EVER
    data = unpack(body.read(request), request.META.get("HTTP_CONTENT_ENCODING", ""))
    return event.decode(data, frame, lines=body.is_lines(request.META.get("CONTENT_TYPE", "")))


def _told(lane: int, entry: Entry) -> dict[str, Any]:
    prices = book.current().for_workspace(lane)
    counts = {name: getattr(entry, name) for name in TOKENS}
    return {
        "provider": entry.provider,
        "model": entry.model,
        "timestamp": entry.timestamp,
        **counts,
        **cost_fields(entry, prices.price(entry), prices),
    }
