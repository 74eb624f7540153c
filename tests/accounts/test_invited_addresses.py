"""A link to join is made only for somebody who can become a member with it, wherever it is made."""

import pytest
from django.urls import reverse

from costwatch.accounts import commands, members
from costwatch.accounts.members import NotPossible
from costwatch.accounts.models import AuditEntry, Invitation, Member, Workspace
from tests.accounts.conftest import PASSWORD
from tests.api.conftest import caller

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
WRONG = ["@", "a@", "@b.example", "a b@c.example", "<a@b.example>", "a@b.example,c@d.example", "a@b", "a@b..example",
         "ä@b.example\n", "a\t@b.example", "x" * 250 + "@b.example"]  # fmt: skip


@pytest.mark.parametrize("email", WRONG)
def test_the_api_makes_no_link_that_nobody_could_use(workspace, email):
    answer = caller(workspace, "admin").post(
        "/api/v1/members", {"email": email, "role": "viewer"}, content_type="application/json"
    )
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert (error["code"], error["field"]) == ("invalid", "email")
    assert "an e-mail address" in error["message"]
    assert not Invitation.objects.exists() and not AuditEntry.objects.filter(action="member.invited").exists()


@pytest.mark.parametrize("email", WRONG)
def test_neither_does_the_command_line_nor_its_workspace(db, email):
    with pytest.raises(NotPossible, match="is not an e-mail address"):
        commands.user_create(email, "viewer", None, "Acme")
    assert not Workspace.objects.exists() and not Invitation.objects.exists()


@pytest.mark.parametrize("email", WRONG)
def test_nor_a_member(admin, email):
    with pytest.raises(NotPossible, match="is not an e-mail address"):
        members.invite(admin, email, "viewer")


@pytest.mark.parametrize(
    "email", ["Ann.Lee+costs@Larkfield.Example", " ann@larkfield.example ", "a@xn--bcher-kva.example"]
)
def test_a_link_that_is_made_leads_in_under_the_address_in_lower_case(workspace, client, email):
    answer = caller(workspace, "admin").post(
        "/api/v1/members", {"email": email, "role": "editor"}, content_type="application/json"
    )
    told = answer.json()
    assert told["email"] == email.strip().lower()
    joined = client.post(told["link"].removeprefix("http://testserver"), {"name": "Ann", "password": PASSWORD})
    assert (joined.status_code, joined["Location"]) == (302, "/")
    member = Member.objects.get()
    assert (member.email, member.role, member.workspace, member.name) == (
        email.strip().lower(), "editor", workspace, "Ann")  # fmt: skip
    assert client.get(reverse("profile")).status_code == 200, "and is logged in"


def test_a_newer_link_of_the_same_address_is_the_one_that_counts_however_it_is_written(workspace, admin, client):
    first = members.open_for(workspace, "ann@larkfield.example", "viewer")
    second = members.invite(admin, "ANN@larkfield.example ", "editor")[1]
    assert client.get(f"/invite/{first}").status_code == 404
    assert client.get(f"/invite/{second}").status_code == 200
    assert Invitation.objects.get().role == "editor"


def test_the_same_address_may_be_invited_by_two_workspaces_and_joins_the_first_it_accepts(workspace, elsewhere):
    here = members.open_for(workspace, "ann@larkfield.example", "viewer")
    there = members.open_for(elsewhere, "ann@larkfield.example", "owner")
    assert members.accept(there, PASSWORD).workspace == elsewhere
    with pytest.raises(NotPossible, match="is a member already"):
        members.accept(here, PASSWORD)
    assert members.find_invitation(here) is not None, "a refused attempt uses nothing up"
    assert Member.objects.get().role == "owner"


@pytest.mark.parametrize("role", ["viewer", "editor", "admin", "owner"])
def test_a_key_invites_up_to_admins(workspace, role):
    answer = caller(workspace, "admin").post(
        "/api/v1/members", {"email": "ann@larkfield.example", "role": role}, content_type="application/json"
    )
    assert answer.status_code == (422 if role == "owner" else 201)
    assert list(Invitation.objects.values_list("role", flat=True)) == ([] if role == "owner" else [role])


def test_who_invites_stands_in_the_audit_log_without_the_secret(workspace, admin, owner):
    by_key = caller(workspace, "admin").post(
        "/api/v1/members", {"email": "a@l.example", "role": "viewer"}, content_type="application/json"
    )
    secrets = [by_key.json()["link"].rpartition("/")[2], members.invite(owner, "b@l.example", "owner", "192.0.2.7")[1]]
    secrets.append(commands.user_create("c@l.example", "admin", None, workspace.name).rpartition("/")[2])
    entries = AuditEntry.objects.filter(workspace=workspace, action="member.invited").order_by("id")
    assert [(e.subject, e.facts, e.ip) for e in entries] == [
        ("a@l.example", {"role": "viewer"}, "127.0.0.1"),
        ("b@l.example", {"role": "owner"}, "192.0.2.7"),
        ("c@l.example", {"role": "admin"}, None),
    ]
    assert entries[0].actor.startswith("key admin (cw_admin_")
    assert [entry.actor for entry in entries[1:]] == [owner.email, "command line"]
    everything = str(list(AuditEntry.objects.values()))
    assert not any(secret in everything for secret in secrets)
