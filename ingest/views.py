"""`POST /api/v1/events`: who, how often, what; one call; one answer."""

from functools import cache
from time import monotonic

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from costwatch.accounts.access import error_json, key_view
from costwatch.ledger.record import StorageUnavailable
from costwatch.metrics import EVENTS
from ingest import body
from ingest.accept import accept
from ingest.rate import Buckets
from ingest.refused import Refused

RETRY_AFTER = 2  # seconds; a restarted database answers again after one or two


@key_view("ingest")
def events_post(request: HttpRequest) -> HttpResponse:
    """Store events (API.md §3). The key is judged before a byte of the body is read."""
    buckets = _buckets()
    allowance = buckets.take(request.identity.key_id, monotonic()) if buckets else None  # type: ignore[attr-defined]
    if allowance and allowance.wait:
        message = f"This key makes more than {allowance.limit:,} requests a second; send more events in each."
        response: HttpResponse = error_json(429, "rate_limited", message, retry_after=allowance.wait)
    else:
        response = _answer(request)
    if allowance:
        for name, value in allowance.headers.items():
            response[name] = value
    return response


def _answer(request: HttpRequest) -> HttpResponse:
    try:
        answer = accept(
            request.identity,  # type: ignore[attr-defined]
            body.read(request),
            request.META.get("CONTENT_TYPE", ""),
            request.META.get("HTTP_CONTENT_ENCODING", ""),
            timezone.now(),
        )
    except Refused as refused:
        EVENTS.labels("request_refused").inc()
        return error_json(refused.status, refused.code, refused.message, field=refused.field)
    except (StorageUnavailable, OperationalError, InterfaceError):
        message = "The events could not be stored now, none of them; send the same request again."
        return error_json(503, "storage_unavailable", message, retry_after=RETRY_AFTER)
    return HttpResponse(answer.encoded(), status=answer.status, content_type="application/json")


@cache
def _buckets() -> Buckets | None:
    limit = settings.RATE_LIMIT
    return Buckets(limit, settings.WEB_PROCESSES) if limit else None
