"""The same rules for DRF views: an API key, or a logged-in member's session for the browsable documentation."""

from functools import cached_property
from typing import Any

from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import APIException, ErrorDetail, NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from costwatch.accounts.access import current_member
from costwatch.accounts.keys import KeyIdentity, KeyRefused, authenticate
from costwatch.accounts.models import Member, Workspace


class Refused(APIException):
    """KeyRefused in DRF's terms; `wait` and `auth_header` are what DRF makes response headers of."""

    def __init__(self, refused: KeyRefused) -> None:
        super().__init__(ErrorDetail(refused.message, code=refused.code))
        self.status_code, self.wait = refused.status, refused.retry_after
        self.auth_header = 'Bearer realm="costwatch"' if refused.status == 401 else None


class KeyHolder:
    """Stands for `request.user` where a key calls; like a member it has a `workspace`."""

    is_authenticated = True
    is_active = True

    def __init__(self, identity: KeyIdentity) -> None:
        self.identity = identity
        self.pk = f"key-{identity.key_id}"

    @cached_property
    def workspace(self) -> Workspace:
        return Workspace.objects.get(pk=self.identity.workspace_id)


class KeyOrMemberAuthentication(BaseAuthentication):
    """Sets request.user (KeyHolder or Member, both with `.workspace`) and request.auth (a KeyIdentity for both)."""

    def authenticate(self, request: Request) -> tuple[KeyHolder | Member, KeyIdentity]:
        """Raises Refused (401) for neither. A sent Authorization header decides, also for a logged-in member."""
        header = request.META.get("HTTP_AUTHORIZATION")
        scope = scope_of(request.parser_context["view"], request.method or "GET")
        member = None if header else current_member(request._request)
        if member is None:
            identity = _identity(header, scope)
            return KeyHolder(identity), identity
        if request.method not in ("GET", "HEAD", "OPTIONS"):
            SessionAuthentication().enforce_csrf(request)
        return member, _identity_of(member)

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="costwatch"'


class HasScope(BasePermission):
    """Whether key or member has the view's `required_scope` (or, by method, that of `required_scopes`)."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """False for a member whose role does not reach; a key without the scope was refused before, by name."""
        identity = request.auth
        return isinstance(identity, KeyIdentity) and scope_of(view, request.method or "GET") in identity.scopes


def caller(request: Request) -> KeyHolder | Member:
    """Who calls, with a `workspace`; for views behind HasScope."""
    user = request.user
    if not isinstance(user, KeyHolder | Member):
        raise NotAuthenticated
    return user


def scope_of(view: Any, method: str) -> str:
    """The scope a view asks for with this method: `required_scopes = {"POST": "admin"}`, else `required_scope`."""
    by_method: dict[str, str] = getattr(view, "required_scopes", {})
    return by_method.get(method, view.required_scope)


def _identity(header: str | None, scope: str) -> KeyIdentity:
    try:
        return authenticate(header, scope)
    except KeyRefused as refused:
        raise Refused(refused) from refused


def _identity_of(member: Member) -> KeyIdentity:
    """What a member may do with the API: read; from admin on, also change."""
    workspace = member.workspace
    scopes = frozenset({"read", "admin"} if member.may("admin") else {"read"})
    return KeyIdentity(0, workspace.pk, workspace.lane, workspace.time_zone, scopes)
