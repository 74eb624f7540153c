"""The pages of workspace, profile and audit log as a browser sees them, and what all pages of the settings share."""

import pytest

from costwatch.accounts import audit
from costwatch.accounts.keys import create_key
from costwatch.accounts.models import AuditEntry, Member, Role, Workspace
from tests.accounts.conftest import make_member, told

pytestmark = pytest.mark.django_db
HOSTILE = '<img src=x onerror=alert(1)>{{ 7|add:"7" }}'


def test_names_are_shown_as_text(as_member, admin):
    create_key(admin.workspace, HOSTILE, ["ingest"])
    Member.objects.filter(pk=admin.pk).update(name=HOSTILE)
    Workspace.objects.filter(pk=admin.workspace_id).update(name=HOSTILE)
    client = as_member(admin)
    for url in ("keys", "members", "workspace", "profile", "audit"):
        page = told(client.get(f"/settings/{url}"))
        assert "<img src=x" not in page and "&lt;img src=x" in page


def test_the_workspace_gets_another_name_and_week(as_member, admin):
    client = as_member(admin)
    data = {"name": "Larkfield Support", "time_zone": "Europe/Berlin", "week_start": "7"}
    assert client.post("/settings/workspace", data).status_code == 302
    place = Workspace.objects.get(pk=admin.workspace_id)
    assert (place.name, place.week_start) == ("Larkfield Support", 7)
    entry = AuditEntry.objects.get()
    assert entry.action == "workspace.changed" and entry.facts["before"]["name"] == "Larkfield"
    client.post("/settings/workspace", data)
    assert AuditEntry.objects.count() == 1


def test_a_workspace_keeps_its_own_name_but_gets_no_other_ones(as_member, admin, elsewhere):
    data = {"name": "Elsewhere", "time_zone": "UTC", "week_start": "1"}
    response = as_member(admin).post("/settings/workspace", data)
    assert response.status_code == 422 and "has this name" in told(response)
    assert as_member(admin).post("/settings/workspace", {**data, "name": "Larkfield"}).status_code == 302


def test_a_member_changes_the_own_name_and_colours_only(as_member, viewer):
    client = as_member(viewer)
    data = {"name": "Vera", "theme": "dark", "role": "owner", "email": "x@y.example"}
    assert client.post("/settings/profile", data).status_code == 302
    viewer.refresh_from_db()
    assert (viewer.name, viewer.theme, viewer.role) == ("Vera", "dark", "viewer")
    assert 'data-theme="dark"' in told(client.get("/settings/profile"))


def test_settings_opens_on_what_the_member_may_change(as_member, admin, viewer):
    assert as_member(admin).get("/settings")["Location"] == "/settings/keys"
    assert as_member(viewer).get("/settings")["Location"] == "/settings/profile"
    page = told(as_member(viewer).get("/settings/profile"))
    assert "/settings/keys" not in page and "/settings/members" not in page


def test_a_viewer_is_told_which_role_a_page_is_for(as_member, viewer):
    response = as_member(viewer).get("/settings/keys")
    assert response.status_code == 403 and "role admin; yours is viewer" in told(response)


def test_the_audit_log_shows_this_workspace_newest_first_in_pages(as_member, admin, elsewhere):
    rows = [AuditEntry(workspace=admin.workspace, actor="a", action=f"act.{n}", subject="s") for n in range(70)]
    AuditEntry.objects.bulk_create([*rows, AuditEntry(workspace=elsewhere, actor="canary", action="x", subject="s")])
    client = as_member(admin)
    first, second = told(client.get("/settings/audit")), told(client.get("/settings/audit?page=2"))
    assert "act.69" in first and "act.19<" not in first and "act.19<" in second
    assert "canary" not in first + second
    assert client.get("/settings/audit?page=-7").status_code == 200
    assert client.get("/settings/audit?page=x").status_code == 200


def test_long_details_are_folded_in_the_audit_log_and_short_ones_are_not(as_member, admin):
    audit.record(admin.workspace, "a", "key.created", "s", {"scopes": ["read"]})
    audit.record(admin.workspace, "a", "key.created", "s", {"reason": "because of that " * 9 + "end"})
    page = told(as_member(admin).get("/settings/audit"))
    assert page.count('<details class="clip"><summary>') == 1
    assert "because of that end</summary></details>" in page
    assert '<span class="muted">scopes</span> read</td>' in page


def test_the_audit_log_stays_light_with_hundreds_of_long_entries(as_member, admin):
    facts = {"before": {"name": "n" * 60, "reason": "r" * 120}, "after": {"name": "m" * 60, "reason": "q" * 120}}
    rows = [AuditEntry(workspace=admin.workspace, actor="key robot (cw_admin_abcd)", action="budget.changed",
                       subject="s" * 255, facts=facts) for _ in range(300)]  # fmt: skip
    AuditEntry.objects.bulk_create(rows)
    assert len(as_member(admin).get("/settings/audit").content) < 60_000


def test_pages_of_members_are_not_kept_by_shared_caches(as_member, viewer):
    assert as_member(viewer).get("/settings/profile")["Cache-Control"] == "private, no-cache"


def test_an_editor_cannot_reach_keys_or_members(as_member, workspace):
    editor = make_member(workspace, Role.EDITOR)
    for url in ("keys", "members", "workspace", "audit"):
        assert as_member(editor).get(f"/settings/{url}").status_code == 403
