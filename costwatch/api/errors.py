"""Refusals of the API in the shape of API.md §2, whatever part of DRF they come from."""

from http import HTTPStatus
from typing import Any

from rest_framework.exceptions import APIException, ParseError
from rest_framework.response import Response
from rest_framework.views import exception_handler


def error_answer(problem: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's EXCEPTION_HANDLER: any refusal in the shape of API.md §2. None leaves a real fault to the 500 page."""
    if isinstance(problem, RecursionError):
        problem = ParseError("The JSON is nested too deeply.")
    response: Response | None = exception_handler(problem, context)
    if response is None:
        return None
    field, detail = _first(problem.detail) if isinstance(problem, APIException) else (None, None)
    code = getattr(detail, "code", None) or {403: "forbidden", 404: "not_found"}.get(response.status_code, "invalid")
    message = str(detail) if detail else HTTPStatus(response.status_code).phrase
    response.data = {"error": {"code": code, "message": message, "field": field}}
    return response


def _first(detail: Any, field: str | None = None) -> tuple[str | None, Any]:
    """The first complaint of DRF's nested lists and dicts, and the path of its field."""
    if isinstance(detail, dict) and detail:
        name, inner = next(iter(detail.items()))
        return _first(inner, name if field is None else f"{field}.{name}")
    if isinstance(detail, list) and detail:
        return _first(detail[0], field)
    return field, detail
