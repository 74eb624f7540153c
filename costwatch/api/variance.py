"""`GET /api/v1/variance` and `GET /api/v1/forecast`: why spend changed, and what the month will cost."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from costwatch.api import shapes
from costwatch.api.answers import coverage, usd
from costwatch.api.views import Reading
from costwatch.forecasts.accuracy import accuracy
from costwatch.spend.filters import BadQuery, SpendFilter, instant, zone_in
from costwatch.spend.outlooks import workspace_outlook
from costwatch.spend.variance import EFFECTS, Effects
from costwatch.spend.variances import Part, Variance, is_groupable, variance

ALL = "none"
MONEY = "USD as a decimal string"


class EffectsShape(serializers.Serializer[Any]):
    """The causes of a change; they add up to it exactly."""

    runs = serializers.CharField(help_text="more or fewer runs, and all of what is new or gone")
    calls = serializers.CharField(help_text="calls in a run")
    mix = serializers.CharField(help_text="dearer or cheaper models")
    input = serializers.CharField(help_text="length of prompts")
    output = serializers.CharField(help_text="length of answers")
    cache = serializers.CharField(help_text="share of prompts read from or written to a cache")
    price = serializers.CharField(help_text="prices of tokens")
    other = serializers.CharField(help_text="service tiers, fees, calls without a price, corrections")


class ChangeShape(serializers.Serializer[Any]):
    """What something cost in both ranges, and why that differs."""

    cost_before_usd = serializers.CharField(help_text=MONEY)
    cost_usd = serializers.CharField(help_text=MONEY)
    change_usd = serializers.CharField(help_text=MONEY)
    effects = EffectsShape()


class PartShape(ChangeShape):
    """One value of the grouping."""

    value = serializers.CharField(
        allow_null=True, allow_blank=True, help_text="empty = not attributed, null in `other`"
    )
    other = serializers.BooleanField(required=False, help_text="true: all values without a part of their own")


class VarianceShape(serializers.Serializer[Any]):
    """The difference between two ranges; the parts add up to the total, the effects to the changes."""

    by = serializers.CharField(allow_null=True)
    before = serializers.DictField(help_text="from, to and coverage of the range before")
    now = serializers.DictField(help_text="from, to and coverage of the range")
    total = ChangeShape()
    parts = PartShape(many=True)


class ForecastShape(serializers.Serializer[Any]):
    """What the workspace's running month will cost; null where there is not enough data."""

    month = serializers.CharField()
    spent_usd = serializers.CharField(help_text=f"so far, today included; {MONEY}")
    low_usd = serializers.CharField(allow_null=True, help_text="lower end of the 80 % band")
    forecast_usd = serializers.CharField(allow_null=True)
    high_usd = serializers.CharField(allow_null=True)
    method = serializers.ChoiceField(("weekday", "last7"), allow_null=True)
    run_rate_usd = serializers.CharField(allow_null=True, help_text="if all days were like the whole ones so far")
    accuracy = serializers.DictField(
        allow_null=True, help_text="of the last three months: forecasts, error, run_rate_error (WAPE), in_band"
    )


class VarianceView(Reading):
    """`GET /api/v1/variance`."""

    @extend_schema(
        operation_id="variance",
        summary="Why spend changed",
        description="The difference between a range and one before it, split exactly into runs, calls in a run, mix of"
        " models, length of prompts and answers, cache, prices and the rest. `before_from` and `before_to` are by"
        " default as long a range just before.",
        parameters=[
            *shapes.RANGE,
            OpenApiParameter("before_from", OpenApiTypes.STR),
            OpenApiParameter("before_to", OpenApiTypes.STR),
            OpenApiParameter("by", OpenApiTypes.STR, description="agent (default), user, task …, tag.<name>, or none"),
            *shapes.FILTERS,
        ],
        responses={200: VarianceShape, **shapes.REFUSALS},
    )
    def get(self, request: Request) -> Response:
        params = request.query_params
        after = self.filter(days=30)
        tz = zone_in(params, self.workspace)
        start, end = params.get("before_from"), params.get("before_to")
        upto = instant("before_to", end, tz) if end else after.start
        since = instant("before_from", start, tz) if start else upto - (after.end - after.start)
        if since >= upto:
            raise BadQuery("before_to", "The range before is empty: before_to must be later than before_from.")
        by = _by(params.get("by") or "agent")
        before = after.within(since, upto)
        return Response(told(variance(self.workspace, before, after, timezone.now(), by), by, before, after))


class ForecastView(Reading):
    """`GET /api/v1/forecast`."""

    @extend_schema(
        operation_id="forecast",
        summary="What the month will cost",
        description="Of the whole workspace, with its 80 % band, beside the run-rate; and how good past ones were.",
        responses={200: ForecastShape, **shapes.REFUSALS},
    )
    def get(self, request: Request) -> Response:
        now = timezone.now()
        found, scored = workspace_outlook(self.workspace, now), accuracy(self.workspace, now)
        total = found.total
        return Response(
            {
                "month": f"{found.first:%Y-%m}",
                "spent_usd": usd(found.spent),
                "low_usd": total and usd(total.low),
                "forecast_usd": total and usd(total.mid),
                "high_usd": total and usd(total.high),
                "method": found.coming and found.coming.method,
                "run_rate_usd": None if found.rate is None else usd(found.rate),
                "accuracy": scored
                and {
                    "forecasts": scored.whole.days,
                    "error": round(float(scored.whole.error), 4),
                    "run_rate_error": round(float(scored.whole.naive), 4),
                    "in_band": round(float(scored.whole.in_band), 4),
                },
            }
        )


def told(found: Variance, by: str, before: SpendFilter, after: SpendFilter) -> dict[str, Any]:
    """A variance as JSON."""
    return {
        "by": by or None,
        "before": {"from": before.start, "to": before.end, "coverage": coverage(found.before)},
        "now": {"from": after.start, "to": after.end, "coverage": coverage(found.after)},
        "total": _change(found, found.effects),
        "parts": [_part(part) for part in found.parts] if by else [],
    }


def _part(part: Part) -> dict[str, Any]:
    other = {"other": True} if part.value is None else {}
    return {"value": part.value, **other, **_change(part, part.effects)}


def _change(of: Variance | Part, effects: Effects) -> dict[str, Any]:
    return {
        "cost_before_usd": usd(of.before.cost),
        "cost_usd": usd(of.after.cost),
        "change_usd": usd(of.change),
        "effects": {name: usd(effects[name]) for name in EFFECTS},
    }


def _by(name: str) -> str:
    if name == ALL:
        return ""
    if not is_groupable(name):
        raise BadQuery("by", "by must be none, user, a label such as agent, task, model or key, or tag.<name>.")
    return name
