"""Channels over the API: made (a webhook's signing secret is shown once), listed, changed, tried out, taken away."""

from typing import Any

from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from costwatch.accounts import audit
from costwatch.accounts.access import own_or_404
from costwatch.accounts.drf import caller
from costwatch.alerts import channels, deliver, trouble
from costwatch.alerts.models import Channel as ChannelRow
from costwatch.alerts.models import Kind, Severity
from costwatch.alerts.transports import MODULES, transport
from costwatch.alerts.transports.parts import BadChannel, Receipt
from costwatch.api import shapes
from costwatch.api.keys import actor
from costwatch.spend.filters import BadQuery, whole_number
from costwatch.spend.page import MOST_ITEMS, from_cursor, to_cursor

LISTING = "channels"
NO_STORE = {"Cache-Control": "no-store"}


class ChannelOptions(serializers.Serializer[Any]):
    """What goes over a channel, and when."""

    name = serializers.CharField(max_length=200)
    min_severity = serializers.ChoiceField(Severity.values[1:], required=False)
    kinds = serializers.ListField(child=serializers.ChoiceField(Kind.values), required=False, help_text="empty: all")
    is_default = serializers.BooleanField(required=False, help_text="used where nobody has chosen channels")
    quiet_from = serializers.CharField(allow_null=True, required=False, help_text="22:00; then only what is critical")
    quiet_until = serializers.CharField(allow_null=True, required=False)
    time_zone = serializers.CharField(required=False, help_text="of the quiet hours; empty: the workspace's")
    escalate_to = serializers.IntegerField(allow_null=True, required=False, help_text="id of another channel")
    escalate_minutes = serializers.IntegerField(allow_null=True, required=False, help_text="without acknowledgement")
    renotify_minutes = serializers.IntegerField(allow_null=True, required=False, help_text="while it is open")


class Channel(ChannelOptions):
    """A channel. What its kind needs stands beside the options; secrets are shown by their end only."""

    id = serializers.IntegerField()
    kind = serializers.ChoiceField(list(MODULES))
    enabled = serializers.BooleanField()
    disabled_reason = serializers.CharField()
    created_at = serializers.DateTimeField()
    url = serializers.CharField(required=False)
    to = serializers.ListField(child=serializers.CharField(), required=False)
    routing_key = serializers.CharField(required=False)
    token = serializers.CharField(required=False)
    channel = serializers.CharField(required=False, help_text="of a Slack bot")


class ChannelWanted(ChannelOptions):
    """A channel to be made or changed."""

    kind = serializers.ChoiceField(list(MODULES), help_text="cannot be changed")
    url = serializers.CharField(required=False, help_text="webhook, slack, teams, apprise; pagerduty: of a region")
    to = serializers.ListField(child=serializers.CharField(), required=False, help_text="email")
    routing_key = serializers.CharField(required=False, help_text="pagerduty")
    token = serializers.CharField(required=False, help_text="slack, with `channel`, instead of `url`")
    channel = serializers.CharField(required=False)
    enabled = serializers.BooleanField(required=False)


class ChannelMade(Channel):
    """A channel just made; `secret` is what signs a webhook's messages and is shown this once."""

    secret = serializers.CharField(required=False)


PAGE = inline_serializer(
    "ChannelPage", {"items": Channel(many=True), "next_cursor": serializers.CharField(allow_null=True)}
)
ROTATED = inline_serializer("ChannelSecret", {"secret": serializers.CharField()})
TESTED = inline_serializer(
    "ChannelTest",
    {
        "ok": serializers.BooleanField(),
        "status": serializers.IntegerField(allow_null=True, help_text="of the answer"),
        "answer": serializers.CharField(),
    },
)
EXAMPLES = [
    OpenApiExample("webhook", {"kind": "webhook", "name": "ops", "url": "https://ops.example.org/hook"},
                   request_only=True),
    OpenApiExample("e-mail", {"kind": "email", "name": "finance", "to": ["finance@example.org"]}, request_only=True),
]  # fmt: skip


class Channels(APIView):
    """`GET /api/v1/channels`, `POST /api/v1/channels`."""

    required_scope = "read"
    required_scopes = {"POST": "admin"}

    @extend_schema(
        operation_id="channels_list",
        summary="Channels",
        parameters=shapes.PAGING,
        responses={200: PAGE, **shapes.REFUSALS},
    )
    def get(self, request: Request) -> Response:
        """By name."""
        rows, params = channels.of(caller(request).workspace), request.query_params
        limit = whole_number(params, "limit", 100, MOST_ITEMS)
        start = from_cursor(LISTING, params["cursor"])[0] if params.get("cursor") else 0
        found = list(rows[start : start + limit + 1])
        more = to_cursor(LISTING, [start + limit]) if len(found) > limit else None
        return Response({"items": [shown(row) for row in found[:limit]], "next_cursor": more})

    @extend_schema(
        operation_id="channels_create",
        summary="Make a channel",
        description="The answer holds the `secret` of a webhook, once: it signs every message (docs/alerts.md).",
        request=ChannelWanted,
        responses={201: ChannelMade, **shapes.REFUSALS, 422: OpenApiResponse(shapes.Refusal)},
        examples=EXAMPLES,
    )
    def post(self, request: Request) -> Response:
        """Audited; never with a secret."""
        user, data = caller(request), _data(request)
        try:
            with transaction.atomic():
                channel, secret = channels.create(user.workspace, data)
                if _enabled(data) is False:
                    channels.disable(channel, "", timezone.now())
                _note(request, "channel.created", channel)
        except BadChannel as problem:
            return _refused(problem)
        return Response({**shown(channel), **({"secret": secret} if secret else {})}, status=201, headers=NO_STORE)


