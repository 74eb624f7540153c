"""Who may call a view. Every view carries its rule as `view.access`; tests/test_access.py fails for one without.

Rules: `public`, `member:<role>` (a logged-in member of at least this role), `key:<scope>` (an API key with the scope).
Where methods differ, `access` is a dict: {"GET": "key:read", "POST": "key:ingest"}. The workspace comes from the member
or the key, never from the request.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, TypeVar

from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import resolve_url
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from costwatch.accounts.keys import KeyRefused, authenticate
from costwatch.accounts.models import Member, Workspace

View = Callable[..., HttpResponseBase]
Row = TypeVar("Row", bound=Model)
LONGEST_SESSION = timedelta(days=7)
RENEW_EVERY = timedelta(minutes=10)


class MemberRequest(HttpRequest):
    """What a view behind member_page gets."""

    member: Member
    workspace: Workspace


def public(view: View) -> View:
    """A view for everybody, logged in or not."""
    view.access = "public"  # type: ignore[attr-defined]
    return view


def member_page(role: str) -> Callable[[View], View]:
    """A page for members of at least `role`; sets request.member and request.workspace. Others: log in, or 403."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            member = current_member(request)
            if member is None:
                return _to_login(request)
            request.member, request.workspace = member, member.workspace  # type: ignore[attr-defined]
            if not member.may(role):
                raise PermissionDenied(f"This page is for members with the role {role}; yours is {member.role}.")
            response = view(request, *args, **kwargs)
            response.headers.setdefault("Cache-Control", "private, no-cache")
            return response

        guarded.access = f"member:{role}"  # type: ignore[attr-defined]
        return guarded

    return decorate


def key_view(scope: str) -> Callable[[View], View]:
    """An API view for keys with `scope`; sets request.identity. Cookies are ignored, so no CSRF token is needed."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            try:
                request.identity = authenticate(request.META.get("HTTP_AUTHORIZATION"), scope)  # type: ignore[attr-defined]
            except KeyRefused as refused:
                return refusal(refused)
            return view(request, *args, **kwargs)

        exempt = csrf_exempt(guarded)
        exempt.access = f"key:{scope}"  # type: ignore[attr-defined]
        return exempt

    return decorate


def rule_of(view: Any, method: str = "GET") -> str | None:
    """The rule a view declares for a method: its `access` (one for all, or by method), or the scope of a DRF class."""
    kind = getattr(view, "cls", None)
    declared = getattr(view, "access", None) or getattr(kind, "access", None)
    if declared is not None:
        return declared.get(method) if isinstance(declared, dict) else declared
    scope = getattr(kind, "required_scopes", {}).get(method) or getattr(kind, "required_scope", None)
    return f"key:{scope}" if scope else None


def current_member(request: HttpRequest) -> Member | None:
    """The member of this session, or None. Renews the idle time of 8 h; ends sessions after 7 days in any case."""
    member = request.user
    if not isinstance(member, Member):  # AnonymousUser, or a SimpleLazyObject of it
        return None
    now = timezone.now()
    opened = _time_in(request, "opened_at", now)
    if now - opened > LONGEST_SESSION:
        logout(request)
        return None
    if now - _time_in(request, "seen_at", opened) > RENEW_EVERY:
        request.session["seen_at"] = now.isoformat()
    return member


def own_or_404(rows: Any, workspace: Workspace, **wanted: Any) -> Any:
    """The row of this workspace (a model or a queryset); one of another workspace does not exist."""
    found = getattr(rows, "objects", rows).filter(workspace=workspace, **wanted).first()
    if found is None:
        raise Http404
    return found


def error_json(
    status: int, code: str, message: str, *, field: str | None = None, retry_after: int | None = None
) -> JsonResponse:
    """An error as API.md §2 shapes it."""
    response = JsonResponse({"error": {"code": code, "message": message, "field": field}}, status=status)
    if retry_after is not None:
        response["Retry-After"] = str(retry_after)
    return response


def refusal(refused: KeyRefused) -> JsonResponse:
    """The answer to a caller without a fitting key."""
    response = error_json(refused.status, refused.code, refused.message, retry_after=refused.retry_after)
    if refused.status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="costwatch"'
    return response


def _time_in(request: HttpRequest, name: str, now: datetime) -> datetime:
    return datetime.fromisoformat(request.session.setdefault(name, now.isoformat()))


def _to_login(request: HttpRequest) -> HttpResponse:
    """To the login page and back again; a fragment request makes the whole page go there, not the fragment."""
    if not getattr(request, "htmx", False):
        target = request.get_full_path() if request.method in ("GET", "HEAD") else "/"
        return redirect_to_login(target)
    back = request.htmx.current_url_abs_path or "/"  # type: ignore[attr-defined]
    return HttpResponse(status=401, headers={"HX-Redirect": redirect_to_login(back, resolve_url("login")).url})
