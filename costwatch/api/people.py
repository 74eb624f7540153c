"""Members and the audit log over the API: who belongs to the workspace, who is invited, who changed what."""

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from costwatch.accounts import audit, members
from costwatch.accounts.drf import KeyHolder, caller
from costwatch.accounts.models import AuditEntry, Member, Role
from costwatch.api import shapes
from costwatch.api.keys import actor, whole_within

PAGING = [OpenApiParameter("limit", int), OpenApiParameter("cursor")]
CURSOR = serializers.CharField(allow_null=True)


class MemberShown(serializers.ModelSerializer[Member]):
    """Somebody who can log in."""

    class Meta:
        model = Member
        fields = ("id", "email", "name", "role", "last_login")


class AuditShown(serializers.ModelSerializer[AuditEntry]):
    """One change: `facts` holds before and after, never a secret."""

    facts = serializers.DictField()

    class Meta:
        model = AuditEntry
        fields = ("id", "at", "actor", "action", "subject", "facts", "ip")


MEMBER_PAGE = inline_serializer("MemberPage", {"items": MemberShown(many=True), "next_cursor": CURSOR})
AUDIT_PAGE = inline_serializer("AuditPage", {"items": AuditShown(many=True), "next_cursor": CURSOR})
WANTED = inline_serializer(
    "MemberWanted", {"email": serializers.EmailField(), "role": serializers.ChoiceField(Role.values)}
)
INVITED = inline_serializer(
    "MemberInvited",
    {
        "email": serializers.CharField(),
        "role": serializers.CharField(),
        "link": serializers.CharField(help_text="good once, for seven days; in this answer and nowhere else"),
    },
)


class Members(APIView):
    """`GET /api/v1/members`, `POST /api/v1/members`."""

    required_scope = "admin"

    @extend_schema(operation_id="members", summary="Members", parameters=PAGING, responses=MEMBER_PAGE)
    def get(self, request: Request) -> Response:
        """The workspace's members, newest first."""
        return _page(request, Member.objects.filter(workspace=caller(request).workspace), MemberShown)

    @extend_schema(
        operation_id="members_invite",
        summary="Invite a member",
        request=WANTED,
        responses={201: INVITED, **shapes.REFUSALS},
    )
    def post(self, request: Request) -> Response:
        """Make the link with which somebody joins. A key invites up to admins, a member up to the own role."""
        data = request.data if isinstance(request.data, dict) else {}
        email, role = data.get("email"), data.get("role")
        if (
            not isinstance(email, str)
            or "@" not in email
            or len(email) > members.LONGEST_ADDRESS
            or not email.isprintable()
        ):
            return _refused("email", "email must be an e-mail address.")
        if role not in Role.values:
            return _refused("role", f"role must be one of {', '.join(Role.values)}.")
        user, ip = caller(request), audit.client_ip(request)
        try:
            if isinstance(user, KeyHolder):
                if role == Role.OWNER:
                    return _refused("role", "A key cannot make an owner; an owner can, on the page of members.")
                secret = members.open_for(user.workspace, email, role, actor(request), ip)
            else:
                secret = members.invite(user, email, role, ip)[1]
        except members.NotPossible as problem:
            return _refused("email", str(problem))
        link = request.build_absolute_uri(reverse("invitation", args=[secret]))
        told = {"email": email.strip().lower(), "role": role, "link": link}
        return Response(told, status=201, headers={"Cache-Control": "no-store"})


class Audit(APIView):
    """`GET /api/v1/audit`."""

    required_scope = "admin"

    @extend_schema(
        operation_id="audit",
        summary="The audit log",
        parameters=[*PAGING, OpenApiParameter("action", description="only this one, e.g. key.created")],
        responses=AUDIT_PAGE,
    )
    def get(self, request: Request) -> Response:
        """Who changed what, newest first; rows are only ever added."""
        rows = AuditEntry.objects.filter(workspace=caller(request).workspace)
        action = request.query_params.get("action", "").replace("\0", "")
        return _page(request, rows.filter(action=action) if action else rows, AuditShown)


def _page(request: Request, rows: QuerySet[Any], shape: type[serializers.ModelSerializer[Any]]) -> Response:
    """One page, newest first; `cursor` is the id before which to go on."""
    limit, cursor = whole_within(request, "limit", 100, 1_000), whole_within(request, "cursor", 0, 2**63 - 1)
    rows = rows.order_by("-id")
    page = list((rows.filter(pk__lt=cursor) if cursor else rows)[: limit + 1])
    more = str(page[limit - 1].pk) if len(page) > limit else None
    answer = {"items": shape(page[:limit], many=True).data, "next_cursor": more}
    return Response(answer, headers={"Cache-Control": "private, no-store"})


def _refused(field: str, message: str) -> Response:
    return Response({"error": {"code": "invalid", "message": message, "field": field}}, status=422)
