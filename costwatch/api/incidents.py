"""Incidents over the API: listed, and acted on."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from costwatch.accounts import audit
from costwatch.accounts.access import own_or_404
from costwatch.accounts.drf import caller
from costwatch.accounts.models import Member
from costwatch.alerts import incidents, listing
from costwatch.alerts.models import Delivery as DeliveryRow
from costwatch.alerts.models import Incident as IncidentRow
from costwatch.alerts.models import Kind, Severity, State
from costwatch.anomalies import lessons as expectations
from costwatch.api import shapes
from costwatch.api.keys import actor
from costwatch.api.moments import moment
from costwatch.api.views import Reading
from costwatch.spend.filters import BadQuery, choice
from costwatch.spend.page import from_cursor, to_cursor

LISTING = "incidents"
SNOOZE = timedelta(hours=24)
LONGEST_SNOOZE = timedelta(days=365)
LONGEST_NOTE = 2_000


class Delivery(serializers.Serializer[Any]):
    """A message that told of an incident, perhaps of others as well."""

    id = serializers.CharField(help_text="the same in every attempt, and in the message itself")
    type = serializers.ChoiceField(DeliveryRow.Type.values)
    channel = serializers.IntegerField()
    channel_name = serializers.CharField()
    kind = serializers.CharField(help_text="of the channel")
    state = serializers.ChoiceField(DeliveryRow.State.values)
    attempts = serializers.IntegerField()
    created_at = serializers.CharField()
    sent_at = serializers.CharField(allow_null=True)
    status = serializers.IntegerField(allow_null=True, help_text="of the last answer")
    answer = serializers.CharField()
    latency_ms = serializers.IntegerField(allow_null=True, help_text="of the last attempt")


class Incident(serializers.Serializer[Any]):
    """Something that somebody should look at."""

    id = serializers.IntegerField()
    kind = serializers.ChoiceField(Kind.values)
    severity = serializers.ChoiceField(Severity.values, help_text="a notice calls nobody, an alarm does")
    state = serializers.ChoiceField(State.values)
    title = serializers.CharField()
    message = serializers.CharField(help_text="what is the matter, in sentences")
    subject = serializers.CharField(help_text="whom it is about, e.g. the agent")
    run_id = serializers.CharField(allow_null=True)
    opened_at = serializers.CharField(help_text="time of the event that decided it, UTC")
    opened_by_event = serializers.CharField(allow_null=True, help_text="id of that event")
    recorded_at = serializers.CharField(help_text="when it was found, UTC")
    snoozed_until = serializers.CharField(allow_null=True)
    owner = serializers.CharField(allow_null=True, help_text="e-mail of the member who looks after it")
    amount_usd = serializers.CharField(allow_null=True, help_text="dollars at stake")
    facts = serializers.DictField(help_text="the figures behind the message")
    deliveries = Delivery(many=True, help_text="messages sent about it")


INCIDENT_PAGE = inline_serializer(
    "IncidentPage", {"items": Incident(many=True), "next_cursor": serializers.CharField(allow_null=True)}
)
NOTED = inline_serializer(
    "IncidentAction",
    {
        "note": serializers.CharField(required=False, max_length=LONGEST_NOTE),
        "until": serializers.DateTimeField(required=False, help_text="end of a snooze; by default in 24 hours"),
        "owner": serializers.CharField(required=False, allow_null=True, help_text="e-mail of a member"),
    },
)


class Incidents(Reading):
    """`GET /api/v1/incidents`."""

    @extend_schema(
        operation_id="incidents",
        summary="Incidents",
        description="Newest first, by the time of the event that decided them.",
        parameters=[
            OpenApiParameter("kind", enum=Kind.values),
            OpenApiParameter("state", enum=list(listing.STATES), description="pending: not over"),
            OpenApiParameter("run_id"),
            *shapes.PAGING,
        ],
        responses={200: INCIDENT_PAGE, **shapes.REFUSALS},
    )
    def get(self, request: Request) -> Response:
        params, page = request.query_params, self.page()
        rows = listing.find(
            self.workspace.pk,
            choice(params, "kind", "", Kind.values) if params.get("kind") else "",
            choice(params, "state", "", listing.STATES) if params.get("state") else "",
            _without_nul(params.get("run_id", "")),
        )
        if page["cursor"]:
            opened_at, number = from_cursor(LISTING, page["cursor"])
            rows = listing.after(rows, (opened_at, number))
        found = list(listing.with_deliveries(rows)[: page["limit"] + 1])
        shown = found[: page["limit"]]
        more = to_cursor(LISTING, list(listing.position(shown[-1]))) if len(found) > len(shown) else None
        return Response({"items": [listing.told(row) for row in shown], "next_cursor": more})


class IncidentAct(APIView):
    """`POST /api/v1/incidents/{id}/{ack|snooze|resolve|expected|note|owner}`."""

    required_scope = "admin"

    @extend_schema(
        operation_id="incident_act",
        summary="Acknowledge, snooze, resolve, mark as expected; note, owner",
        description="Doing again what is done already changes nothing. 409 where the state does not allow it."
        " `note` adds the note alone, `owner` gives it to a member (e-mail) or to nobody (null).",
        request=NOTED,
        responses={200: Incident, **shapes.NOT_FOUND, **shapes.REFUSALS, 409: OpenApiResponse(shapes.Refusal)},
    )
    def post(self, request: Request, incident_id: int, action: str) -> Response:
        user = caller(request)
        incident = own_or_404(IncidentRow, user.workspace, pk=incident_id)
        data, now = request.data if isinstance(request.data, dict) else {}, timezone.now()
        if action in ("note", "owner"):
            self._say(request, incident, action, data, now)
            return Response(listing.told(incident))
        if action not in incidents.ACTIONS:
            raise Http404("Incidents know ack, snooze, resolve, expected, note and owner.")
        until = _until(data.get("until"), now) if action == "snooze" else None
        note = _without_nul(str(data.get("note") or ""))[:LONGEST_NOTE]
        try:
            with transaction.atomic():
                if incidents.act(incident, action, str(actor(request)), now, until=until, text=note):
                    facts, ip = {"state": incident.state}, audit.client_ip(request)
                    audit.record(user.workspace, actor(request), f"incident.{action}", incident, facts, ip)
                    if action == "expected" and (known := expectations.learn(incident, str(actor(request)), now)):
                        taught = {"incident": incident.pk}
                        audit.record(user.workspace, actor(request), "anomalies.taught", known, taught, ip)
        except incidents.NotPossible as problem:
            error = {"code": "conflict", "message": str(problem), "field": None}
            return Response({"error": error}, status=409)
        return Response(listing.told(incident))

    def _say(self, request: Request, incident: IncidentRow, action: str, data: dict[str, Any], now: datetime) -> None:
        """Note something, or change the owner; both stand in the timeline and the audit log."""
        by, facts = actor(request), {}
        with transaction.atomic():
            if action == "note":
                incidents.comment(incident, _note(data), str(by), now)
            else:
                owner = _member(incident, data.get("owner"))
                facts = {"owner": owner and owner.email}
                incidents.assign(incident, owner, str(by), now)
            audit.record(incident.workspace, by, f"incident.{action}", incident, facts, audit.client_ip(request))


def _note(data: dict[str, Any]) -> str:
    text = _without_nul(str(data.get("note") or "")).strip()[:LONGEST_NOTE]
    if not text:
        raise BadQuery("note", "Write something in note.")
    return text


def _member(incident: IncidentRow, email: Any) -> Member | None:
    """The member of this workspace with this e-mail; None for null. Raises BadQuery."""
    if email is None:
        return None
    found = Member.objects.filter(workspace=incident.workspace, is_active=True, email=_without_nul(str(email))).first()
    if found is None:
        raise BadQuery("owner", "owner is the e-mail address of a member of this workspace, or null.")
    return found


def _until(value: Any, now: datetime) -> datetime:
    """When a snooze ends. Raises BadQuery for what is no time ahead."""
    if value is None:
        return now + SNOOZE
    until = moment(value)
    if until is None or not now < until <= now + LONGEST_SNOOZE:
        raise BadQuery("until", "until must be an RFC 3339 time with its offset, ahead by at most a year.")
    return until


def _without_nul(text: str) -> str:
    """Text that PostgreSQL can take; no id holds a NUL."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
