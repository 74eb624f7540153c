"""Files of any size: events and sums, streamed as they are read from the books."""

from collections.abc import Iterator
from datetime import timedelta
from threading import BoundedSemaphore
from typing import Any

from django.http import Http404, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import Throttled
from rest_framework.request import Request

from costwatch.accounts import audit
from costwatch.accounts.models import AuditEntry
from costwatch.api import shapes
from costwatch.api.keys import actor
from costwatch.api.views import Reading
from costwatch.lib.tables import FORMATS, written
from costwatch.spend import export
from costwatch.spend.filters import choice, whole_number, words, zone_in
from costwatch.spend.queries import BUCKETS, MOST_GROUPS

ACTION = "export.made"
MOST, WITHIN = 20, timedelta(minutes=1)  # exports of a workspace: each may read a year of calls
AT_ONCE = 3  # of a process: a slow reader keeps one of the threads that pages need too
CONTENT = ("events", "spend")
_places = BoundedSemaphore(AT_ONCE)
_BINARY = {(200, content_type): OpenApiTypes.BINARY for content_type in FORMATS.values()}


class Running:
    """A file that is being sent; it holds one of AT_ONCE places until it is sent or dropped. Raises Throttled."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        if not _places.acquire(blocking=False):
            raise Throttled(5, f"{AT_ONCE} exports are being sent already; try again.")
        self._parts: Iterator[bytes] | None = parts

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._parts or ())

    def close(self) -> None:
        """End the reading and give the place back, once."""
        parts, self._parts = self._parts, None
        if parts is not None:
            try:
                parts.close()  # type: ignore[attr-defined]
            finally:
                _places.release()

    def __del__(self) -> None:
        if getattr(self, "_parts", None) is not None:
            self.close()


class Export(Reading):
    """`GET /api/v1/export/{events|spend}.{csv|parquet|ndjson}`."""

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """What comes is said by the address, so whatever the client accepts is fine."""
        return super().perform_content_negotiation(request, force=True)

    @extend_schema(
        operation_id="export",
        summary="Events or sums as a file",
        description="Streamed, from one snapshot of the books: any number of rows. `events` takes the parameters of"
        " `/events` (oldest first), `spend` those of `/spend`, and has no limit unless one is given. Money is exact:"
        " decimals with twelve places in CSV and NDJSON, decimal128(38, 12) in Parquet. Text cells of CSV that a"
        " spreadsheet would run as a formula begin with an apostrophe. Each export is noted in the audit log;"
        f" at most {MOST} a minute.",
        parameters=[
            OpenApiParameter("content", str, OpenApiParameter.PATH, enum=CONTENT),
            OpenApiParameter("kind", str, OpenApiParameter.PATH, enum=list(FORMATS)),
            *shapes.SPEND["parameters"],
        ],
        responses={
            **_BINARY,
            **shapes.REFUSALS,
            404: OpenApiResponse(shapes.Refusal, "No such content or format"),
            429: OpenApiResponse(shapes.Refusal, "Too many exports; try again after `Retry-After` seconds"),
        },
    )
    def get(self, request: Request, content: str, kind: str) -> HttpResponseBase:
        """The file."""
        if content not in CONTENT or kind not in FORMATS:
            raise Http404(f"There is {' and '.join(CONTENT)}, as {', '.join(FORMATS)}.")
        made = self._events() if content == "events" else self._spend()
        running = Running(written(kind, made.columns, made.batches))
        try:
            self._note(f"{content}.{kind}")
        except Throttled:
            running.close()
            raise
        response = StreamingHttpResponse(running, content_type=FORMATS[kind])
        response["Content-Disposition"] = f'attachment; filename="{content}.{kind}"'
        response.one_thread = True  # type: ignore[attr-defined]  # its rows come over one database connection
        return response

    def _events(self) -> export.Export:
        return export.events(self.workspace, self.filter())

    def _spend(self) -> export.Export:
        params, workspace = self.request.query_params, self.workspace
        return export.spend(
            workspace,
            self.filter(days=30),
            words(params, "group_by"),
            choice(params, "bucket", "none", BUCKETS),
            zone_in(params, workspace).key,
            whole_number(params, "limit", MOST_GROUPS, MOST_GROUPS) if params.get("limit") else None,
        )

    def _note(self, subject: str) -> None:
        """The audit entry, which also counts: it is the same for all processes."""
        now = timezone.now()
        made = AuditEntry.objects.filter(workspace=self.workspace, action=ACTION, at__gt=now - WITHIN).order_by("-id")
        oldest = list(made.values_list("at", flat=True)[MOST - 1 : MOST])
        if oldest:
            wait = (oldest[0] + WITHIN - now).total_seconds()
            raise Throttled(wait, f"At most {MOST} exports can be made in a minute.")
        facts = {"query": self.request.META.get("QUERY_STRING", "")[:2_000]}
        audit.record(self.workspace, actor(self.request), ACTION, subject, facts, audit.client_ip(self.request))
