"""`GET /api/v1/compare`: two releases, prompt versions or models side by side, with a verdict for pipelines."""

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from costwatch.api import shapes
from costwatch.api.answers import usd
from costwatch.api.views import Reading
from costwatch.spend.compare import TOLERANCE, Interval, Judged
from costwatch.spend.comparison import DECIDING, MEASURES, Comparison, Side, compare
from costwatch.spend.dimensions import is_attribution, is_dimension
from costwatch.spend.filters import BadQuery, choice, words

ANSWERS = ("json", "exit_code")
VERDICTS = ("better", "worse", "no_difference", "too_little_data")


class IntervalShape(serializers.Serializer[Any]):
    """An estimate with its 95 % interval."""

    value = serializers.FloatField()
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)


class JudgedShape(serializers.Serializer[Any]):
    """One measure of both sides; less is better."""

    baseline = IntervalShape(allow_null=True)
    candidate = IntervalShape(allow_null=True)
    difference = IntervalShape(
        allow_null=True, help_text="as a share of the baseline; of a rate: in points (0.01 = 1 %)"
    )
    verdict = serializers.ChoiceField(VERDICTS)


class SideShape(serializers.Serializer[Any]):
    """What was looked at of one side."""

    value = serializers.CharField(allow_blank=True)
    units = serializers.IntegerField(help_text="runs, or events where nothing names a run")
    left_out = serializers.IntegerField(help_text="runs (events) with calls that have no price")
    calls = serializers.IntegerField()
    cost_usd = serializers.CharField(help_text="of those, USD as a decimal string")
    p50_usd = serializers.CharField(allow_null=True, help_text="half of them cost at most this")
    p90_usd = serializers.CharField(allow_null=True)


class ComparisonShape(serializers.Serializer[Any]):
    """Two values of a dimension side by side."""

    dimension = serializers.CharField()
    by = serializers.ChoiceField(("run", "event"), help_text="what the intervals take to be independent")
    baseline = SideShape()
    candidate = SideShape()
    measures = serializers.DictField(child=JudgedShape(), help_text=f"one for each of {', '.join(MEASURES)}")
    deciding = serializers.ListField(child=serializers.CharField(), help_text="the measures that make the verdict")
    verdict = serializers.ChoiceField(VERDICTS)
    exit_code = serializers.IntegerField(help_text="0 better or no difference, 1 worse, 2 too little data")


class Compare(Reading):
    """`GET /api/v1/compare`."""

    @extend_schema(
        operation_id="compare",
        summary="Is a release dearer than the one before?",
        description="Runs that began in the range (by the labels of their first call), quiet for five minutes. A"
        " measure is `better` or `worse` when its whole 95 % interval is, `no_difference` when it lies within the"
        " tolerance, else there is `too_little_data`. `answer=exit_code` gives the exit code alone, for a pipeline.",
        parameters=[
            OpenApiParameter("dimension", OpenApiTypes.STR, description="release (default), model, tag.<name>, …"),
            OpenApiParameter("baseline", OpenApiTypes.STR, required=True),
            OpenApiParameter("candidate", OpenApiTypes.STR, required=True),
            OpenApiParameter("tolerance", OpenApiTypes.FLOAT, description=f"share that is no difference ({TOLERANCE})"),
            OpenApiParameter("deciding", OpenApiTypes.STR, description=f"measures, by default {','.join(DECIDING)}"),
            OpenApiParameter("answer", OpenApiTypes.STR, enum=list(ANSWERS)),
            *shapes.FILTERS,
        ],
        responses={200: ComparisonShape, **shapes.REFUSALS},
    )
    def get(self, request: Request) -> Response | HttpResponse:
        params = request.query_params
        answer = choice(params, "answer", "json", ANSWERS)
        found = compare(
            self.workspace,
            self.filter(days=30),
            _dimension(params.get("dimension") or "release"),
            _required(params, "baseline"),
            _required(params, "candidate"),
            timezone.now(),
            tolerance=_tolerance(params.get("tolerance")),
            deciding=_deciding(words(params, "deciding")),
        )
        if answer == "exit_code":
            return HttpResponse(f"{found.exit_code}\n", content_type="text/plain")
        return Response(told(found))


def told(found: Comparison) -> dict[str, Any]:
    """A comparison as JSON."""
    return {
        "dimension": found.dimension,
        "by": "run" if found.by_runs else "event",
        "baseline": _side(found.baseline),
        "candidate": _side(found.candidate),
        "measures": {name: _judged(judged) for name, judged in found.measures.items()},
        "deciding": list(found.deciding),
        "verdict": found.verdict,
        "exit_code": found.exit_code,
    }


def _side(side: Side) -> dict[str, Any]:
    return {
        "value": side.value,
        "units": side.units,
        "left_out": side.left_out,
        "calls": side.calls,
        "cost_usd": usd(side.cost),
        "p50_usd": None if side.p50 is None else usd(side.p50),
        "p90_usd": None if side.p90 is None else usd(side.p90),
    }


def _judged(judged: Judged) -> dict[str, Any]:
    parts = {"baseline": judged.baseline, "candidate": judged.candidate, "difference": judged.difference}
    return {**{name: _interval(part) for name, part in parts.items()}, "verdict": judged.verdict}


def _interval(part: Interval | None) -> dict[str, Any] | None:
    return None if part is None else {"value": part.value, "low": part.low, "high": part.high}


def _dimension(name: str) -> str:
    if not is_dimension(name) or not is_attribution(name):
        raise BadQuery(
            "dimension", "dimension must be one of the labels of a call, such as release, model or tag.<name>."
        )
    return name


def _required(params: Any, name: str) -> str:
    value = params.get(name)
    if not value:
        raise BadQuery(name, f"Say which value is the {name}, e.g. {name}=triage@1.8.2.")
    if "\0" in value:
        raise BadQuery(name, f"{name} must not hold the character NUL.")
    return str(value)


def _tolerance(text: str | None) -> float:
    try:
        share = float(text or TOLERANCE)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 10:
        raise BadQuery("tolerance", "tolerance must be a share from 0 to 10; 0.05 means 5 %.")
    return share


def _deciding(names: list[str]) -> list[str]:
    unknown = [name for name in names if name not in MEASURES]
    if unknown:
        raise BadQuery("deciding", f"deciding must name measures among {', '.join(MEASURES)}.")
    return names or list(DECIDING)
