"""`GET /api/v1/guard`: an agent, or the gateway before it, asks whether it may go on."""

import json
import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from costwatch.accounts.access import error_json, refusal
from costwatch.accounts.drf import caller
from costwatch.accounts.keys import KeyRefused, authenticate
from costwatch.alerts import stops
from costwatch.api import shapes
from costwatch.api.errors import RETRY_AFTER, UNAVAILABLE
from costwatch.api.views import Reading
from costwatch.pricing.names import canonical_provider
from costwatch.spend.dimensions import EVENT_NAMES, NAMES, TAG

Answer = TypeVar("Answer", bound=HttpResponse)
TAGS = re.compile(r"tags?\.(.+)|tags\[(.+)\]", re.DOTALL)
HEADER, TAGS_HEADER = "x-costwatch-", "X-Costwatch-Tags"
ANSWER = inline_serializer(
    "GuardAnswer",
    {
        "allow": serializers.BooleanField(),
        "reasons": serializers.ListField(child=serializers.DictField(), help_text="what asks to stop, and why"),
        "retry_after": serializers.IntegerField(allow_null=True, help_text="seconds, where it will be over by itself"),
        "advisory": serializers.BooleanField(help_text="always true: costwatch stops nobody"),
        "overshoot_seconds": serializers.FloatField(help_text="what is spent this long after the deciding event was"
                                                              " stored can still get through"),
    },
)  # fmt: skip
DESCRIPTION = (
    "Say who asks, as in an event: `agent_id`, `user_id`, `task`, `run_id`, `session_id`, `environment`, `release`,"
    " `provider`, `model`, `operation`, and tags as `tag.customer=acme`. The key that asks counts as the key of its"
    " calls; `key=NAME` asks about another. What is not given counts as not attributed (an operation as `chat`): a stop"
    " of one model stops who says that this is the model.\n\n"
    "Advisory, with a bounded overshoot: costwatch stops nobody, it says what an open loop incident, a blocking budget"
    " or a person asks for. A verdict is known everywhere within `overshoot_seconds` of the commit of the event that"
    " decided it; calls made meanwhile, or by a client that does not ask, are not held up.\n\n"
    "For nginx's auth_request and Envoy's ext_authz there is `/api/v1/guard/status`, with any method and any path"
    " behind it: 200 or 403, and who asks in headers: `X-Costwatch-Agent-Id`, `-User-Id`, `-Task`, `-Run-Id`,"
    " `-Session-Id`, `-Environment`, `-Release`, `-Model`, and `X-Costwatch-Tags: customer=acme, team=support`."
)


class Guard(Reading):
    """`GET /api/v1/guard`."""

    @extend_schema(
        operation_id="guard",
        summary="May this agent go on?",
        description=DESCRIPTION,
        parameters=[
            *(OpenApiParameter(name) for name in ("agent_id", "user_id", "task", "run_id", "session_id", "environment",
                                                  "release", "provider", "model", "operation", "key")),
        ],
        responses={200: ANSWER, **shapes.REFUSALS},
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        return _to_member(request, _values(request.query_params))

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """A key's question is answered without DRF, which would take most of its time."""
        if request.method != "GET" or "HTTP_AUTHORIZATION" not in request.META:
            return super().dispatch(request, *args, **kwargs)
        return _to_key(request, _values(request.GET))


@extend_schema(exclude=True)  # described with the guard: a schema cannot say "any method, any path"
class GuardStatus(Reading):
    """`/api/v1/guard/status`: the same answer as a status, for gateways that pass on a request's method and path."""

    def get(self, request: Request, path: str = "") -> Response:
        values = _values(request.query_params) | _of_headers(request.headers)
        return _to_member(request, values, refused=403)

    post = put = patch = delete = get

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """As of the guard."""
        if "HTTP_AUTHORIZATION" not in request.META:
            return super().dispatch(request, *args, **kwargs)
        return _to_key(request, _values(request.GET) | _of_headers(request.headers), refused=403)


def _to_member(request: Request, values: Mapping[str, str], refused: int = 200) -> Response:
    """The answer to a member who tries it out."""
    answer, headers = _answer(caller(request).workspace.pk, values)
    response = Response(answer, status=200 if answer["allow"] else refused, headers=headers)
    return _is_no_trouble(response)


def _to_key(request: HttpRequest, values: Mapping[str, str], refused: int = 200) -> HttpResponse:
    """The answer to a key; what stops it has this status."""
    try:
        identity = authenticate(request.META["HTTP_AUTHORIZATION"], Reading.required_scope)
        # the key knows its workspace's number: no look-up of the row for each question
        answer, headers = _answer(identity.workspace_id, {"key": identity.name, **values})
    except KeyRefused as problem:
        return refusal(problem)
    except (OperationalError, InterfaceError):
        return error_json(503, "unavailable", UNAVAILABLE, retry_after=int(RETRY_AFTER))
    response = HttpResponse(
        json.dumps(answer), status=200 if answer["allow"] else refused, content_type="application/json",
        headers={"Cache-Control": "private, no-store", **headers},
    )  # fmt: skip
    return _is_no_trouble(response)


def _answer(workspace_id: int, values: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """What asks the one with these values to stop, and the headers of that."""
    verdicts = stops.asked(workspace_id, _as_event(values))
    wait = _retry_after(verdicts, timezone.now())
    answer = {"allow": not verdicts, "reasons": [verdict.told() for verdict in verdicts], "retry_after": wait,
              "advisory": True, "overshoot_seconds": stops.OVERSHOOT}  # fmt: skip
    return answer, {} if wait is None else {"Retry-After": str(wait)}


def _is_no_trouble(response: Answer) -> Answer:
    """A stop is an answer; Django would log each 403 as a warning."""
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def _as_event(values: Mapping[str, str]) -> dict[str, str]:
    """The values as an event would have them: an operation that is not named is chat, a provider has one name."""
    named = {"operation": "chat", **values}
    return named | ({"provider": canonical_provider(named["provider"])} if named.get("provider") else {})


def _values(params: Mapping[str, str]) -> dict[str, str]:
    """Dimension → value, as the question names them; other parameters say nothing."""
    values = {}
    for name in params:
        dimension = EVENT_NAMES.get(name, name)
        if tag := TAGS.fullmatch(name):
            values[TAG + (tag[1] or tag[2])] = params[name]
        elif dimension in NAMES:
            values[dimension] = params[name]
    return values


def _of_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The same from headers, whose values no caller can break out of as out of a query string."""
    values = {}
    for name, value in headers.items():
        field = name.lower().removeprefix(HEADER).replace("-", "_")
        dimension = EVENT_NAMES.get(field, field)
        if name.lower().startswith(HEADER) and dimension in NAMES:
            values[dimension] = value
    tags = (pair.partition("=") for pair in headers.get(TAGS_HEADER, "").split(","))
    return values | {TAG + name.strip(): value.strip() for name, _, value in tags if name.strip()}


def _retry_after(verdicts: list[stops.Verdict], now: datetime) -> int | None:
    """Seconds until all of them are over by themselves; None if one of them is not, or there are none."""
    ends: list[Any] = [verdict.until for verdict in verdicts]
    if not ends or None in ends:
        return None
    return max(1, math.ceil((max(ends) - now).total_seconds()))
