"""The settings pages as a browser sees them. Each view that writes leaves an audit entry."""

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from costwatch.accounts import keys, once
from costwatch.accounts.keys import authenticate, create_key
from costwatch.accounts.models import ApiKey, AuditEntry, Invitation, Member, Role, Workspace
from costwatch.lib import sealed
from tests.accounts.conftest import make_member

pytestmark = pytest.mark.django_db
HOSTILE = '<img src=x onerror=alert(1)>{{ 7|add:"7" }}'


def told(response):
    return response.content.decode()


def actions():
    return list(AuditEntry.objects.order_by("id").values_list("action", flat=True))


def test_a_new_key_is_shown_once_and_works(as_member, admin):
    client = as_member(admin)
    response = client.post("/settings/keys", {"name": "triage-prod", "scopes": ["ingest", "read"], "days": "0"})
    assert (response.status_code, response["Location"]) == (302, "/settings/keys")
    response = client.get("/settings/keys")
    text = re.search(keys.KEY, told(response))[0]
    assert authenticate(f"Bearer {text}", "read").workspace_id == admin.workspace_id
    assert response["Cache-Control"] == "no-store"
    again = told(client.get("/settings/keys"))
    assert text not in again and "triage-prod" in again and text[-4:] in again
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor) == ("key.created", admin.email)
    assert text not in f"{entry.subject}{entry.facts}"
    assert ApiKey.objects.get().created_by == admin


def test_a_key_that_waits_to_be_shown_is_in_no_row(as_member, admin):
    client = as_member(admin)
    client.post("/settings/keys", {"name": "k", "scopes": ["read"], "days": "0"})
    (waiting,) = (value for name, value in client.session.items() if name.startswith("once"))
    text = re.search(keys.KEY, told(client.get("/settings/keys")))[0]
    assert text not in waiting and sealed.unseal(waiting, [settings.SECRET_KEY], once.PURPOSE) == {"secret": text}
    assert not [name for name, _ in client.session.items() if name.startswith("once")]


def test_a_key_made_under_another_secret_key_of_the_installation_is_not_shown(as_member, admin):
    client = as_member(admin)
    session = client.session
    session["once key"] = sealed.seal({"secret": "cw_lost"}, ["another secret key"], once.PURPOSE)
    session.save()
    page = client.get("/settings/keys")
    assert page.status_code == 200 and "Key made" not in told(page)


def test_a_key_may_be_valid_for_some_days(as_member, admin):
    as_member(admin).post("/settings/keys", {"name": "k", "scopes": ["read"], "days": "30"})
    left = ApiKey.objects.get().expires_at - timezone.now()
    assert timedelta(days=29, hours=23) < left <= timedelta(days=30)


@pytest.mark.parametrize(
    "data",
    [
        {"name": "", "scopes": ["read"]}, {"name": "k"}, {"name": "k", "scopes": ["root"]},
        {"name": "k", "scopes": ["read"], "days": "7000"}, {"name": "x" * 201, "scopes": ["read"]},
        {"name": "a\x00b", "scopes": ["read"]}, {"name": "  ", "scopes": ["read"]},
        {"name": "a\tb", "scopes": ["read"]}, {"name": "a\u202eb", "scopes": ["read"]},
    ],
)  # fmt: skip
def test_a_key_that_cannot_be_made_is_explained_beside_the_field(as_member, admin, data):
    response = as_member(admin).post("/settings/keys", data)
    assert response.status_code == 422 and 'class="bad"' in told(response)
    assert not ApiKey.objects.exists() and actions() == []


def test_a_key_is_revoked_after_a_question(as_member, admin):
    key, text = create_key(admin.workspace, "old", ["ingest"])
    client = as_member(admin)
    question = told(client.get(f"/settings/keys/{key.pk}/revoke"))
    assert "Revoke old?" in question and ApiKey.objects.get().revoked_at is None
    assert client.post(f"/settings/keys/{key.pk}/revoke")["Location"] == "/settings/keys"
    with pytest.raises(keys.KeyRefused):
        authenticate(f"Bearer {text}", "ingest")
    page = told(client.get("/settings/keys"))
    assert "The key old is revoked." in page and "revoked" in page
    client.post(f"/settings/keys/{key.pk}/revoke")
    assert actions() == ["key.revoked"]