class OneChannel(APIView):
    """`GET`, `PATCH`, `DELETE /api/v1/channels/{id}`."""

    required_scope = "read"
    required_scopes = {"PATCH": "admin", "DELETE": "admin"}

    @extend_schema(operation_id="channel", summary="A channel", responses={200: Channel, **shapes.NOT_FOUND})
    def get(self, request: Request, channel_id: int) -> Response:
        """Without its secrets."""
        return Response(shown(own(request, channel_id)))

    @extend_schema(
        operation_id="channel_change",
        summary="Change a channel",
        description="What is not named stays. `enabled: true` switches on again what was switched off.",
        request=ChannelWanted,
        responses={200: Channel, **shapes.NOT_FOUND, **shapes.REFUSALS, 422: OpenApiResponse(shapes.Refusal)},
    )
    def patch(self, request: Request, channel_id: int) -> Response:
        """Audited where something changes."""
        channel, data = own(request, channel_id), _data(request)
        try:
            with transaction.atomic():
                if "kind" in data and data["kind"] != channel.kind:
                    raise BadChannel("kind", "The kind of a channel cannot be changed; make another channel.")
                if channels.change(channel, data):
                    _note(request, "channel.changed", channel)
                self._switch(request, channel, _enabled(data))
        except BadChannel as problem:
            return _refused(problem)
        return Response(shown(channel))

    @extend_schema(operation_id="channel_delete", summary="Take a channel away", request=None, responses={204: None})
    def delete(self, request: Request, channel_id: int) -> Response:
        """What was sent stays in the history."""
        channel = own(request, channel_id)
        with transaction.atomic():
            channels.delete(channel, timezone.now())
            _note(request, "channel.deleted", channel)
        return Response(status=204)

    def _switch(self, request: Request, channel: ChannelRow, enabled: bool | None) -> None:
        if enabled is None:
            return
        done = channels.enable(channel) if enabled else channels.disable(channel, "", timezone.now())
        if done:
            trouble.settle(channel, "The channel is switched on again" if enabled else "The channel is switched off")
            _note(request, "channel.enabled" if enabled else "channel.disabled", channel)


class ChannelTest(APIView):
    """`POST /api/v1/channels/{id}/test`."""

    required_scope = "admin"

    @extend_schema(
        operation_id="channel_test",
        summary="Send a test message",
        description="Sent at once, within ten seconds; the answer is what the other side said.",
        request=None,
        responses={200: TESTED, **shapes.NOT_FOUND},
    )
    def post(self, request: Request, channel_id: int) -> Response:
        """Also for a channel that is switched off."""
        channel = own(request, channel_id)
        result = deliver.test(channel)
        well = isinstance(result, Receipt)
        _note(request, "channel.tested", channel, ok=well)
        said = result.answer if isinstance(result, Receipt) else str(result)
        return Response({"ok": well, "status": result.status, "answer": said})


class ChannelRotate(APIView):
    """`POST /api/v1/channels/{id}/rotate`."""

    required_scope = "admin"

    @extend_schema(
        operation_id="channel_rotate",
        summary="A new signing secret for a webhook",
        description="Messages carry a signature by each: the old secret goes on signing for 24 hours.",
        request=None,
        responses={200: ROTATED, **shapes.NOT_FOUND, 422: OpenApiResponse(shapes.Refusal)},
    )
    def post(self, request: Request, channel_id: int) -> Response:
        """Shown this once."""
        channel = own(request, channel_id)
        try:
            with transaction.atomic():
                secret = channels.rotate(channel)
                _note(request, "channel.rotated", channel)
        except BadChannel as problem:
            return _refused(problem)
        return Response({"secret": secret}, headers=NO_STORE)


def shown(channel: ChannelRow) -> dict[str, Any]:
    """A channel as the API shows it."""
    return {
        "id": channel.pk,
        "kind": channel.kind,
        "name": channel.name,
        **{name: channel.shown[name] for name in _fields(channel) if name in channel.shown},
        "min_severity": channel.min_severity,
        "kinds": channel.kinds,
        "is_default": channel.is_default,
        "quiet_from": channel.quiet_from and f"{channel.quiet_from:%H:%M}",
        "quiet_until": channel.quiet_until and f"{channel.quiet_until:%H:%M}",
        "time_zone": channel.time_zone,
        "escalate_to": channel.escalate_to_id,
        "escalate_minutes": channel.escalate_minutes,
        "renotify_minutes": channel.renotify_minutes,
        "enabled": channel.disabled_at is None,
        "disabled_reason": channel.disabled_reason,
        "created_at": channel.created_at,
    }


def _enabled(data: dict[str, Any]) -> bool | None:
    """Whether it is to be used; None where nothing is said of it."""
    enabled = data.get("enabled")
    if enabled is not None and not isinstance(enabled, bool):
        raise BadChannel("enabled", "enabled is true or false.")
    return enabled


def own(request: Request, channel_id: int) -> ChannelRow:
    """The caller's channel of this id. Raises Http404."""
    found: ChannelRow = own_or_404(ChannelRow.objects.filter(deleted_at=None), caller(request).workspace, pk=channel_id)
    return found


def _fields(channel: ChannelRow) -> list[str]:
    return [field.name for field in transport(channel.kind).FIELDS]


def _data(request: Request) -> dict[str, Any]:
    if not isinstance(request.data, dict):
        raise BadQuery("", "Send a JSON object.")
    return dict(request.data)


def _note(request: Request, action: str, channel: ChannelRow, **facts: Any) -> None:
    told = {"kind": channel.kind, "shown": channel.shown, **facts}
    audit.record(channel.workspace, actor(request), action, channel, told, audit.client_ip(request))


def _refused(problem: BadChannel) -> Response:
    error = {"code": "invalid", "message": problem.message, "field": problem.field}
    return Response({"error": error}, status=422)
