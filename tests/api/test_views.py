"""`GET|POST /api/v1/views`, `DELETE /api/v1/views/{id}`."""

import pytest
from django.test import Client

from costwatch.accounts.models import AuditEntry, Member, Workspace
from costwatch.saved import keep
from tests.api.conftest import caller

pytestmark = pytest.mark.django_db
WANTED = {"name": "Models", "path": "/explore", "query": "by=model"}


@pytest.fixture
def admin(workspace) -> Client:
    return caller(workspace, "read", "admin")


def post(client: Client, **changes):
    return client.post("/api/v1/views", {**WANTED, **changes}, content_type="application/json")


def test_a_view_is_made_listed_and_deleted(admin, client, get):
    made = post(admin)
    assert made.status_code == 201
    view = made.json()
    assert {name: view[name] for name in ("name", "path", "query", "shared", "created_by")} == {
        **WANTED, "shared": True, "created_by": None}  # fmt: skip
    assert get("/api/v1/views") == {"items": [view], "next_cursor": None}
    assert client.delete(f"/api/v1/views/{view['id']}").status_code == 403
    assert admin.delete(f"/api/v1/views/{view['id']}").status_code == 204
    assert admin.delete(f"/api/v1/views/{view['id']}").status_code == 404
    assert list(AuditEntry.objects.order_by("id").values_list("action", flat=True)) == ["view.saved", "view.deleted"]


def test_posting_the_same_name_again_replaces_it(admin, get):
    first, second = post(admin).json(), post(admin, query="by=task").json()
    assert first["id"] == second["id"]
    assert [view["query"] for view in get("/api/v1/views")["items"]] == ["by=task"]


def test_a_program_sees_what_is_shared_and_a_member_also_their_own(workspace, get):
    mara = Member.objects.create(workspace=workspace, email="m@larkfield.example", role="admin")
    keep.save(workspace, mara, {**WANTED, "name": "mine"}, shared=False)
    keep.save(workspace, mara, {**WANTED, "name": "ours"}, shared=True)
    assert [view["name"] for view in get("/api/v1/views")["items"]] == ["ours"]
    person = Client()
    person.force_login(mara)
    listed = person.get("/api/v1/views").json()["items"]
    assert [(view["name"], view["shared"]) for view in listed] == [("mine", False), ("ours", True)]


def test_the_list_comes_in_pages(admin, get):
    for number in range(5):
        post(admin, name=f"view {number}")
    first = get("/api/v1/views", limit=2)
    second = get("/api/v1/views", limit=3, cursor=first["next_cursor"])
    assert [view["name"] for view in first["items"] + second["items"]] == [f"view {n}" for n in range(5)]
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"name": ""}, "name"), ({"name": None}, "name"), ({"name": "a\x00b"}, "name"), ({"path": "//evil"}, "path"),
     ({"query": 5}, "query"), ({"query": "x" * 3_000}, "query"), ({"shared": False}, "shared"),
     ({"shared": "no"}, "shared")],
)  # fmt: skip
def test_what_cannot_be_kept_says_which_field_is_wrong(admin, changes, field):
    refused = post(admin, **changes)
    assert refused.status_code == 422
    assert refused.json()["error"]["field"] == field


def test_reading_does_not_let_one_write_and_no_list_is_a_view(client, admin):
    assert post(client).status_code == 403
    assert admin.post("/api/v1/views", "[]", content_type="application/json").status_code == 422


def test_views_of_another_workspace_do_not_exist(admin):
    view = post(admin).json()
    other = caller(Workspace.objects.create(name="Somebody else"), "read", "admin")
    assert other.get("/api/v1/views").json()["items"] == []
    assert other.delete(f"/api/v1/views/{view['id']}").status_code == 404


def test_the_routes_are_described(get):
    paths = get("/api/schema")["paths"]
    assert {"get", "post"} <= set(paths["/api/v1/views"])
    assert "delete" in paths["/api/v1/views/{view_id}"]