def test_keys_of_another_workspace_do_not_exist(as_member, admin, stranger):
    key, _ = create_key(stranger.workspace, "canary-7f3a", ["ingest"])
    client = as_member(admin)
    assert client.get(f"/settings/keys/{key.pk}/revoke").status_code == 404
    assert client.post(f"/settings/keys/{key.pk}/revoke").status_code == 404
    assert client.post(f"/settings/keys/{10**30}/revoke").status_code == 404
    assert "canary-7f3a" not in told(client.get("/settings/keys"))
    assert ApiKey.objects.get().revoked_at is None


def test_names_are_shown_as_text(as_member, admin):
    create_key(admin.workspace, HOSTILE, ["ingest"])
    Member.objects.filter(pk=admin.pk).update(name=HOSTILE)
    Workspace.objects.filter(pk=admin.workspace_id).update(name=HOSTILE)
    client = as_member(admin)
    for url in ("keys", "members", "workspace", "profile", "audit"):
        page = told(client.get(f"/settings/{url}"))
        assert "<img src=x" not in page and "&lt;img src=x" in page


def test_an_invitation_link_is_shown_once_and_leads_in(as_member, admin):
    client = as_member(admin)
    made = client.post("/settings/members", {"email": "bob@larkfield.example", "role": "editor"})
    assert (made.status_code, made["Location"]) == (302, "/settings/members")
    response = client.get("/settings/members")
    path = re.search(r"http://testserver(/invite/[\w-]+)", told(response))[1]
    assert response["Cache-Control"] == "no-store"
    assert Client().get(path).status_code == 200
    listed = told(client.get("/settings/members"))
    assert path not in listed and "joining as editor" in listed
    assert Client().get(path).status_code == 200
    assert actions() == ["member.invited"]


def test_a_link_withdrawn_before_it_was_looked_at_is_not_shown(as_member, admin):
    client = as_member(admin)
    client.post("/settings/members", {"email": "bob@larkfield.example", "role": "editor"})
    client.post(f"/settings/invitations/{Invitation.objects.get().pk}/withdraw")
    assert "/invite/" not in told(client.get("/settings/members"))


def test_an_invitation_can_be_withdrawn(as_member, admin, stranger, elsewhere):
    client = as_member(admin)
    client.post("/settings/members", {"email": "bob@larkfield.example", "role": "editor"})
    invited = Invitation.objects.get()
    assert as_member(stranger).post(f"/settings/invitations/{invited.pk}/withdraw").status_code == 404
    assert client.post(f"/settings/invitations/{invited.pk}/withdraw").status_code == 302
    assert not Invitation.objects.exists()
    assert actions() == ["member.invited", "member.invitation_withdrawn"]


def test_an_admin_is_not_offered_to_make_an_owner_and_cannot_force_it(as_member, admin):
    client = as_member(admin)
    assert 'value="owner"' not in told(client.get("/settings/members"))
    response = client.post("/settings/members", {"email": "bob@larkfield.example", "role": "owner"})
    assert response.status_code == 422 and not Invitation.objects.exists()


def test_who_is_a_member_already_is_not_invited(as_member, admin, viewer):
    response = as_member(admin).post("/settings/members", {"email": viewer.email, "role": "viewer"})
    assert response.status_code == 422 and "a member already" in told(response)


def test_a_role_is_changed_on_the_page_of_members(as_member, owner, viewer):
    client = as_member(owner)
    response = client.post(f"/settings/members/{viewer.pk}/role", {"role": "editor"}, follow=True)
    assert "is editor now" in told(response)
    assert Member.objects.get(pk=viewer.pk).role == "editor" and actions() == ["member.role_changed"]


def test_a_refused_change_says_why(as_member, admin, owner):
    response = as_member(admin).post(f"/settings/members/{owner.pk}/role", {"role": "viewer"}, follow=True)
    assert "has a role above yours" in told(response)
    response = as_member(admin).post(f"/settings/members/{admin.pk}/role", {"role": "admin"}, follow=True)
    assert "to yourself" in told(response)
    assert actions() == []


def test_a_member_is_removed_after_a_question(as_member, owner, viewer):
    client = as_member(owner)
    assert f"Remove {viewer.email}?" in told(client.get(f"/settings/members/{viewer.pk}/remove"))
    assert client.post(f"/settings/members/{viewer.pk}/remove").status_code == 302
    assert not Member.objects.filter(pk=viewer.pk).exists() and actions() == ["member.removed"]


def test_members_of_another_workspace_do_not_exist(as_member, owner, stranger):
    client = as_member(owner)
    for what in ("role", "remove", "password"):
        assert client.post(f"/settings/members/{stranger.pk}/{what}", {"role": "viewer"}).status_code == 404
    assert stranger.email not in told(client.get("/settings/members"))


