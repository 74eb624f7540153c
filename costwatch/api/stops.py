"""The kill switch over the API: who is asked to stop now, by what; asking somebody; letting them go on."""

from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from costwatch.accounts import audit
from costwatch.accounts.access import own_or_404
from costwatch.accounts.drf import caller
from costwatch.alerts import kill
from costwatch.alerts.models import Stop as StopRow
from costwatch.api import shapes
from costwatch.api.keys import actor
from costwatch.api.moments import moment
from costwatch.api.views import Reading
from costwatch.spend.filters import BadQuery
from costwatch.spend.page import from_cursor, to_cursor

LISTING = "stops"
SCOPE = "dimension (agent, user, task, run, session, key, …, tag.<name>) → names; {} is the whole workspace"


class Stop(serializers.Serializer[Any]):
    """Everybody in a scope is asked to stop."""

    id = serializers.IntegerField()
    scope = serializers.DictField(child=serializers.ListField(child=serializers.CharField()), help_text=SCOPE)
    whom = serializers.CharField(help_text="the scope in words")
    reason = serializers.CharField(help_text="kill: by a person; loop, budget: by an incident")
    message = serializers.CharField(help_text="why, as whoever asks is told")
    incident = serializers.IntegerField(allow_null=True)
    by = serializers.CharField(allow_null=True, help_text="who placed it; null: costwatch itself")
    placed_at = serializers.CharField(help_text="UTC")
    until = serializers.CharField(allow_null=True, help_text="UTC; null: until its incident is over")


STOP_PAGE = inline_serializer(
    "StopPage", {"items": Stop(many=True), "next_cursor": serializers.CharField(allow_null=True)}
)
WANTED = inline_serializer(
    "StopWanted",
    {
        "scope": serializers.DictField(help_text=SCOPE + "; a name alone stands for a list of one"),
        "message": serializers.CharField(max_length=kill.LONGEST_MESSAGE, help_text="why"),
        "until": serializers.DateTimeField(help_text="with its offset, ahead by at most 30 days"),
    },
)


class Stops(Reading):
    """`GET /api/v1/stops`, `POST /api/v1/stops`."""

    required_scope = "read"
    required_scopes = {"POST": "admin"}

    @extend_schema(
        operation_id="stops",
        summary="Who is asked to stop now",
        description="Newest first: by people, by open loop incidents, by blocking budgets.",
        parameters=[OpenApiParameter("reason", enum=["kill", "loop", "budget"]), *shapes.PAGING],
        responses={200: STOP_PAGE, **shapes.REFUSALS},
    )
    def get(self, request: Request) -> Response:
        page, now = self.page(), timezone.now()
        rows = kill.listing(self.workspace.pk, now, _word(request.query_params.get("reason", "")))
        if page["cursor"]:
            placed_at, number = from_cursor(LISTING, page["cursor"])
            rows = kill.after(rows, datetime.fromisoformat(placed_at), number)
        found = list(rows[: page["limit"] + 1])
        shown = found[: page["limit"]]
        last = shown[-1] if len(found) > len(shown) else None
        more = to_cursor(LISTING, [last.placed_at.isoformat(), last.pk]) if last else None
        return Response({"items": [told(row) for row in shown], "next_cursor": more})

    @extend_schema(
        operation_id="stop_order",
        summary="Ask somebody to stop",
        description="The guard and the answers of ingest say so within half a second. The same scope again replaces"
        " reason and end. Advisory: see the guard.",
        request=WANTED,
        responses={201: Stop, **shapes.REFUSALS},
    )
    def post(self, request: Request) -> Response:
        data = request.data if isinstance(request.data, dict) else {}
        by, workspace = actor(request), self.workspace
        try:
            with transaction.atomic():
                until = moment(data.get("until"))
                stop = kill.order(workspace.pk, data.get("scope"), data.get("message"), until, str(by), timezone.now())
                facts = {"scope": stop.scope, "until": _utc(stop.until), "message": stop.message}
                audit.record(workspace, by, "stop.placed", kill.whom(stop.scope), facts, audit.client_ip(request))
        except kill.BadStop as problem:
            raise BadQuery(problem.field, problem.message) from problem
        return Response(told(stop), status=201)


class Stopped(APIView):
    """`DELETE /api/v1/stops/{id}`."""

    required_scope = "admin"

    @extend_schema(
        operation_id="stop_lift",
        summary="Let them go on",
        description="For stops placed by people; 409 for those of a loop or a budget, which end with their incident."
        " Lifting one again changes nothing.",
        request=None,
        responses={204: None, **shapes.NOT_FOUND, **shapes.REFUSALS, 409: OpenApiResponse(shapes.Refusal)},
    )
    def delete(self, request: Request, stop_id: int) -> Response:
        workspace = caller(request).workspace
        stop = own_or_404(StopRow, workspace, pk=stop_id)
        try:
            with transaction.atomic():
                if kill.lift(stop, timezone.now()):
                    facts, ip = {"scope": stop.scope}, audit.client_ip(request)
                    audit.record(workspace, actor(request), "stop.lifted", kill.whom(stop.scope), facts, ip)
        except kill.NotLifted as problem:
            return Response({"error": {"code": "conflict", "message": str(problem), "field": None}}, status=409)
        return Response(status=204)


def told(stop: StopRow) -> dict[str, Any]:
    """A stop as the API shows it."""
    return {
        "id": stop.pk,
        "scope": stop.scope,
        "whom": kill.whom(stop.scope),
        "reason": stop.reason,
        "message": stop.message,
        "incident": stop.incident_id,
        "by": stop.actor or None,
        "placed_at": _utc(stop.placed_at),
        "until": _utc(stop.until),
    }


def _word(reason: str) -> str:
    if reason not in ("", "kill", "loop", "budget"):
        raise BadQuery("reason", "reason must be kill, loop or budget.")
    return reason


def _utc(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
