"""`/api/v1/members` and `/api/v1/audit`."""

import pytest

from costwatch.accounts import audit
from costwatch.accounts.models import AuditEntry, Invitation, Member, Workspace
from tests.api.conftest import caller

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(workspace):
    return caller(workspace, "admin")


@pytest.fixture
def ada(workspace):
    return Member.objects.create(workspace=workspace, email="ada@larkfield.example", role="owner", name="Ada")


def test_members_are_told_without_anything_secret(admin, ada):
    answer = admin.get("/api/v1/members").json()
    assert answer["items"] == [{"id": ada.pk, "email": "ada@larkfield.example", "name": "Ada", "role": "owner",
                                "last_login": None}]  # fmt: skip
    assert answer["next_cursor"] is None


def test_an_invitation_is_a_link_good_once(admin, client, workspace):
    answer = admin.post("/api/v1/members", {"email": "Bo@larkfield.example", "role": "viewer"}, "application/json")
    assert answer.status_code == 201, answer.content
    told = answer.json()
    assert (told["email"], told["role"]) == ("bo@larkfield.example", "viewer")
    assert Invitation.objects.get(workspace=workspace).email == "bo@larkfield.example"
    assert client.get(told["link"].removeprefix("http://testserver")).status_code == 200
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("data", "field"),
    [({}, "email"), ({"email": "x", "role": "viewer"}, "email"), ({"email": 5, "role": "viewer"}, "email"),
     ({"email": "a@b.example"}, "role"), ({"email": "a@b.example", "role": "king"}, "role"),
     ({"email": "a@b.example", "role": "owner"}, "role"), ({"email": "a\0@b.example", "role": "viewer"}, "email"),
     ([], "email")],
)  # fmt: skip
def test_a_wrong_invitation_is_said(admin, data, field):
    answer = admin.post("/api/v1/members", data, "application/json")
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)
    assert not Invitation.objects.exists()


def test_who_is_a_member_already_is_not_invited(admin, ada):
    answer = admin.post("/api/v1/members", {"email": ada.email, "role": "viewer"}, "application/json")
    assert "is a member already" in answer.json()["error"]["message"]


def test_the_audit_log_goes_page_by_page_newest_first(admin, workspace):
    for n in range(5):
        audit.record(workspace, "ada", "thing.changed", f"thing {n}", {"after": n}, "192.0.2.1")
    first = admin.get("/api/v1/audit", {"limit": 2, "action": "thing.changed"}).json()
    assert [(item["subject"], item["facts"], item["ip"]) for item in first["items"]] == [
        ("thing 4", {"after": 4}, "192.0.2.1"), ("thing 3", {"after": 3}, "192.0.2.1")]  # fmt: skip
    seen, cursor = 2, first["next_cursor"]
    while cursor:
        page = admin.get("/api/v1/audit", {"limit": 2, "action": "thing.changed", "cursor": cursor}).json()
        seen, cursor = seen + len(page["items"]), page["next_cursor"]
    assert seen == 5


def test_another_workspaces_people_and_changes_are_not_told(ada, workspace):
    audit.record(workspace, "ada", "thing.changed", "thing", {})
    other = caller(Workspace.objects.create(name="Other"), "admin")
    assert other.get("/api/v1/members").json()["items"] == []
    actions = {item["action"] for item in other.get("/api/v1/audit").json()["items"]}
    assert "thing.changed" not in actions


def test_a_key_that_only_reads_is_turned_away(client):
    assert client.get("/api/v1/members").status_code == client.get("/api/v1/audit").status_code == 403
    assert not AuditEntry.objects.filter(action="member.invited").exists()
