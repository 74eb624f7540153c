"""Prices over the API: the catalogue and the workspace's own; agreeing on another."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from costwatch.accounts import audit
from costwatch.accounts.drf import caller
from costwatch.api.keys import actor
from costwatch.api.shapes import REFUSALS
from costwatch.lib.periods import zone
from costwatch.pricing import agree, listing
from costwatch.pricing.agreements import BadPrice, parse
from costwatch.pricing.models import PriceVersion
from costwatch.pricing.names import canonical_provider
from costwatch.spend.filters import choice, instant, whole_number
from costwatch.spend.page import MOST_ITEMS, from_cursor, to_cursor
from costwatch.spend.shown import usd


class Component(serializers.Serializer[Any]):
    """What one unit costs."""

    unit = serializers.CharField(help_text="input, cache_read, cache_write_5m, output, web_search, …")
    price_usd = serializers.CharField(help_text="USD for `per` units, a decimal string")
    per = serializers.IntegerField(help_text="1,000,000 for tokens")
    threshold = serializers.IntegerField(help_text="only for prompts of more tokens than this; then for all of them")


class Price(serializers.Serializer[Any]):
    """What a model costs at a provider from one moment until another."""

    id = serializers.IntegerField()
    origin = serializers.ChoiceField(listing.ORIGINS)
    provider = serializers.CharField(help_text="empty in an override: any provider")
    model = serializers.CharField(help_text="a name; in an override also a pattern with *")
    region = serializers.CharField(allow_null=True)
    tier = serializers.CharField(help_text="standard, batch, flex, priority, fast, or every")
    schedule = serializers.CharField(allow_null=True, help_text="the hours in which it holds")
    valid_from = serializers.DateTimeField(allow_null=True)
    valid_until = serializers.DateTimeField(allow_null=True)
    multiplier = serializers.CharField(allow_null=True, help_text="so much of the catalogue's price")
    free = serializers.BooleanField()
    components = Component(many=True)
    release = serializers.CharField(allow_null=True)
    source = serializers.CharField()  # type: ignore[assignment]


PAGE = inline_serializer(
    "PricePage", {"items": Price(many=True), "next_cursor": serializers.CharField(allow_null=True)}
)
WANTED = inline_serializer(
    "PriceWanted",
    {
        "provider": serializers.CharField(required=False, help_text="empty: any"),
        "model": serializers.CharField(help_text="a name, or a pattern with *"),
        "prices": serializers.DictField(
            required=False,
            help_text="unit → USD of 1M tokens, or of one search, page, second; or web_search_per_1k",
        ),
        "components": Component(many=True, required=False),
        "multiplier": serializers.CharField(required=False, help_text="instead of prices: 0.85 is 15 % off"),
        "discount_percent": serializers.CharField(required=False, help_text="the same as 15"),
        "free": serializers.BooleanField(required=False, help_text="instead of prices: free of charge"),
        "tier": serializers.CharField(required=False),
        "region": serializers.CharField(required=False),
        "valid_from": serializers.CharField(required=False, help_text="default: ever"),
        "valid_until": serializers.CharField(required=False),
        "source": serializers.CharField(required=False, help_text="why, for the audit log"),
    },
)
EXAMPLE = OpenApiExample(
    "a quote",
    value={
        "provider": "google",
        "model": "gemini-3.6-pro-preview-11",
        "valid_from": "2026-11-17",
        "prices": {"input": "4.00", "cached_input": "0.40", "output": "18.00"},
        "source": "Quote of 17 Nov",
    },
    request_only=True,
)


class Prices(APIView):
    """`GET /api/v1/prices`, `POST /api/v1/prices`."""

    required_scope = "read"
    required_scopes = {"POST": "admin"}

    @extend_schema(
        operation_id="prices_list",
        summary="Prices",
        description="The prices in force at a time, by default now: the catalogue's and the workspace's own.",
        parameters=[
            OpenApiParameter("q", description="words in the names of provider or model"),
            OpenApiParameter("provider"),
            OpenApiParameter("model", description="exactly this one"),
            OpenApiParameter("origin", enum=listing.ORIGINS),
            OpenApiParameter("at", description="a time, or `all` for the prices of all times"),
            OpenApiParameter("limit", int),
            OpenApiParameter("cursor"),
        ],
        responses={200: PAGE, **REFUSALS},
    )
    def get(self, request: Request) -> Response:
        """By provider and model."""
        params, workspace = request.query_params, caller(request).workspace
        rows = listing.prices(
            workspace,
            words=params.get("q", ""),
            provider=canonical_provider(params.get("provider", "")).replace("\0", ""),
            model=params.get("model", "").strip().lower().replace("\0", ""),
            origin=choice(params, "origin", "", ("", *listing.ORIGINS)),
        )
        if params.get("at") != "all":
            moment = instant("at", params["at"], zone(workspace.time_zone)) if params.get("at") else timezone.now()
            rows = listing.at(rows, moment)
        limit = whole_number(params, "limit", 100, MOST_ITEMS)
        start = from_cursor("prices", params["cursor"])[0] if params.get("cursor") else 0
        found = list(rows[start : start + limit + 1])
        more = to_cursor("prices", [start + limit]) if len(found) > limit else None
        return Response({"items": [shown(row) for row in found[:limit]], "next_cursor": more})

    @extend_schema(
        operation_id="prices_create",
        summary="Agree on a price",
        description="An override, a discount or free of charge for a model of this workspace, from `valid_from` on."
        " What held before for the same model and tier ends there. Calls that are in the books already keep their cost"
        " until they are repriced.",
        request=WANTED,
        responses={201: Price, **REFUSALS},
        examples=[EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        """Answered once it is in force everywhere."""
        user = caller(request)
        try:
            agreement = parse(request.data if isinstance(request.data, dict) else {}, zone(user.workspace.time_zone))
            version = agree.add(user.workspace, agreement, actor(request), audit.client_ip(request))
        except BadPrice as problem:
            error = {"code": "invalid", "message": problem.message, "field": problem.field}
            return Response({"error": error}, status=422)
        agree.spread()
        return Response(shown(version), status=201)


def shown(version: PriceVersion) -> dict[str, Any]:
    """A price as the API tells it."""
    line = version.line
    components = sorted(version.components.all(), key=lambda c: (c.threshold, c.pk))
    return {
        "id": version.pk,
        "origin": "override" if line.workspace_id else "catalog",
        "provider": line.provider,
        "model": line.model,
        "region": line.region or None,
        "tier": line.variant or "every",
        "schedule": line.schedule or None,
        "valid_from": version.valid_from,
        "valid_until": version.valid_until,
        "multiplier": usd(version.multiplier),
        "free": version.multiplier is None and not any(c.price for c in components),
        "components": [
            {"unit": c.unit, "price_usd": f"{c.price.normalize():f}", "per": c.per, "threshold": c.threshold}
            for c in components
        ],
        "release": version.release.name if version.release else None,
        "source": version.source,
    }
