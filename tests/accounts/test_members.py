"""Invitations, roles and removal: nobody rises by own hand, the last owner stays."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from costwatch.accounts import members
from costwatch.accounts.members import NotPossible
from costwatch.accounts.models import AuditEntry, Invitation, Member, Role
from tests.accounts.conftest import PASSWORD, make_member

pytestmark = pytest.mark.django_db


def test_an_invited_person_chooses_a_password_and_is_in_with_the_role(admin, client):
    _, secret = members.invite(admin, "Bob@Larkfield.example", Role.EDITOR)
    page = client.get(f"/invite/{secret}")
    assert page.status_code == 200 and "Larkfield" in page.content.decode()
    assert client.post(f"/invite/{secret}", {"name": "Bob", "password": PASSWORD}).status_code == 302
    bob = Member.objects.get(email="bob@larkfield.example")
    assert (bob.role, bob.workspace_id, bob.name) == ("editor", admin.workspace_id, "Bob")
    assert client.get("/settings/profile").status_code == 200
    assert [e.action for e in AuditEntry.objects.order_by("id")] == ["member.invited", "member.joined"]


def test_an_invitation_works_once(admin, client):
    _, secret = members.invite(admin, "bob@larkfield.example", Role.VIEWER)
    client.post(f"/invite/{secret}", {"password": PASSWORD})
    assert client.get(f"/invite/{secret}").status_code == 404
    with pytest.raises(NotPossible, match="used or is too old"):
        members.accept(secret, PASSWORD)


def test_a_weak_password_does_not_use_the_invitation_up(admin, client):
    _, secret = members.invite(admin, "bob@larkfield.example", Role.VIEWER)
    response = client.post(f"/invite/{secret}", {"password": "short"})
    assert response.status_code == 422 and "at least 12" in response.content.decode()
    assert client.post(f"/invite/{secret}", {"password": PASSWORD}).status_code == 302


def test_an_invitation_lasts_a_week_and_a_newer_one_replaces_it(admin):
    _, first = members.invite(admin, "bob@larkfield.example", Role.VIEWER)
    invitation, second = members.invite(admin, "bob@larkfield.example", Role.VIEWER)
    assert members.find_invitation(first) is None and members.find_invitation(second) == invitation
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert members.find_invitation(second) is None


def test_the_secret_of_an_invitation_is_not_stored(admin):
    invitation, secret = members.invite(admin, "bob@larkfield.example", Role.VIEWER)
    assert secret.encode() not in bytes(invitation.digest)


def test_nobody_is_invited_above_the_role_of_the_inviter_or_twice(admin, owner, stranger):
    with pytest.raises(NotPossible, match="Only an owner"):
        members.invite(admin, "bob@larkfield.example", Role.OWNER)
    assert members.invite(owner, "bob@larkfield.example", Role.OWNER)
    for email in (admin.email, admin.email.upper(), stranger.email):
        with pytest.raises(NotPossible, match="a member already"):
            members.invite(owner, email, Role.VIEWER)


def test_a_member_who_forgot_the_password_gets_a_link_for_another_one(owner, workspace, client):
    bob = make_member(workspace, Role.EDITOR, "bob@larkfield.example", PASSWORD)
    _, secret = members.invite_to_new_password(owner, bob)
    assert "Choose a new password" in client.get(f"/invite/{secret}").content.decode()
    assert client.post(f"/invite/{secret}", {"password": "another good sentence"}).status_code == 302
    bob.refresh_from_db()
    assert bob.check_password("another good sentence") and bob.role == "editor"
    assert AuditEntry.objects.filter(action="member.password_reset", subject=bob.email).exists()


def test_an_admin_cannot_reach_an_owner_or_another_workspace(admin, owner, stranger):
    for target in (owner, stranger):
        for attempt in (
            lambda t=target: members.change_role(admin, t, Role.VIEWER),
            lambda t=target: members.remove(admin, t),
            lambda t=target: members.invite_to_new_password(admin, t),
        ):
            with pytest.raises(NotPossible):
                attempt()
    assert Member.objects.get(pk=owner.pk).role == "owner" and Member.objects.filter(pk=stranger.pk).exists()
    assert not AuditEntry.objects.exists()


def test_nobody_changes_or_removes_oneself(owner, workspace):
    make_member(workspace, Role.OWNER, "second@larkfield.example")
    for attempt in (
        lambda: members.change_role(owner, owner, Role.VIEWER),
        lambda: members.remove(owner, owner),
        lambda: members.invite_to_new_password(owner, owner),
    ):
        with pytest.raises(NotPossible, match="yourself"):
            attempt()


@pytest.mark.parametrize("role", [Role.OWNER, "root", "", "OWNER"])
def test_an_admin_gives_no_role_above_the_own_and_no_unknown_one(admin, viewer, role):
    with pytest.raises(NotPossible, match="cannot give"):
        members.change_role(admin, viewer, role)
    assert Member.objects.get(pk=viewer.pk).role == "viewer"


def test_a_change_of_role_is_audited_with_before_and_after(owner, viewer):
    members.change_role(owner, viewer, Role.ADMIN, "203.0.113.5")
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.subject) == ("member.role_changed", owner.email, viewer.email)
    assert entry.facts == {"before": "viewer", "after": "admin"} and entry.ip == "203.0.113.5"


def test_who_is_removed_or_demoted_leaves_no_open_links_behind(owner, admin):
    _, first = members.invite(admin, "a@larkfield.example", Role.ADMIN)
    members.change_role(owner, admin, Role.VIEWER)
    assert members.find_invitation(first) is None
    members.change_role(owner, Member.objects.get(pk=admin.pk), Role.ADMIN)
    _, second = members.invite(Member.objects.get(pk=admin.pk), "b@larkfield.example", Role.ADMIN)
    members.remove(owner, admin)
    assert members.find_invitation(second) is None and not Member.objects.filter(pk=admin.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_two_owners_who_remove_each_other_at_once_leave_one(workspace):
    owners = [make_member(workspace, Role.OWNER, f"{n}@larkfield.example") for n in range(2)]
    start, results = threading.Barrier(2), []

    def remove(by, other):
        start.wait()
        try:
            members.remove(by, other)
            results.append("removed")
        except NotPossible:
            results.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=remove, args=pair) for pair in (owners, owners[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["refused", "removed"]
    assert Member.objects.filter(role=Role.OWNER).count() == 1


def test_an_e_mail_belongs_to_one_member_whatever_its_case(workspace):
    members.create_member(workspace, "Bob@Larkfield.example", Role.VIEWER, PASSWORD)
    with pytest.raises(NotPossible, match="a member already"):
        members.create_member(workspace, "bob@LARKFIELD.example", Role.VIEWER, PASSWORD)


@pytest.mark.parametrize("email", ["", "bob", "bob@", "a\x00@b.example", "x" * 300 + "@b.example", "a b@c.example"])
def test_a_member_needs_an_e_mail_address(workspace, email):
    with pytest.raises(NotPossible, match="not an e-mail"):
        members.create_member(workspace, email, Role.VIEWER, PASSWORD)


@pytest.mark.parametrize("password", ["", "elevenchars", "password1234", "Password1234"])
def test_short_and_common_passwords_are_refused(password):
    with pytest.raises(NotPossible):
        members.check_password(password)


@pytest.mark.parametrize("password", ["correct horse battery", "aaaa bbbb cccc", "ключ от квартиры", "x" * 200])
def test_any_long_password_will_do_without_rules_of_composition(password):
    members.check_password(password)
