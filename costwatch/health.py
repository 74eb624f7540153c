"""For probes and Prometheus: is the process alive, may it get traffic, and what has it counted."""

from ipaddress import ip_address
from secrets import compare_digest

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from costwatch import metrics, ticks
from costwatch.accounts.access import public

STALE_AFTER = 60  # seconds without any periodic task done
RETRY_AFTER = "5"
_migrated: list[bool] = []  # once true it stays true for this process's code


@public
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers. Asks nothing of the database."""
    return HttpResponse("ok\n", content_type="text/plain", headers={"Cache-Control": "no-store"})


@public
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when database, migrations and scheduler are as they should be, else 503; which one, only friends are told."""
    wrong = problems()
    body: dict[str, object] = {"ready": not wrong}
    if wrong and is_friend(request):
        body["problems"] = wrong
    headers = {"Cache-Control": "no-store"} | ({"Retry-After": RETRY_AFTER} if wrong else {})
    response = JsonResponse(body, status=503 if wrong else 200, headers=headers)
    response._has_been_logged = True  # type: ignore[attr-defined]  # probes ask each second; Django would log each 503
    return response


@public
@require_safe
def prometheus(request: HttpRequest) -> HttpResponse:
    """For this machine itself, or with `Authorization: Bearer <metrics token>`; others see no such page."""
    if not is_friend(request):
        return HttpResponse(status=404)
    return HttpResponse(metrics.exposition(), content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})


def problems() -> list[str]:
    """What keeps this installation from being ready, a sentence each."""
    try:
        if not _is_migrated():
            return ["the database lacks migrations of this version: run `costwatch up` or `manage.py migrate`"]
        age = ticks.newest_age()
    except DatabaseError as error:
        return [f"the database does not answer: {str(error).strip()}"]
    if age is None or age > STALE_AFTER:
        return ["the scheduler does no periodic work" + ("" if age is None else f" for {age:.0f} s")]
    return []


def is_friend(request: HttpRequest) -> bool:
    """Shows the metrics token, or comes from this very machine and through no proxy."""
    shown = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    if shown and settings.METRICS_TOKEN:
        return compare_digest(shown.encode(), settings.METRICS_TOKEN.encode())
    if any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via")):
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def _is_migrated() -> bool:
    if not _migrated:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return False
        _migrated.append(True)
    return True
