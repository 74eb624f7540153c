"""Refusals of the API in the shape of API.md §2, whatever part of it they come from."""

from http import HTTPStatus
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import Http404
from psycopg.errors import QueryCanceled
from rest_framework.exceptions import APIException, NotFound, ParseError
from rest_framework.response import Response
from rest_framework.views import exception_handler

from costwatch.spend.filters import BadQuery

RETRY_AFTER = "3"  # seconds until a restarted database usually answers again
UNAVAILABLE = "The database does not answer at the moment. Try again in a few seconds."
TOO_SLOW = "This takes too long to add up; ask for a shorter range, fewer dimensions or a filter."


def error_answer(problem: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's EXCEPTION_HANDLER: any refusal in the shape of API.md §2. None leaves a real fault to the 500 page."""
    if isinstance(problem, BadQuery):
        return Response(_error("invalid", problem.message, problem.field), status=400)
    if isinstance(problem, OperationalError | InterfaceError):
        return _of_the_database(problem)
    if isinstance(problem, Http404):
        problem = NotFound(*problem.args)
    if isinstance(problem, RecursionError):
        problem = ParseError("The JSON is nested too deeply.")
    response: Response | None = exception_handler(problem, context)
    if response is None:
        return None
    field, detail = _first(problem.detail) if isinstance(problem, APIException) else (None, None)
    code = getattr(detail, "code", None) or {403: "forbidden", 404: "not_found"}.get(response.status_code, "invalid")
    message = str(detail) if detail else HTTPStatus(response.status_code).phrase
    response.data = _error(code, message, field)
    return response


def _of_the_database(problem: Exception) -> Response:
    """A query that ran out of its time is the question's fault; anything else is ours and passes."""
    if isinstance(problem.__cause__, QueryCanceled):
        return Response(_error("too_slow", TOO_SLOW, None), status=422)
    return Response(_error("unavailable", UNAVAILABLE, None), status=503, headers={"Retry-After": RETRY_AFTER})


def _error(code: str, message: str, field: str | None) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "field": field}}


def _first(detail: Any, field: str | None = None) -> tuple[str | None, Any]:
    """The first complaint of DRF's nested lists and dicts, and the path of its field."""
    if isinstance(detail, dict) and detail:
        name, inner = next(iter(detail.items()))
        return _first(inner, name if field is None else f"{field}.{name}")
    if isinstance(detail, list) and detail:
        return _first(detail[0], field)
    return field, detail
