"""`POST /api/v1/quote`: what an event would cost, without storing it."""

from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from costwatch.accounts.access import error_json, key_view
from costwatch.ledger.entry import Entry
from costwatch.pricing import book
from costwatch.pricing.book import Prices
from costwatch.pricing.names import canonical_provider
from costwatch.spend.shown import TOKENS, cost_fields
from ingest import body, event
from ingest.finish import Frame
from ingest.refused import Refused
from ingest.unpack import unpack

EVER = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))  # also calls that are still to be made


class NotPriceable(Exception):
    """What was sent is not one valid event: the field, and a sentence a person can act on."""

    def __init__(self, code: str, message: str, field: str | None) -> None:
        super().__init__(message)
        self.code, self.message, self.field = code, message, field


@key_view("read")
def quote_post(request: HttpRequest) -> HttpResponse:
    """Price one event as `POST /api/v1/events` would (API.md §5)."""
    try:
        data = unpack(body.read(request), request.META.get("HTTP_CONTENT_ENCODING", ""))
        lines = body.is_lines(request.META.get("CONTENT_TYPE", ""))
        lane: int = request.identity.lane  # type: ignore[attr-defined]
        return JsonResponse(quote(lane, data, timezone.now(), lines=lines))
    except Refused as refused:
        return error_json(refused.status, refused.code, refused.message, field=refused.field)
    except NotPriceable as problem:
        return error_json(422, problem.code, problem.message, field=problem.field)


def quote(lane: int, data: bytes, now: datetime, *, lines: bool = False) -> dict[str, Any]:
    """What the one event in `data` would cost this workspace. Raises Refused, NotPriceable."""
    prices = book.current().for_workspace(lane)

    def provider(sent: str | None, model: str) -> str | None:
        return canonical_provider(sent) if sent else prices.provider_of(model)

    frame = Frame(now, provider, labels={})
    frame.oldest, frame.newest = EVER
    batch = event.decode(data, frame, lines=lines)
    if batch.problems:
        first = batch.problems[0]
        raise NotPriceable(first.code, first.message, first.field)
    if len(batch.entries) != 1:
        raise NotPriceable("invalid", "A quote is for one event; send one.", "events")
    return _told(batch.entries[0], prices)


def _told(entry: Entry, prices: Prices) -> dict[str, Any]:
    counts = {name: getattr(entry, name) for name in TOKENS}
    return {
        "provider": entry.provider,
        "model": entry.model,
        "timestamp": entry.timestamp,
        **counts,
        **cost_fields(entry, prices.price(entry), prices),
    }
