"""What the API can do: OpenAPI for programs, the same as a page for people. Public, for it tells of nobody."""

import json
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from drf_spectacular.utils import extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from costwatch.accounts.access import public


class Schema(APIView):
    """`GET /api/schema`: OpenAPI 3 as JSON, or as YAML where that is asked for."""

    access = "public"
    authentication_classes = ()
    permission_classes = ()
    renderer_classes = (JSONRenderer, OpenApiJsonRenderer, OpenApiYamlRenderer)

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        return Response(schema())


@cache
def schema() -> dict[str, Any]:
    """The OpenAPI document of this version."""
    made: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return made


@public
def page(request: HttpRequest) -> HttpResponse:
    """`GET /api/docs`: every route with its parameters, answers and a command to try it."""
    server = f"{request.scheme}://{request.get_host()}"
    return render(request, "api/docs.html", {"routes": _routes(schema(), server), "info": schema()["info"]})


def _routes(document: dict[str, Any], server: str) -> list[dict[str, Any]]:
    shapes = document["components"]["schemas"]
    return [
        {
            "id": operation["operationId"],
            "method": method.upper(),
            "path": path,
            "summary": operation.get("summary") or operation["operationId"].replace("_", " "),
            "description": _marked(operation.get("description", "")),
            "parameters": [
                {**p, "description": _marked(p.get("description", ""))} for p in operation.get("parameters", ())
            ],
            "body": _properties(_shape(operation.get("requestBody"), shapes), shapes),
            "answers": [_told(status, answer, shapes) for status, answer in sorted(operation["responses"].items())],
            "example": _example(operation),
            "curl": _curl(method.upper(), server + path, operation),
            "link": path if method == "get" and "{" not in path else "",
        }
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]


def _marked(text: str) -> SafeString:
    """`words` between backticks as code, everything escaped."""
    parts = enumerate(text.split("`"))
    return format_html_join("", "{}", ((format_html("<code>{}</code>", p) if i % 2 else p,) for i, p in parts))


def _told(status: str, answer: dict[str, Any], shapes: dict[str, Any]) -> dict[str, Any]:
    good = status.startswith("2")
    return {"status": status, "told": _marked(answer.get("description", "")), "good": good,
            "properties": _properties(_shape(answer, shapes), shapes) if good else []}  # fmt: skip


def _shape(part: dict[str, Any] | None, shapes: dict[str, Any]) -> dict[str, Any]:
    """The schema of a request's or an answer's JSON; of several, the first."""
    content = (part or {}).get("content", {}).get("application/json", {}).get("schema", {})
    return _resolved((content.get("oneOf") or [content])[0], shapes)


def _resolved(shape: dict[str, Any], shapes: dict[str, Any]) -> dict[str, Any]:
    while reference := shape.get("$ref") or next((s.get("$ref") for s in shape.get("allOf", ())), None):
        shape = shapes[reference.rsplit("/", 1)[1]]
    return shape


def _properties(shape: dict[str, Any], shapes: dict[str, Any], prefix: str = "") -> list[dict[str, str]]:
    """Every property with its path, as rows of a table."""
    rows = []
    for name, told in shape.get("properties", {}).items():
        inner = _resolved(told, shapes)
        items = _resolved(inner.get("items", {}), shapes)
        kind = inner.get("type", "any") + ("[]" if items else "")
        rows.append({"name": prefix + name, "kind": kind.replace("array[]", "array"),
                     "told": _marked(told.get("description") or inner.get("description", ""))})  # fmt: skip
        rows += _properties(items or inner, shapes, f"{prefix}{name}{'[]' if items else ''}.")
    return rows


def _example(operation: dict[str, Any]) -> str:
    content = operation["responses"].get("200", {}).get("content", {}).get("application/json", {})
    value = next((example["value"] for example in content.get("examples", {}).values()), None)
    return json.dumps(value, indent=1, ensure_ascii=False) if value else ""


def _curl(method: str, address: str, operation: dict[str, Any]) -> str:
    command = f'curl -H "Authorization: Bearer $COSTWATCH_KEY" "{address}"'
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    if "example" in body:
        return f"{command} \\\n  -H 'Content-Type: application/json' -d '{json.dumps(body['example'])}'"
    return command if method == "GET" else command.replace("curl ", f"curl -X {method} ", 1)
