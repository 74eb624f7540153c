"""API keys over the API: made (shown once), listed (never shown), revoked."""

from datetime import datetime
from typing import Any

from django.db import transaction
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from costwatch.accounts import audit
from costwatch.accounts.access import own_or_404
from costwatch.accounts.drf import KeyHolder, caller
from costwatch.accounts.keys import SCOPES, KeyInvalid, create_key, revoke
from costwatch.accounts.models import ApiKey, Member
from costwatch.api.moments import moment

SCOPES_FIELD = serializers.ListField(child=serializers.ChoiceField(SCOPES))
WANTED = inline_serializer(
    "KeyWanted",
    {
        "name": serializers.CharField(max_length=200),
        "scopes": SCOPES_FIELD,
        "expires_at": serializers.DateTimeField(required=False, allow_null=True),
    },
)
MADE = inline_serializer("KeyMade", {"id": serializers.IntegerField(), "key": serializers.CharField()})


class KeyShown(serializers.ModelSerializer[ApiKey]):
    """What a key is known by; never the key itself."""

    scopes = SCOPES_FIELD

    class Meta:
        model = ApiKey
        fields = (
            *("id", "name", "prefix", "last4", "scopes"),
            *("created_at", "expires_at", "revoked_at", "last_used_at"),
        )


KEY_PAGE = inline_serializer(
    "KeyPage", {"items": KeyShown(many=True), "next_cursor": serializers.CharField(allow_null=True)}
)


class Keys(APIView):
    """`GET /api/v1/keys`, `POST /api/v1/keys`."""

    required_scope = "admin"

    @extend_schema(
        operation_id="keys_list",
        parameters=[OpenApiParameter("limit", int), OpenApiParameter("cursor")],
        responses=KEY_PAGE,
    )
    def get(self, request: Request) -> Response:
        """The workspace's keys, newest first; `cursor` is the id after which to go on."""
        rows = ApiKey.objects.filter(workspace=caller(request).workspace).order_by("-id")
        limit, cursor = whole_within(request, "limit", 100, 1_000), whole_within(request, "cursor", 0, 2**63 - 1)
        page = list((rows.filter(pk__lt=cursor) if cursor else rows)[: limit + 1])
        more = page[limit - 1].pk if len(page) > limit else None
        return Response({"items": KeyShown(page[:limit], many=True).data, "next_cursor": more and str(more)})

    @extend_schema(operation_id="keys_create", request=WANTED, responses={201: MADE})
    def post(self, request: Request) -> Response:
        """Make a key from `name`, `scopes` and perhaps `expires_at`; its text is in this answer and nowhere else."""
        data = request.data if isinstance(request.data, dict) else {}
        user = caller(request)
        try:
            with transaction.atomic():
                key, text = create_key(
                    user.workspace,
                    data.get("name", ""),
                    data.get("scopes", ()),
                    created_by=user if isinstance(user, Member) else None,
                    expires_at=_expiry(data.get("expires_at")),
                )
                facts = {"scopes": key.scopes}
                audit.record(user.workspace, actor(request), "key.created", key, facts, audit.client_ip(request))
        except KeyInvalid as problem:
            error = {"code": "invalid", "message": problem.message, "field": problem.field}
            return Response({"error": error}, status=422)
        return Response({"id": key.pk, "key": text}, status=201, headers={"Cache-Control": "no-store"})


class Key(APIView):
    """`DELETE /api/v1/keys/{id}`."""

    required_scope = "admin"

    @extend_schema(operation_id="keys_revoke", request=None, responses={204: None})
    def delete(self, request: Request, key_id: int) -> Response:
        """Revoke a key: refused everywhere within a second. Revoking it again changes nothing."""
        key = own_or_404(ApiKey, caller(request).workspace, pk=key_id)
        with transaction.atomic():
            if revoke(key):
                facts = {"scopes": key.scopes}
                audit.record(key.workspace, actor(request), "key.revoked", key, facts, audit.client_ip(request))
        return Response(status=204)


def actor(request: Request) -> Member | ApiKey:
    """Who calls, for the audit log."""
    user = caller(request)
    return ApiKey.objects.get(pk=user.identity.key_id) if isinstance(user, KeyHolder) else user


def _expiry(value: Any) -> datetime | None:
    """The time in `expires_at`, absent or null for none. Raises KeyInvalid."""
    at = moment(value)
    if at is None and value is not None:
        raise KeyInvalid("expires_at", "expires_at must be an RFC 3339 time with its offset.")
    return at


def whole_within(request: Request, name: str, default: int, most: int) -> int:
    """A whole number of the query, held within 1 and `most`; anything else is the default."""
    text = request.query_params.get(name, "")
    return min(max(int(text), 1), most) if text.isascii() and text.isdigit() and len(text) < 20 else default
