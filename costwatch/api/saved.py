"""Saved views over the API: listed, kept, deleted."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from costwatch.accounts import audit
from costwatch.accounts.models import Member
from costwatch.api.keys import actor
from costwatch.api.shapes import NOT_FOUND, REFUSALS
from costwatch.api.views import Reading
from costwatch.saved import keep
from costwatch.saved.keep import BadView
from costwatch.saved.models import SavedView
from costwatch.spend.page import from_cursor, to_cursor

LISTING = "views"


class View(serializers.Serializer[Any]):
    """A page with its state under a name."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    path = serializers.ChoiceField(keep.PATHS)
    query = serializers.CharField(help_text="the query string that is the page's state")
    shared = serializers.BooleanField(help_text="false: only its owner sees it")
    created_by = serializers.CharField(allow_null=True, help_text="e-mail of the member; null: a program's")
    created_at = serializers.DateTimeField()


PAGE = inline_serializer("ViewPage", {"items": View(many=True), "next_cursor": serializers.CharField(allow_null=True)})
WANTED = inline_serializer(
    "ViewWanted",
    {
        "name": serializers.CharField(help_text="1 to 80 characters; what has this name already is replaced"),
        "path": serializers.ChoiceField(keep.PATHS),
        "query": serializers.CharField(required=False),
        "shared": serializers.BooleanField(required=False, help_text="default true; a key's views are always shared"),
    },
)


class OfViews(Reading):
    """A view about saved views."""

    @property
    def member(self) -> Member | None:
        """Who calls, if that is a person."""
        return self.request.user if isinstance(self.request.user, Member) else None


class Views(OfViews):
    """`GET /api/v1/views`, `POST /api/v1/views`."""

    required_scopes = {"POST": "admin"}

    @extend_schema(
        operation_id="views_list",
        summary="Saved views",
        description="Those that are shared, and a member's own.",
        parameters=[OpenApiParameter("limit", int), OpenApiParameter("cursor")],
        responses={200: PAGE, **REFUSALS},
    )
    def get(self, request: Request) -> Response:
        """By name."""
        page = self.page()
        rows = keep.visible(self.workspace, self.member)
        start = from_cursor(LISTING, page["cursor"])[0] if page["cursor"] else 0
        found = list(rows[start : start + page["limit"] + 1])
        more = to_cursor(LISTING, [start + page["limit"]]) if len(found) > page["limit"] else None
        return Response({"items": [shown(view) for view in found[: page["limit"]]], "next_cursor": more})

    @extend_schema(
        operation_id="views_create",
        summary="Save a view",
        request=WANTED,
        responses={201: View, **REFUSALS},
    )
    def post(self, request: Request) -> Response:
        """Keep a page with its state."""
        data = request.data if isinstance(request.data, dict) else {}
        shared = data.get("shared", True)
        try:
            if not isinstance(shared, bool) or not (shared or self.member):
                raise BadView("shared", "shared must be true or false; what a key saves is always shared.")
            view = keep.save(self.workspace, actor(request), data, shared=shared, ip=audit.client_ip(request))
        except BadView as problem:
            error = {"code": "invalid", "message": problem.message, "field": problem.field}
            return Response({"error": error}, status=422)
        return Response(shown(view), status=201)


class OneView(OfViews):
    """`DELETE /api/v1/views/{id}`."""

    required_scope = "admin"

    @extend_schema(
        operation_id="views_delete",
        summary="Delete a view",
        request=None,
        responses={204: None, **NOT_FOUND, **REFUSALS},
    )
    def delete(self, request: Request, view_id: int) -> Response:
        """Forget it."""
        view = keep.visible(self.workspace, self.member).filter(pk=view_id).first()
        if view is None:
            raise Http404("There is no view with this id in this workspace.")
        keep.delete(view, actor(request), audit.client_ip(request))
        return Response(status=204)


def shown(view: SavedView) -> dict[str, Any]:
    """A view as the API tells it."""
    return {
        "id": view.pk,
        "name": view.name,
        "path": view.path,
        "query": view.query,
        "shared": view.shared,
        "created_by": view.created_by.email if view.created_by else None,
        "created_at": view.created_at,
    }
