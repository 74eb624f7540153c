"""The API from a browser: a member's session instead of a key, with the form token, the role and the own name."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from costwatch.accounts import keys
from costwatch.accounts.models import ApiKey, AuditEntry, Member, Workspace
from costwatch.alerts import stops
from costwatch.saved.models import SavedView
from tests.api.conftest import caller

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
ROLES = ["viewer", "editor", "admin", "owner"]
SOON = (datetime.now(UTC) + timedelta(days=1)).isoformat()
WRITES = {
    "keys": ({"name": "k", "scopes": ["read"]}, "key.created"),
    "members": ({"email": "new@l.example", "role": "viewer"}, "member.invited"),
    "views": ({"name": "All", "path": "/explore"}, "view.saved"),
    "stops": ({"scope": {"agent": "x"}, "message": "Enough.", "until": SOON}, "stop.placed"),
    "budgets": ({"name": "b", "amount_usd": "5", "period": "daily"}, "budget.created"),
    "channels": ({"kind": "email", "name": "c", "to": ["a@b.example"]}, "channel.created"),
    "prices": ({"provider": "openai", "model": "x", "prices": {"input": "1"}}, "price.added"),
}
READS = [
    "spend",
    "events",
    "runs",
    "budgets",
    "channels",
    "incidents",
    "prices",
    "stops",
    "views",
    "variance",
    "forecast",
]
FOR_ADMINS = ["keys", "members", "audit"]


def member(workspace: Workspace, role: str, name: str = "") -> Member:
    email = f"{name or role}@{workspace.name.split()[0].lower()}.example"
    return Member.objects.create(workspace=workspace, role=role, email=email, password="!")


def browser(who: Member, **options: bool) -> Client:
    made = Client(**options)
    made.force_login(who)
    return made


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", [*READS, *FOR_ADMINS])
def test_every_member_reads_and_admins_read_who_may_what(workspace, role, name):
    answer = browser(member(workspace, role)).get(f"/api/v1/{name}")
    allowed = name in READS or role in ("admin", "owner")
    assert answer.status_code == (200 if allowed else 403)
    if not allowed:
        assert answer.json()["error"]["message"].endswith(".")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", WRITES)
def test_admins_write_under_their_own_name(workspace, role, name):
    body, action = WRITES[name]
    who = member(workspace, role)
    answer = browser(who).post(f"/api/v1/{name}", json.dumps(body), "application/json")
    if role in ("viewer", "editor"):
        assert answer.status_code == 403
        assert not AuditEntry.objects.exists()
        return
    assert answer.status_code == 201, answer.content
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.ip, entry.workspace) == (action, who.email, "127.0.0.1", workspace)


@pytest.mark.parametrize("name", WRITES)
def test_a_page_elsewhere_cannot_write_with_the_session_of_its_visitor(workspace, name):
    body, action = WRITES[name]
    visitor = browser(member(workspace, "owner"), enforce_csrf_checks=True)
    refused = visitor.post(f"/api/v1/{name}", json.dumps(body), "application/json")
    assert refused.status_code == 403 and "CSRF" in refused.json()["error"]["message"]
    assert not AuditEntry.objects.filter(action=action).exists()
    token = "a" * 32
    visitor.cookies["costwatch_csrf"] = token
    taken = visitor.post(f"/api/v1/{name}", json.dumps(body), "application/json", headers={"X-CSRFToken": token})
    assert taken.status_code == 201, taken.content


@pytest.mark.parametrize("name", WRITES)
def test_a_key_writes_under_its_name_and_end_and_needs_no_token(workspace, name):
    body, action = WRITES[name]
    _, text = keys.create_key(workspace, "pipeline", ["admin"])
    program = Client(enforce_csrf_checks=True, headers={"Authorization": f"Bearer {text}"})
    assert program.post(f"/api/v1/{name}", json.dumps(body), "application/json").status_code == 201
    entry = AuditEntry.objects.get(action=action)
    assert entry.actor == f"key pipeline (cw_admin_…{text[-4:]})"
    assert text not in json.dumps(entry.facts) and entry.workspace == workspace


def test_a_key_that_a_member_makes_is_theirs_and_one_of_a_program_is_nobodys(workspace):
    admin = member(workspace, "admin")
    browser(admin).post("/api/v1/keys", {"name": "by ann", "scopes": ["read"]}, "application/json")
    caller(workspace, "admin").post("/api/v1/keys", {"name": "by key", "scopes": ["read"]}, "application/json")
    assert ApiKey.objects.get(name="by ann").created_by == admin
    assert ApiKey.objects.get(name="by key").created_by is None


def test_a_member_sees_the_own_private_views_and_shared_ones_and_deletes_those_alone(workspace):
    ann, bob = browser(member(workspace, "admin", "ann")), browser(member(workspace, "admin", "bob"))
    for who, name, shared in ((ann, "mine", False), (ann, "ours", True), (bob, "his", False)):
        body = {"name": name, "path": "/runs", "query": "agent=a", "shared": shared}
        made = who.post("/api/v1/views", json.dumps(body), "application/json")
        assert (made.status_code, made.json()["shared"]) == (201, shared)

    def names(who: Client) -> list[str]:
        return [view["name"] for view in who.get("/api/v1/views").json()["items"]]

    assert (names(ann), names(bob)) == (["mine", "ours"], ["his", "ours"])
    assert names(caller(workspace, "read")) == ["ours"]
    his = SavedView.objects.get(name="his").pk
    assert ann.delete(f"/api/v1/views/{his}").status_code == 404
    assert bob.delete(f"/api/v1/views/{his}").status_code == 204
    assert [entry.subject for entry in AuditEntry.objects.order_by("id")] == ["ours"], (
        "what is private is nobody's business"
    )


@pytest.mark.parametrize("shared", ["yes", 1, None, [], {}])
def test_shared_is_true_or_false(workspace, shared):
    body = json.dumps({"name": "v", "path": "/runs", "shared": shared})
    for who in (browser(member(workspace, "admin")), caller(workspace, "admin")):
        answer = who.post("/api/v1/views", body, "application/json")
        assert (answer.status_code, answer.json()["error"]["field"]) == (422, "shared")
    private = json.dumps({"name": "v", "path": "/runs", "shared": False})
    assert caller(workspace, "admin").post("/api/v1/views", private, "application/json").status_code == 422
    assert not SavedView.objects.exists()


@pytest.mark.parametrize("change", [{"is_active": False}, {"session_epoch": 1}, {"role": "viewer"}, {"password": "?"}])
def test_a_session_that_has_ended_opens_nothing_here_either(workspace, change):
    who = member(workspace, "admin")
    open_before = browser(who)
    assert open_before.get("/api/v1/keys").status_code == 200
    Member.objects.filter(pk=who.pk).update(**change)
    assert open_before.get("/api/v1/keys").status_code == 401


def test_an_admin_of_another_workspace_finds_nothing_of_this_one(workspace, monkeypatch):
    monkeypatch.setattr(stops, "FRESH_FOR", 0.0)
    for name, (body, _) in WRITES.items():
        assert browser(Member.objects.filter(workspace=workspace).first() or member(workspace, "owner")).post(
            f"/api/v1/{name}", json.dumps(body), "application/json").status_code == 201  # fmt: skip
    eve = browser(member(Workspace.objects.create(name="Elsewhere"), "owner"))
    for name in WRITES:
        items = eve.get(f"/api/v1/{name}", {"origin": "override"} if name == "prices" else {}).json()["items"]
        assert [item for item in items if item.get("email") != "owner@elsewhere.example"] == []
    assert eve.get("/api/v1/guard", {"agent_id": "x"}).json()["allow"] is True
