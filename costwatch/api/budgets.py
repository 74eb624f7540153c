"""Budgets over the API: listed with how they stand, made, changed, removed."""

from collections.abc import Mapping
from typing import Any

from django.http import Http404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from costwatch.accounts import audit
from costwatch.accounts.access import own_or_404
from costwatch.api import shapes
from costwatch.api.keys import actor
from costwatch.api.views import Reading
from costwatch.budgets import manage, say, seen
from costwatch.budgets.fields import BadBudget
from costwatch.budgets.models import Action
from costwatch.budgets.models import Budget as BudgetRow
from costwatch.budgets.outlook import Outlook
from costwatch.budgets.status import Standing, State, Status, status, statuses
from costwatch.spend.filters import choice
from costwatch.spend.page import from_cursor, to_cursor

LISTING = "budgets"
TOP = 100

_WANTED: dict[str, serializers.Field[Any, Any, Any, Any]] = {
    "name": serializers.CharField(max_length=200),
    "amount_usd": serializers.CharField(required=False, allow_null=True, help_text="dollars a period, text or number"),
    "amount_tokens": serializers.IntegerField(required=False, allow_null=True, help_text="instead of dollars"),
    "planned": serializers.DictField(required=False, help_text='monthly: other amounts of months, {"2026-12": "900"}'),
    "carry_over": serializers.CharField(
        required=False, help_text="% of the amount that an unspent rest may move to the next period; default 0"
    ),
    "period": serializers.CharField(help_text="daily, weekly, monthly, quarterly, yearly, rolling_24h, rolling_30d …"),
    "time_zone": serializers.CharField(required=False, allow_null=True, help_text="IANA; default the workspace's"),
    "week_start": serializers.IntegerField(required=False, allow_null=True, help_text="1 Monday … 7, or monday …"),
    "scope": serializers.DictField(
        required=False, help_text='dimension → values, {"agent": ["a"], "tag.team": ["x"]}; "agent!" excludes'
    ),
    "per": serializers.CharField(required=False, allow_null=True, help_text="a template: the amount for each user, …"),
    "thresholds": serializers.ListField(required=False, child=serializers.FloatField(), help_text="%; [50, 80, 100]"),
    "forecast_thresholds": serializers.ListField(required=False, child=serializers.FloatField()),
    "owner": serializers.EmailField(required=False, allow_null=True, help_text="a member's e-mail address"),
    "channels": serializers.ListField(required=False, child=serializers.IntegerField(), help_text="none: the usual"),
    "action": serializers.ChoiceField(Action.values, required=False, help_text="block: the guard asks to stop"),
    "paused": serializers.BooleanField(required=False),
}
WANTED = inline_serializer(
    "BudgetWanted",
    _WANTED
    | {
        "allow_unseen": serializers.BooleanField(
            required=False, help_text="false: refuse a scope that nothing was ever recorded under (default true)"
        )
    },
)
_STANDS: dict[str, serializers.Field[Any, Any, Any, Any]] = {
    "limit": serializers.CharField(help_text="of this period: planned, and what was carried over"),
    "spent": serializers.CharField(help_text="dollars as text with twelve places, or tokens as a number"),
    "remaining": serializers.CharField(help_text="negative where it is over; null for a template", allow_null=True),
    "share": serializers.FloatField(help_text="spent ÷ limit; null for a template", allow_null=True),
    "forecast": serializers.CharField(
        allow_null=True, help_text="what the whole period will come to; null: not enough data, or rolling"
    ),
    "forecast_low": serializers.CharField(allow_null=True, help_text="four times of five it ends at this or more"),
    "forecast_high": serializers.CharField(allow_null=True, help_text="and at this or less"),
    "forecast_at": serializers.CharField(allow_null=True, help_text="when that was worked out"),
    "exhausted_on": serializers.DateField(allow_null=True, help_text="local day on which the forecast uses it up"),
    "period_start": serializers.CharField(),
    "period_end": serializers.CharField(),
    "resets_at": serializers.CharField(allow_null=True, help_text="when the next period begins; null: rolling"),
    "state": serializers.ChoiceField([state.value for state in State], help_text="of a template: the worst value's"),
    "coverage": shapes.Coverage(),
    "value_count": serializers.IntegerField(help_text="values of a template that spent something"),
    "over_count": serializers.IntegerField(help_text="those of them that are over"),
    "values": serializers.ListField(
        child=serializers.DictField(), help_text=f"a template's dearest {TOP}: value, spent, limit, remaining, state"
    ),
    "evaluated_at": serializers.CharField(allow_null=True, help_text="last look at all of its spend"),
    "warnings": serializers.ListField(child=serializers.CharField(), help_text="e.g. nothing recorded so far"),
}
SHOWN = inline_serializer(
    "Budget",
    {"id": serializers.IntegerField(), **_WANTED, "created_at": serializers.CharField(),
     "created_by": serializers.CharField(), "changed_at": serializers.CharField(), **_STANDS},
)  # fmt: skip
PAGE = inline_serializer(
    "BudgetPage", {"items": SHOWN.__class__(many=True), "next_cursor": serializers.CharField(allow_null=True)}
)
INVALID = {422: OpenApiResponse(shapes.Refusal, "A field cannot be kept as asked; `field` names it")}


