"""The guards themselves: what they set, what they refuse, and the rule they declare."""

import json

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from rest_framework import exceptions, serializers
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from costwatch.accounts.access import key_view, member_page, own_or_404, public, rule_of
from costwatch.accounts.drf import HasScope, KeyOrMemberAuthentication, caller
from costwatch.accounts.keys import create_key
from costwatch.accounts.models import ApiKey, Role
from costwatch.api.errors import error_answer
from costwatch.methods import by_method

pytestmark = pytest.mark.django_db


class Things(APIView):
    """Read with read, changed with admin."""

    authentication_classes = [KeyOrMemberAuthentication]
    permission_classes = [HasScope]
    required_scope = "read"
    required_scopes = {"POST": "admin"}

    def get(self, request):
        return Response({"workspace": caller(request).workspace.name, "lane": request.auth.lane})

    def post(self, request):
        return Response({"scopes": sorted(request.auth.scopes)})


@key_view("ingest")
def send(request):
    return HttpResponse(str(request.identity.workspace_id))


@member_page(Role.EDITOR)
def edit(request):
    return HttpResponse(f"{request.member} {request.workspace}")


def answer(view, method="get", *, key=None, member=None, **headers):
    if key:
        headers["Authorization"] = f"Bearer {key}"
    request = getattr(APIRequestFactory(), method)("/api/x", headers=headers)
    request.user, request.session = member or AnonymousUser(), {}
    response = view(request)
    return response.render() if hasattr(response, "render") else response


def test_a_key_view_knows_the_workspace_from_the_key(workspace):
    _, text = create_key(workspace, "k", ["ingest"])
    assert answer(send, "post", key=text).content == str(workspace.pk).encode()


def test_a_key_view_needs_no_form_token_because_it_ignores_cookies(workspace, owner):
    assert send.csrf_exempt is True
    assert answer(send, "post", member=owner).status_code == 401


def test_a_key_view_refuses_in_the_shape_of_the_contract(workspace):
    _, text = create_key(workspace, "k", ["read"])
    for key, status, code in [(None, 401, "key_missing"), ("x", 401, "key_malformed"), (text, 403, "scope_missing")]:
        response = answer(send, key=key)
        error = json.loads(response.content)["error"]
        assert (response.status_code, error["code"], error["field"]) == (status, code, None)
        assert response.has_header("WWW-Authenticate") is (status == 401)


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("editor", 200), ("admin", 200), ("owner", 200)])
def test_a_role_includes_the_ones_below_it(client, workspace, viewer, role, status):
    viewer.role = role
    if status == 403:
        with pytest.raises(PermissionDenied, match="role editor; yours is viewer"):
            answer(edit, member=viewer)
    else:
        assert answer(edit, member=viewer).content == f"{viewer} {workspace}".encode()


def test_a_drf_view_serves_keys_and_members_with_their_own_workspace(workspace, elsewhere, viewer):
    _, foreign = create_key(elsewhere, "k", ["read"])
    view = Things.as_view()
    assert answer(view, member=viewer).data == {"workspace": "Larkfield", "lane": workspace.lane}
    assert answer(view, key=foreign).data == {"workspace": "Elsewhere", "lane": elsewhere.lane}


def test_a_drf_view_may_ask_for_another_scope_to_change_something(workspace, admin, viewer):
    _, read = create_key(workspace, "k", ["read"])
    _, change = create_key(workspace, "k", ["admin"])
    view = Things.as_view()
    assert answer(view, key=read).status_code == 200
    assert answer(view, "post", key=read).status_code == 403
    assert answer(view, "post", key=change).data == {"scopes": ["admin"]}
    assert answer(view, "post", member=viewer).status_code == 403
    assert answer(view, key=change).status_code == 403


def test_a_row_of_another_workspace_is_not_found(workspace, elsewhere):
    own, foreign = (create_key(place, "k", ["read"])[0] for place in (workspace, elsewhere))
    assert own_or_404(ApiKey, workspace, pk=own.pk) == own
    assert own_or_404(ApiKey.objects.filter(revoked_at=None), workspace, pk=own.pk) == own
    for pk in (foreign.pk, -1, 2**70):
        with pytest.raises(Http404):
            own_or_404(ApiKey, workspace, pk=pk)


def test_each_kind_of_view_tells_its_rule():
    assert rule_of(public(lambda request: None)) == "public"
    assert rule_of(edit) == "member:editor"
    assert rule_of(send) == "key:ingest"
    assert [rule_of(Things.as_view(), method) for method in ("GET", "POST")] == ["key:read", "key:admin"]
    assert rule_of(lambda request: None) is None
    assert rule_of(APIView.as_view()) is None


def test_an_address_of_several_views_tells_the_rule_of_each_method():
    both = by_method(GET=Things.as_view(), POST=send)
    assert [rule_of(both, method) for method in ("GET", "POST", "PUT")] == ["key:read", "key:ingest", None]


@pytest.mark.parametrize(
    ("problem", "status", "code", "field"),
    [
        (exceptions.ParseError("not JSON"), 400, "parse_error", None),
        (exceptions.NotFound(), 404, "not_found", None),
        (Http404(), 404, "not_found", None),
        (exceptions.MethodNotAllowed("PUT"), 405, "method_not_allowed", None),
        (serializers.ValidationError({"a": {"b": ["wrong"]}}), 400, "invalid", "a.b"),
        (serializers.ValidationError(["wrong"]), 400, "invalid", None),
        (RecursionError(), 400, "parse_error", None),
    ],
)
def test_every_refusal_of_the_api_has_one_shape(problem, status, code, field):
    response = error_answer(problem, {})
    error = response.data["error"]
    assert (response.status_code, error["code"], error["field"]) == (status, code, field)
    assert isinstance(error["message"], str) and error["message"]


def test_a_fault_of_ours_is_not_dressed_up_as_a_refusal():
    assert error_answer(ZeroDivisionError(), {}) is None
