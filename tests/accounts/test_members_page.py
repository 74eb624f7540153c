"""The page of members as a browser sees it. Each view that writes leaves an audit entry."""

import re

import pytest
from django.test import Client

from costwatch.accounts.models import Invitation, Member
from tests.accounts.conftest import actions, told

pytestmark = pytest.mark.django_db


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


def test_members_stand_with_their_role_before_their_last_login(as_member, admin):
    Member.objects.filter(pk=admin.pk).update(name="Mara Voss")
    page = re.sub(r"\s+", " ", told(as_member(admin).get("/settings/members")))
    assert f"{admin.email}<br><small>Mara Voss</small>" in page
    assert page.index(">Role</th>") < page.index(">Last login</th>")