class Budgets(Reading):
    """`GET /api/v1/budgets`, `POST /api/v1/budgets`."""

    required_scopes = {"POST": "admin"}

    @extend_schema(
        operation_id="budgets",
        summary="Budgets",
        description="By name, each with how it stands at this moment.",
        parameters=[OpenApiParameter("state", OpenApiTypes.STR, enum=[s.value for s in State]), *shapes.PAGING],
        responses={200: PAGE, **shapes.REFUSALS},
    )
    def get(self, request: Request) -> Response:
        page, rows = self.page(), BudgetRow.objects.filter(workspace=self.workspace).order_by("pk")
        if page["cursor"]:
            rows = rows.filter(pk__gt=from_cursor(LISTING, page["cursor"])[0])
        found = list(rows.select_related("workspace", "owner")[: page["limit"] + 1])
        shown = found[: page["limit"]]
        more = to_cursor(LISTING, [shown[-1].pk]) if len(found) > len(shown) else None
        items = [told(one) for one in statuses(self.workspace, timezone.now(), shown, TOP)]
        if request.query_params.get("state"):
            wanted = choice(request.query_params, "state", "", [state.value for state in State])
            items = [item for item in items if item["state"] == wanted]
        return Response({"items": items, "next_cursor": more})

    @extend_schema(
        operation_id="budget_create",
        summary="Make a budget",
        description="The amount is of dollars or of tokens. What was spent in the running period counts at once.",
        request=WANTED,
        responses={201: SHOWN, **INVALID, **shapes.REFUSALS},
    )
    def post(self, request: Request) -> Response:
        data = {"allow_unseen": True, **_object(request)}
        try:
            made = manage.create(self.workspace, data, actor(request), ip=audit.client_ip(request))
        except BadBudget as problem:
            return _refused(problem)
        return Response(_with_warnings(made), status=201)


class Budget(Reading):
    """`GET`, `PATCH` and `DELETE /api/v1/budgets/{id}`."""

    required_scopes = {"PATCH": "admin", "DELETE": "admin"}

    @extend_schema(
        operation_id="budget",
        summary="One budget",
        description="With a forecast made at this moment.",
        responses={200: SHOWN, **shapes.NOT_FOUND, **shapes.REFUSALS},
    )
    def get(self, request: Request, budget_id: int) -> Response:
        return Response(_with_warnings(own_or_404(BudgetRow, self.workspace, pk=budget_id)))

    @extend_schema(
        operation_id="budget_change",
        summary="Change a budget",
        description="Only the fields that are sent change. What was told in this period stays told.",
        request=WANTED,
        responses={200: SHOWN, **INVALID, **shapes.NOT_FOUND, **shapes.REFUSALS},
    )
    def patch(self, request: Request, budget_id: int) -> Response:
        budget = own_or_404(BudgetRow, self.workspace, pk=budget_id)
        data = {"allow_unseen": True, **_object(request)}
        try:
            changed = manage.change(budget, data, actor(request), ip=audit.client_ip(request))
        except BadBudget as problem:
            return _refused(problem)
        except BudgetRow.DoesNotExist:
            raise Http404("It was deleted meanwhile.") from None
        return Response(_with_warnings(changed))

    @extend_schema(
        operation_id="budget_remove",
        summary="Remove a budget",
        description="Its incidents stay and are resolved; nobody is asked to stop for it any more.",
        request=None,
        responses={204: None, **shapes.NOT_FOUND, **shapes.REFUSALS},
    )
    def delete(self, request: Request, budget_id: int) -> Response:
        budget = own_or_404(BudgetRow, self.workspace, pk=budget_id)
        manage.remove(budget, actor(request), ip=audit.client_ip(request))
        return Response(status=204)


def told(found: Status) -> dict[str, Any]:
    """A budget as API.md §5 names it."""
    budget = found.budget
    return {
        "id": budget.pk,
        **manage.told(budget),
        "created_at": say.utc(budget.created_at),
        "created_by": budget.created_by,
        "changed_at": say.utc(budget.changed_at),
        **_stands(found),
        **({"remaining": None, "share": None} if budget.per else {}),
        **_forecast(budget, found.forecast),
        "exhausted_on": found.exhausted_on and found.exhausted_on.isoformat(),
        "period_start": say.utc(found.period.start),
        "period_end": say.utc(found.period.end),
        "resets_at": found.resets_at and say.utc(found.resets_at),
        "coverage": say.coverage(found.sums),
        "value_count": found.value_count,
        "over_count": found.over_count,
        "values": [{"value": one.value, **_stands(one, budget)} for one in found.values],
        "evaluated_at": found.evaluated_at and say.utc(found.evaluated_at),
        "warnings": [],
    }


def _stands(one: Standing, budget: BudgetRow | None = None) -> dict[str, Any]:
    of = budget or (one.budget if isinstance(one, Status) else BudgetRow())
    return {
        "limit": say.exact(of, one.limit),
        "spent": say.exact(of, one.spent),
        "remaining": say.exact(of, one.remaining),
        "share": round(float(one.share), 6),
        "state": one.state.value,
    }


def _forecast(budget: BudgetRow, made: Outlook | None) -> dict[str, Any]:
    return {
        "forecast": made and say.exact(budget, made.mid),
        "forecast_low": made and say.exact(budget, made.low),
        "forecast_high": made and say.exact(budget, made.high),
        "forecast_at": made and say.utc(made.at),
    }


def _with_warnings(budget: BudgetRow) -> dict[str, Any]:
    return told(status(budget, timezone.now(), TOP)) | {
        "warnings": [*(p.message for p in seen.unseen(budget)), *filter(None, [say.must_be_said(budget)])]
    }


def _object(request: Request) -> Mapping[str, Any]:
    if not isinstance(request.data, dict):
        raise ParseError("Send a JSON object with the fields of the budget.")
    return request.data


def _refused(problem: BadBudget) -> Response:
    error = {"code": "invalid", "message": problem.message, "field": problem.field}
    return Response({"error": error}, status=422)
