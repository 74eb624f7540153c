"""`/api/v1/keys`: made once, listed without the secret, revoked; only inside the own workspace."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from costwatch.accounts.keys import KEY, KeyRefused, authenticate, create_key
from costwatch.accounts.models import ApiKey, AuditEntry

pytestmark = pytest.mark.django_db


def call(method, path, key, body=None, **extra):
    data = body if isinstance(body, bytes) else json.dumps(body)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return Client().generic(method, path, data, content_type="application/json", headers=headers, **extra)


def error(response):
    assert set(response.json()) == {"error"} and set(response.json()["error"]) == {"code", "message", "field"}
    return response.json()["error"]


@pytest.fixture
def admin_key(workspace):
    return create_key(workspace, "robot", ["admin"])[1]


def test_a_key_is_made_shown_once_and_audited_under_the_name_of_the_key_that_made_it(workspace, admin_key):
    response = call("POST", "/api/v1/keys", admin_key, {"name": "collector", "scopes": ["ingest", "read"]})
    assert response.status_code == 201 and response["Cache-Control"] == "no-store"
    made = response.json()
    assert set(made) == {"id", "key"} and KEY.fullmatch(made["key"])
    assert authenticate(f"Bearer {made['key']}", "ingest").workspace_id == workspace.pk
    entry = AuditEntry.objects.get()
    assert entry.action == "key.created" and entry.actor.startswith("key robot")
    assert made["key"] not in call("GET", "/api/v1/keys", admin_key).content.decode()


def test_a_key_may_expire(admin_key):
    until = timezone.now() + timedelta(days=3)
    made = call("POST", "/api/v1/keys", admin_key, {"name": "k", "scopes": ["read"], "expires_at": until.isoformat()})
    assert ApiKey.objects.get(pk=made.json()["id"]).expires_at == until


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"), ([], "name"), ("text", "name"), (7, "name"), (None, "name"), ({"name": 7}, "name"),
        ({"name": "k"}, "scopes"), ({"name": "k", "scopes": []}, "scopes"), ({"name": "k", "scopes": "root"}, "scopes"),
        ({"name": "k", "scopes": {"a": 1}}, "scopes"), ({"name": "k", "scopes": [["read"]]}, "scopes"),
        ({"name": "k", "scopes": [None, "read"]}, "scopes"), ({"name": "a\x00", "scopes": ["read"]}, "name"),
        ({"name": "k", "scopes": ["read"], "expires_at": "tomorrow"}, "expires_at"),
        ({"name": "k", "scopes": ["read"], "expires_at": 7}, "expires_at"),
        ({"name": "k", "scopes": ["read"], "expires_at": "2000-01-01T00:00:00Z"}, "expires_at"),
        ({"name": "k", "scopes": ["read"], "expires_at": "2999-01-01T00:00:00"}, "expires_at"),
        ({"name": "k", "scopes": ["read"], "expires_at": "2999-13-01T00:00:00Z"}, "expires_at"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_its_field(admin_key, body, field):
    response = call("POST", "/api/v1/keys", admin_key, body)
    assert response.status_code == 422 and error(response)["field"] == field
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize(
    "body", [b"{", b"", b"\xff\xfe", b'{"name": NaN}', b"[" * 100_000, b'{"name": "\xed\xa0\x80"}', b"\x00", b"nul"]
)
def test_what_is_not_json_is_a_400(admin_key, body):
    response = call("POST", "/api/v1/keys", admin_key, body)
    assert response.status_code in (400, 422)
    assert error(response)["message"]


def test_a_lone_surrogate_in_a_name_is_refused(admin_key):
    assert call("POST", "/api/v1/keys", admin_key, b'{"name": "\\ud800", "scopes": ["read"]}').status_code == 422


def test_another_content_type_is_a_415(admin_key):
    response = Client().post(
        "/api/v1/keys", "name=k", content_type="text/plain", headers={"Authorization": f"Bearer {admin_key}"}
    )
    assert response.status_code == 415 and error(response)["code"] == "unsupported_media_type"


def test_a_body_beyond_the_limit_is_a_413(admin_key):
    assert call("POST", "/api/v1/keys", admin_key, b'"' + b"x" * 5_000_000 + b'"').status_code == 413


@pytest.mark.parametrize("scope", ["ingest", "read"])
def test_keys_are_for_admin_keys_only(workspace, scope):
    _, text = create_key(workspace, "k", [scope])
    for method, path in [("GET", "/api/v1/keys"), ("POST", "/api/v1/keys"), ("DELETE", "/api/v1/keys/1")]:
        response = call(method, path, text, {"name": "k", "scopes": ["admin"]})
        assert response.status_code == 403 and error(response)["code"] == "scope_missing"
    assert ApiKey.objects.count() == 1


def test_without_a_key_one_is_asked_for(db):
    response = call("GET", "/api/v1/keys", None)
    assert response.status_code == 401 and error(response)["code"] == "key_missing"
    assert response["WWW-Authenticate"] == 'Bearer realm="costwatch"'


def test_a_revoked_key_is_refused_and_revoking_again_is_no_error(workspace, admin_key):
    key, text = create_key(workspace, "old", ["ingest"])
    for _ in range(2):
        response = call("DELETE", f"/api/v1/keys/{key.pk}", admin_key)
        assert response.status_code == 204 and response.content == b""
    with pytest.raises(KeyRefused):
        authenticate(f"Bearer {text}", "ingest")
    assert AuditEntry.objects.filter(action="key.revoked").count() == 1


def test_keys_of_another_workspace_are_not_listed_and_cannot_be_revoked(elsewhere, admin_key):
    foreign, _ = create_key(elsewhere, "canary-51d0", ["ingest"])
    assert "canary-51d0" not in call("GET", "/api/v1/keys", admin_key).content.decode()
    for key_id in (foreign.pk, 10**30, 0):
        response = call("DELETE", f"/api/v1/keys/{key_id}", admin_key)
        assert response.status_code == 404 and error(response)["code"] == "not_found"
    assert ApiKey.objects.get(pk=foreign.pk).revoked_at is None


def test_a_workspace_in_the_body_is_ignored(elsewhere, admin_key):
    body = {"name": "k", "scopes": ["read"], "workspace": elsewhere.pk, "workspace_id": elsewhere.pk}
    made = call("POST", "/api/v1/keys", admin_key, body).json()
    assert ApiKey.objects.get(pk=made["id"]).workspace.name == "Larkfield"


def test_the_list_goes_page_by_page_without_gap_or_repeat(workspace, admin_key):
    for n in range(6):
        create_key(workspace, f"k{n}", ["ingest"])
    seen, cursor = [], ""
    while cursor is not None:
        page = call("GET", f"/api/v1/keys?limit=3&cursor={cursor}", admin_key).json()
        seen += [item["name"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == ["k5", "k4", "k3", "k2", "k1", "k0", "robot"]


@pytest.mark.parametrize("query", ["limit=0", "limit=-1", "limit=x", "limit=1e9", "cursor=x", "limit=" + "9" * 5000])
def test_odd_paging_is_not_an_error_of_the_server(admin_key, query):
    assert call("GET", f"/api/v1/keys?{query}", admin_key).status_code == 200


def test_an_admin_may_use_the_session_but_changes_need_the_form_token(as_member, admin, viewer):
    assert as_member(admin).get("/api/v1/keys").status_code == 200
    response = as_member(viewer).get("/api/v1/keys")
    assert response.status_code == 403 and error(response)["code"] == "permission_denied"
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(admin)
    refused = strict.post("/api/v1/keys", {"name": "k", "scopes": ["read"]}, content_type="application/json")
    assert refused.status_code == 403 and not ApiKey.objects.exists()


def test_a_wrong_key_is_refused_even_beside_a_good_session(as_member, admin):
    assert as_member(admin).get("/api/v1/keys", headers={"Authorization": "Bearer x"}).status_code == 401