def test_a_new_password_link_is_made_on_the_page_of_members(as_member, owner, viewer):
    client = as_member(owner)
    assert client.post(f"/settings/members/{viewer.pk}/password")["Location"] == "/settings/members"
    assert "/invite/" in told(client.get("/settings/members"))
    assert "/invite/" not in told(client.get("/settings/members"))
    assert actions() == ["member.password_link"]
    refused = client.post(f"/settings/members/{owner.pk}/password", follow=True)
    assert "to yourself" in told(refused)


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
    rows = [AuditEntry(workspace=admin.workspace, actor="a", action=f"act.{n}", subject="s") for n in range(120)]
    AuditEntry.objects.bulk_create([*rows, AuditEntry(workspace=elsewhere, actor="canary", action="x", subject="s")])
    client = as_member(admin)
    first, second = told(client.get("/settings/audit")), told(client.get("/settings/audit?page=2"))
    assert "act.119" in first and "act.19<" not in first and "act.19<" in second
    assert "canary" not in first + second
    assert client.get("/settings/audit?page=-7").status_code == 200
    assert client.get("/settings/audit?page=x").status_code == 200


def test_pages_of_members_are_not_kept_by_shared_caches(as_member, viewer):
    assert as_member(viewer).get("/settings/profile")["Cache-Control"] == "private, no-cache"


def test_an_editor_cannot_reach_keys_or_members(as_member, workspace):
    editor = make_member(workspace, Role.EDITOR)
    for url in ("keys", "members", "workspace", "audit"):
        assert as_member(editor).get(f"/settings/{url}").status_code == 403


def test_the_keys_come_in_pages_those_that_work_first(as_member, admin):
    made = [create_key(admin.workspace, f"key-{n}", ["ingest"])[0] for n in range(70)]
    keys.revoke(made[69])
    client = as_member(admin)
    first, second = told(client.get("/settings/keys")), told(client.get("/settings/keys?page=2"))
    assert re.findall(r'<th scope="row">(key-\d+)', first) == [f"key-{n}" for n in range(68, 18, -1)]
    assert re.findall(r'<th scope="row">(key-\d+)', second) == [*(f"key-{n}" for n in range(18, -1, -1)), "key-69"]
    assert "1–50 of 70" in first and 'href="?page=2">Older' in first and "Newer" not in first
    assert "51–70 of 70" in second and 'href="?page=1">Newer' in second and "Older" not in second
    for page in ("0", "-7", "x", "99999999999999999999"):
        assert client.get(f"/settings/keys?page={page}").status_code == 200


def test_a_new_key_is_seen_on_the_first_page_wherever_it_was_made(as_member, admin):
    for n in range(60):
        create_key(admin.workspace, f"key-{n}", ["ingest"])
    asked = {"name": "newest", "scopes": ["ingest"], "days": "0"}
    made = told(as_member(admin).post("/settings/keys?page=2", asked, follow=True))
    assert '<th scope="row">newest' in made and "1–50 of 61" in made


def test_few_keys_need_no_pages(as_member, admin):
    create_key(admin.workspace, "only", ["ingest"])
    assert "of 1<" not in told(as_member(admin).get("/settings/keys"))


def test_days_are_those_of_the_workspaces_zone(as_member, admin):
    Workspace.objects.update(time_zone="Pacific/Auckland")
    key = create_key(admin.workspace, "late", ["ingest"])[0]
    ApiKey.objects.filter(pk=key.pk).update(created_at="2026-11-17T22:00:00Z", expires_at="2030-01-01T12:00:00Z")
    page = told(as_member(admin).get("/settings/keys"))
    assert "18 Nov 2026" in page and "works until 2 Jan 2030" in page


def test_members_stand_with_their_role_before_their_last_login(as_member, admin):
    Member.objects.filter(pk=admin.pk).update(name="Mara Voss")
    page = re.sub(r"\s+", " ", told(as_member(admin).get("/settings/members")))
    assert f"{admin.email}<br><small>Mara Voss</small>" in page
    assert page.index(">Role</th>") < page.index(">Last login</th>")


def test_the_way_to_revoke_a_key_stays_in_sight_where_its_table_is_cut(as_member, admin):
    key, _ = create_key(admin.workspace, "old", ["ingest"])
    page = told(as_member(admin).get("/settings/keys"))
    row = page[page.index('<th scope="row">old') :]
    assert row.index("works") < row.index(key.prefix), "its state stands beside its name"
    assert f'<td class="num stay"><a href="/settings/keys/{key.pk}/revoke"' in row
