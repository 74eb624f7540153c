"""What the reading routes take and answer, in the words of OpenAPI. Describes; nothing here runs in a request."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, inline_serializer
from rest_framework import serializers

from costwatch.spend.dimensions import NAMES
from costwatch.spend.events import ORDERS as EVENT_ORDERS
from costwatch.spend.queries import BUCKETS
from costwatch.spend.runs import ORDERS as RUN_ORDERS
from costwatch.spend.shown import TOKENS

USD = "USD as a decimal string with twelve places"


def _usd(told: str, **options: Any) -> serializers.Field:
    return serializers.CharField(help_text=f"{told}; {USD}", **options)


def _text(told: str = "", **options: Any) -> serializers.Field:
    return serializers.CharField(help_text=told, **options)


def _count(told: str = "", **options: Any) -> serializers.Field:
    return serializers.IntegerField(help_text=told, **options)


def _query(name: str, told: str, **options: Any) -> OpenApiParameter:
    return OpenApiParameter(name, OpenApiTypes.STR, description=told, **options)


class Sums(serializers.Serializer[Any]):
    """Measures of a part of the spend."""

    events = _count("events sent")
    calls = _count("provider requests: the sum of `requests` over the events")
    errors = _count("calls that failed")  # type: ignore[assignment]
    runs = _count("runs whose first call is among these, so that groups add up")
    input_tokens = _count("all prompt tokens, cached ones among them")
    cached_input_tokens = _count("prompt tokens read from a cache")
    cache_write_tokens = _count("prompt tokens written to a cache")
    output_tokens = _count("all generated tokens, reasoning among them")
    reasoning_tokens = _count()
    unpriced_calls = _count("calls with tokens but without a known price; they are not in cost_usd")
    usage_unknown_calls = _count("calls whose sender gave no tokens; they are not in cost_usd")
    cost_usd = _usd("the cost of all priced calls")
    error_cost_usd = _usd("the part of it that failed calls cost")
    unpriced_upper_bound_usd = _usd("what the unpriced calls cost at most, at the dearest price of their provider")


class Coverage(serializers.Serializer[Any]):
    """How much of the sum is priced."""

    calls = _count()
    priced_calls = _count()
    unpriced_calls = _count()
    usage_unknown_calls = _count()
    unpriced_upper_bound_usd = _usd("what the unpriced calls cost at most")
    priced_share = serializers.FloatField(
        allow_null=True,
        help_text="share of the money that is priced, 0 to 1, rounded down; null if no money is known of",
    )


class Group(Sums):
    """One combination of values (a property for each dimension asked for), in one bucket if there are buckets."""

    agent = _text("the value of each dimension asked for; empty = not attributed, null in `other`", required=False)
    bucket = _text("start of the bucket in the zone asked for", required=False)
    other = serializers.BooleanField(required=False, help_text="true: all combinations that `limit` cut off")


class SpendAnswer(serializers.Serializer[Any]):
    """Sums that add up: the groups to the total, to the last digit."""

    vars()["from"] = _text("start of the range")  # a word of Python
    to = _text("end of the range, not part of it")
    time_zone = _text("zone of the buckets and of the times in this answer")
    currency = _text("always USD")
    complete_until = _text("everything committed before this instant is counted")
    coverage = Coverage()
    groups = Group(many=True)
    total = Sums()


class CostPart(serializers.Serializer[Any]):
    """One line of a cost."""

    component = _text("what was billed: input, cached_input, output, web_search, …")
    tokens = serializers.FloatField(help_text="how many tokens (or searches, pages, seconds)")
    unit_price_usd = _usd("price of `per` of them")
    per = _count("1,000,000 for tokens")
    cost_usd = _usd("what they cost")


class Cost(serializers.Serializer[Any]):
    """What a call cost and how it is known."""

    cost_usd = _usd("null: unpriced or usage unknown, never 0 for those", allow_null=True)
    list_cost_usd = _usd("what it costs at the catalogue's price, before an agreed one", allow_null=True)
    cost_source = serializers.ChoiceField(
        ["catalog", "override", "reported", "free", "unpriced", "usage_unknown"], help_text="where the cost comes from"
    )
    upper_bound_usd = _usd("what an unpriced call costs at most", allow_null=True)
    price = serializers.DictField(
        allow_null=True, help_text="the price that was matched: provider, model, release of the catalogue, tier"
    )
    cost_parts = CostPart(many=True)


class Event(Cost):
    """One event as it was sent, its counts normalised. What the sender did not say is null."""

    event_id = _text("as sent, or made by the server")
    timestamp = _text("when the call was made, UTC")
    received_at = _text("when it was received, UTC")
    provider, model, operation = _text(allow_null=True), _text(), _text()
    agent_id, user_id, task = _text(allow_null=True), _text(allow_null=True), _text(allow_null=True)
    run_id, session_id = _text(allow_null=True), _text(allow_null=True)
    step = _count("order in the run", allow_null=True)
    parent_id = _text("event that called this one", allow_null=True)
    environment, release = _text(allow_null=True), _text(allow_null=True)
    tags = serializers.DictField(child=serializers.CharField())
    key = _text("name of the API key it was sent with", allow_null=True)
    for _name in TOKENS:
        vars()[_name] = _count(allow_null=True)
    units = serializers.DictField(allow_null=True, help_text="what is billed otherwise: name → number")
    usage = serializers.DictField(allow_null=True, help_text="the provider's usage object as it came")
    api = _text("its shape", allow_null=True)
    service_tier, region = _text(allow_null=True), _text(allow_null=True)
    batch = serializers.BooleanField()
    requests = _count("provider requests this event sums up")
    reported_cost_usd = _usd("what the sender said it cost", allow_null=True)
    response_id = _text("the provider's id of the answer", allow_null=True)
    latency_ms = _count(allow_null=True)
    status = serializers.ChoiceField(["ok", "error"])
    error_type, tool = _text(allow_null=True), _text(allow_null=True)
    call_fingerprint, input_fingerprint = _text(allow_null=True), _text(allow_null=True)
    input_error = serializers.BooleanField(allow_null=True)
    usage_inconsistent = serializers.BooleanField(help_text="parts were larger than the whole")
    recorded = serializers.DictField(
        allow_null=True, help_text="cost_usd, cost_source and price as they were before the event was repriced"
    )


class Run(Sums):
    """One execution of an agent. Labels are those of its first call; the sums are those of all its calls."""

    run_id = _text()
    provider, model, operation = _text(allow_null=True), _text(allow_null=True), _text(allow_null=True)
    agent_id, user_id, task = _text(allow_null=True), _text(allow_null=True), _text(allow_null=True)
    session_id, environment, release = _text(allow_null=True), _text(allow_null=True), _text(allow_null=True)
    started_at = _text("its first call, UTC")
    last_call_at = _text("its last call, UTC")
    duration_ms = _count("from the first to the last call")
    loop = serializers.DictField(
        allow_null=True, help_text="incident, severity and state of what was found about the run; null: nothing"
    )


class Problem(serializers.Serializer[Any]):
    """Why a request was refused."""

    code = _text("a word for programs")
    message = _text("one sentence a person can act on")
    field = _text("the parameter or field at fault", allow_null=True)


class Refusal(serializers.Serializer[Any]):
    """Every error has this shape."""

    error = Problem()


def _page(item: type[serializers.Serializer[Any]]) -> Any:
    fields = {
        "items": item(many=True),
        "next_cursor": _text("give it back as `cursor`; null on the last page", allow_null=True),
    }
    return inline_serializer(f"{item.__name__}Page", fields)


REFUSALS = {
    400: OpenApiResponse(Refusal, "A parameter cannot be understood; `field` names it"),
    401: OpenApiResponse(Refusal, "No valid key"),
    403: OpenApiResponse(Refusal, "The key lacks the scope"),
    503: OpenApiResponse(Refusal, "The database does not answer; try again after `Retry-After` seconds"),
}
NOT_FOUND = {404: OpenApiResponse(Refusal, "There is none with this id in this workspace")}
RANGE = [
    _query("from", "RFC 3339 time, or a date: its midnight in `tz`. Part of the range"),
    _query("to", "the same; not part of the range"),
    _query("tz", "IANA zone, by default the workspace's"),
]
FILTERS = [
    _query(
        name, f"only this {name}; several times: one of them; empty: not attributed. `{name}!=x` excludes", many=True
    )
    for name in NAMES
] + [_query("tag.<name>", "the same for any tag, e.g. `tag.team=support`", many=True)]
PAGING = [
    OpenApiParameter("limit", OpenApiTypes.INT, description="1 to 1,000, by default 100"),
    _query("cursor", "`next_cursor` of the page before, with the same parameters"),
]
SPEND: dict[str, Any] = {
    "operation_id": "spend",
    "summary": "Sums of the spend",
    "description": "Sums over any range, grouped by any dimensions and calendar periods. Without `from` and `to`: the"
    " last 30 local days with today in full. A committed event counts at once. Groups come by bucket, dearest first.",
    "parameters": [
        *RANGE,
        _query("group_by", f"comma-separated dimensions: {', '.join(NAMES)}, tag.<name>; at most 8"),
        _query("bucket", "calendar periods in `tz`", enum=BUCKETS, default="none"),
        OpenApiParameter("limit", OpenApiTypes.INT, description="1 to 10,000, by default 1,000: so many of the dearest"
                         " combinations are kept, the rest are one marked `other` (one in each bucket)"),
        *FILTERS,
    ],
    "responses": {200: SpendAnswer, **REFUSALS},
    "examples": [
        OpenApiExample(
            "agents of November",
            description="GET /api/v1/spend?from=2026-11-01&to=2026-12-01&group_by=agent&limit=1",
            response_only=True,
            value={
                "from": "2026-11-01T00:00:00+01:00", "to": "2026-12-01T00:00:00+01:00", "time_zone": "Europe/Berlin",
                "currency": "USD", "complete_until": "2026-11-18T13:32:07.120000Z",
                "coverage": {"calls": 41822, "priced_calls": 41680, "unpriced_calls": 142, "usage_unknown_calls": 0,
                             "unpriced_upper_bound_usd": "3.120000000000", "priced_share": 0.9957},
                "groups": [{"agent": "triage", "calls": 30100, "errors": 12, "cost_usd": "512.340000000000"},
                           {"agent": None, "other": True, "calls": 11722, "cost_usd": "210.120000000000"}],
                "total": {"calls": 41822, "errors": 40, "runs": 12400, "cost_usd": "722.460000000000"},
            },
        )
    ],
}  # fmt: skip
EVENTS: dict[str, Any] = {
    "operation_id": "events",
    "summary": "Single events",
    "description": "The events of a range, by default all there are, newest first, each with its price and cost.",
    "parameters": [*RANGE, _query("order", "by time", enum=EVENT_ORDERS, default="-time"), *FILTERS, *PAGING],
    "responses": {200: _page(Event), **REFUSALS},
}
EVENT: dict[str, Any] = {
    "operation_id": "event",
    "summary": "One event",
    "description": "The event with this id (percent-encode it: an id may hold slashes and anything else).",
    "responses": {200: Event, **NOT_FOUND, **REFUSALS},
}
RUNS: dict[str, Any] = {
    "operation_id": "runs",
    "summary": "Runs",
    "description": "Runs that were active in the range and have a call that meets the filter; by default all.",
    "parameters": [*RANGE, _query("order", "- for largest or newest first", enum=RUN_ORDERS, default="-last"), *FILTERS,
                   *PAGING],
    "responses": {200: _page(Run), **REFUSALS},
}  # fmt: skip
RUN: dict[str, Any] = {
    "operation_id": "run",
    "summary": "One run",
    "description": "The run with this id, with the sums of all its calls so far.",
    "responses": {200: Run, **NOT_FOUND, **REFUSALS},
}
