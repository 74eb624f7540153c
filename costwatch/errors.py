"""What is answered when a request fails: a page for people, JSON for programs (API.md §2). No internals in either."""

import sys
from collections.abc import Callable
from http import HTTPStatus

from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string

from costwatch.accounts.access import error_json

PROGRAMS = ("/api/", "/v1/")  # who asks there wants JSON
RETRY_AFTER = 3  # seconds until a restarted database usually answers again
SENTENCES = {
    400: ("bad_request", "This request could not be understood; check its address and fields."),
    403: ("forbidden", "You are not allowed to do this."),
    404: ("not_found", "There is nothing here: the address is mistyped, or what was here is gone."),
    405: ("method_not_allowed", "This address takes what a form sends and shows nothing by itself."),
    413: ("too_large", "The request is larger than this address accepts; send less at once."),
    500: ("internal", "Something went wrong on our side. It is in the server's log; nothing of yours was lost."),
    503: ("unavailable", "The database does not answer at the moment. Try again in a few seconds."),
}


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """400, or 413 where the body was too large."""
    if isinstance(exception, RequestDataTooBig):
        return answer(request, 413)
    return answer(request, 400, str(exception) if isinstance(exception, BadRequest) else "")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """403 with the reason, which PermissionDenied is raised with for people to read."""
    return answer(request, 403, str(exception) if isinstance(exception, PermissionDenied) else "")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """404; the same for what does not exist and what belongs to another workspace."""
    told = exception.args[0] if isinstance(exception, Http404) and exception.args else ""
    return answer(request, 404, told if isinstance(told, str) else "")


def server_error(request: HttpRequest) -> HttpResponseBase:
    """500, or 503 with Retry-After where the database is what failed."""
    raised = sys.exc_info()[1]
    causes = (raised, raised and raised.__cause__)
    down = any(isinstance(cause, OperationalError | InterfaceError) for cause in causes)
    return answer(request, 503 if down else 500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """403 for a form without a valid token: an old page, or cookies refused."""
    return answer(
        request, 403, "This form is out of date, or cookies are blocked. Go back, reload the page, try again."
    )


def forms_only(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: somebody who opens or reloads the address of a form sees a page that says so, not an empty one."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if response.status_code != 405 or request.method != "GET" or request.path.startswith(PROGRAMS):
            return response
        if not request.accepts("text/html"):  # asked of few: reading the header takes a twentieth of a small request
            return response
        page = answer(request, 405)
        page["Allow"] = response["Allow"]
        return page

    return middleware


def answer(request: HttpRequest, status: int, sentence: str = "") -> HttpResponseBase:
    """The error as JSON under /api and /v1, else as a page: within the frame of pages where a member asked."""
    code, usual = SENTENCES[status]
    retry_after = RETRY_AFTER if status == 503 else None
    if request.path.startswith(PROGRAMS):
        return error_json(status, code, sentence or usual, retry_after=retry_after)
    context = {"status": status, "title": HTTPStatus(status).phrase, "sentence": sentence or usual}
    # the frame asks the database: not where that is what failed, nor before anybody is known
    framed = status < 500 and hasattr(request, "member")
    text = render_to_string("error.html", context | {"framed": framed}, request if framed else None)
    response = HttpResponse(text, status=status)
    if retry_after:
        response["Retry-After"] = str(retry_after)
    return response
