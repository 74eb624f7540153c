"""What drf-spectacular cannot see by itself: the routes that are plain views, for speed (ingest)."""

from typing import Any

from costwatch.spend.shown import TOKENS

JSON = "application/json"
AREAS = ("events", "quote", "spend", "runs", "guard", "budgets", "incidents", "stops", "variance", "forecast",
         "compare", "export", "views", "prices", "channels", "keys", "members", "audit")  # fmt: skip
"""The first parts of the addresses, in the order in which a newcomer needs them."""
_QUOTED = (
    "provider",
    "model",
    "timestamp",
    *TOKENS,
    "cost_usd",
    "list_cost_usd",
    "cost_source",
    "upper_bound_usd",
    "price",
    "cost_parts",
)
_EVENT_IN = {
    "type": "object",
    "required": ["model"],
    "description": "Only `model` is required. Counts follow OpenTelemetry: input_tokens are ALL prompt tokens, cached"
    " ones among them; output_tokens ALL generated ones, reasoning among them.",
    "properties": {
        "event_id": {"type": "string", "maxLength": 255, "description": "the same id is the same event"},
        "timestamp": {"description": "RFC 3339 with offset, or Unix seconds; default now"},
        **{name: {"type": "string", "maxLength": 200} for name in (
            "model", "provider", "operation", "agent_id", "user_id", "task", "run_id", "session_id", "parent_id",
            "environment", "release", "service_tier", "region", "response_id", "tool", "error_type")},
        **{name: {"type": "integer", "minimum": 0} for name in (
            "input_tokens", "output_tokens", "cached_input_tokens", "cache_write_tokens", "cache_write_1h_tokens",
            "reasoning_tokens", "audio_input_tokens", "audio_output_tokens", "image_input_tokens",
            "image_output_tokens", "latency_ms", "step", "requests")},
        "tags": {"type": "object", "additionalProperties": {"type": "string"}, "description": "at most 32"},
        "units": {"type": "object", "additionalProperties": {"type": "number"}},
        "usage": {"type": "object", "description": "the provider's usage object as it came, instead of the counts"},
        "api": {"type": "string", "description": "shape of `usage`: openai.chat, anthropic.messages, gemini, …"},
        "batch": {"type": "boolean"},
        "cost_usd": {"type": "string", "description": "what the provider says it charged"},
        "status": {"type": "string", "enum": ["ok", "error"]},
        "call_fingerprint": {"type": "string", "maxLength": 64},
        "input_fingerprint": {"type": "string", "maxLength": 64},
        "input_error": {"type": "boolean"},
    },
}  # fmt: skip
_EXAMPLE = {"event_id": "r-81.3", "model": "gpt-5.4-mini", "agent_id": "triage", "run_id": "r-81", "input_tokens": 1200,
            "output_tokens": 85, "tags": {"team": "support"}}  # fmt: skip
_TAKEN = {
    "type": "object",
    "properties": {
        "accepted": {"type": "integer"},
        "duplicates": {"type": "integer", "description": "known already; nothing is stored twice"},
        "rejected": {
            "type": "array",
            "items": {"type": "object", "properties": {
                "index": {"type": "integer"},
                **{name: {"type": "string", "nullable": True} for name in ("event_id", "code", "field", "message")}}},
        },
        "verdicts": {
            "type": "array",
            "description": "runs, agents, users … of this request that are asked to stop, at most 100; absent where"
            " there are none",
            "items": {"type": "object", "properties": {
                **{name: {"type": "string"} for name in ("run_id", "agent_id", "user_id", "action", "reason", "message",
                                                         "until")},
                "incident": {"type": "integer", "nullable": True}}},
        },
    },
}  # fmt: skip


def add_reading_of_events(endpoints: list[tuple[str, str, str, Any]]) -> list[tuple[str, str, str, Any]]:
    """`GET /api/v1/events` shares its address with a plain view and is not found by itself."""
    from costwatch.api.views import Events

    return [*endpoints, ("/api/v1/events", "^api/v1/events$", "GET", Events.as_view())]


def add_ingest(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """The routes of the ingest edge."""
    refusal = {"$ref": "#/components/schemas/Refusal"}
    wrong = {status: _answer(told, refusal) for status, told in _REFUSED.items()}
    shapes = result["components"]["schemas"]
    of_event = shapes["Event"]["properties"]
    quote = {"type": "object", "properties": {name: of_event[name] for name in _QUOTED}}
    shapes.update(EventIn=_EVENT_IN, Taken=_TAKEN, Quote=quote)
    one = {"$ref": "#/components/schemas/EventIn"}
    many = {"oneOf": [one, {"type": "array", "items": one}, {"type": "object", "properties": {"events": {
        "type": "array", "items": one}}}]}  # fmt: skip
    taken = {"$ref": "#/components/schemas/Taken"}
    result["paths"]["/api/v1/events"] = {"post": {
        "operationId": "send",
        "summary": "Send events",
        "tags": ["send"],
        "description": "One event, an array, an object with `events`, or one per line (application/x-ndjson)."
        " Answered after they are committed and count in every total. Scope `ingest`.",
        "security": [{"key": []}],
        "requestBody": _body(many),
        "responses": {"200": _answer("All stored, or known already", taken),
                      "207": _answer("Some stored, some rejected", taken), **wrong},
    }, **result["paths"]["/api/v1/events"]}  # fmt: skip
    result["paths"]["/api/v1/quote"] = {"post": {
        "operationId": "quote",
        "summary": "Price an event without storing it",
        "tags": ["send"],
        "description": "Any timestamp, also in the future. Scope `read`.",
        "security": [{"key": []}],
        "requestBody": _body(one),
        "responses": {"200": _answer("What it would cost", {"$ref": "#/components/schemas/Quote"}), **wrong},
    }}  # fmt: skip
    return result


def in_order(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """The routes by AREAS, in an area by their addresses."""
    paths = sorted(result["paths"], key=lambda path: (AREAS.index(path.split("/")[3]), path))
    result["paths"] = {path: result["paths"][path] for path in paths}
    return result


_REFUSED = {
    "400": "Not JSON, or broken encoding",
    "401": "No valid key",
    "403": "The key lacks the scope",
    "413": "More than 4 MB as sent, 32 MB unpacked or 10,000 events",
    "415": "Another content type or encoding than those named",
    "422": "Understood, but no event is valid",
    "429": "Over the key's rate; try again after `Retry-After` seconds",
    "503": "Storage is not available: nothing was acknowledged; send it again after `Retry-After` seconds",
}


def _body(schema: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {JSON: {"schema": schema, "example": _EXAMPLE}}}


def _answer(told: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": told, "content": {JSON: {"schema": schema}}}
