"""Who may change whom: every role against every other, by the functions, and what a change ends."""

from datetime import timedelta
from itertools import product

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from costwatch.accounts import members
from costwatch.accounts.members import NotPossible
from costwatch.accounts.models import AuditEntry, Invitation, Member, Role
from tests.accounts.conftest import PASSWORD, make_member

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
ROLES = ["viewer", "editor", "admin", "owner"]
RANK = {role: rank for rank, role in enumerate(ROLES)}


@pytest.fixture
def people(workspace):
    """Two of each role, so that nobody is the last."""
    return {
        (role, n): make_member(workspace, role, f"{role}{n}@larkfield.example") for role, n in product(ROLES, (1, 2))
    }


def reaches(by: str, whom: str) -> bool:
    """Admins and owners reach those who are not above them."""
    return RANK[by] >= RANK["admin"] and RANK[by] >= RANK[whom]


def role_of(member: Member) -> str | None:
    found = Member.objects.filter(pk=member.pk).first()
    return found.role if found else None


@pytest.mark.parametrize(("by", "whom", "role"), [*product(ROLES, ROLES, ROLES)])
def test_a_role_is_given_by_who_reaches_the_member_and_has_the_role(people, by, whom, role):
    member = people[whom, 2]
    allowed = reaches(by, whom) and RANK[by] >= RANK[role]
    if allowed:
        members.change_role(people[by, 1], member, role, "192.0.2.1")
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.facts, entry.ip) == (
            "member.role_changed", {"before": whom, "after": role}, "192.0.2.1")  # fmt: skip
    else:
        with pytest.raises(NotPossible):
            members.change_role(people[by, 1], member, role)
        assert not AuditEntry.objects.exists()
    assert role_of(member) == (role if allowed else whom)


@pytest.mark.parametrize(("by", "whom"), [*product(ROLES, ROLES)])
def test_a_member_is_removed_and_given_a_new_password_by_who_reaches_it(people, by, whom):
    member = people[whom, 2]
    if not reaches(by, whom):
        for change in (members.remove, members.invite_to_new_password):
            with pytest.raises(NotPossible, match="has a role above yours"):
                change(people[by, 1], member)
        assert role_of(member) == whom and not Invitation.objects.exists() and not AuditEntry.objects.exists()
        return
    secret = members.invite_to_new_password(people[by, 1], member)[1]
    assert members.accept(secret, PASSWORD).pk == member.pk
    member.refresh_from_db()
    assert member.check_password(PASSWORD) and member.role == whom
    members.remove(people[by, 1], member)
    assert role_of(member) is None
    actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert actions == ["member.password_link", "member.password_reset", "member.removed"]


@pytest.mark.parametrize(("by", "role"), [*product(ROLES, ROLES)])
def test_a_member_invites_up_to_the_own_role(people, by, role):
    if RANK[by] >= RANK[role]:
        assert members.invite(people[by, 1], "new@larkfield.example", role)[0].role == role
    else:
        with pytest.raises(NotPossible, match="Only an owner can make"):
            members.invite(people[by, 1], "new@larkfield.example", role)


@pytest.mark.parametrize("role", ROLES)
def test_nobody_changes_oneself(people, role):
    member = people[role, 1]
    for change in (
        lambda: members.change_role(member, member, "viewer"),
        lambda: members.remove(member, member),
        lambda: members.invite_to_new_password(member, member),
    ):
        with pytest.raises(NotPossible):
            change()
    assert role_of(member) == role


def test_the_last_owner_who_is_active_stays(workspace):
    owner, other = make_member(workspace, "owner", "a@l.example"), make_member(workspace, "owner", "b@l.example")
    members.change_role(owner, other, "admin")
    Member.objects.filter(pk=other.pk).update(role="owner")
    Member.objects.filter(pk=owner.pk).update(is_active=False)
    for change in (lambda: members.remove(owner, other), lambda: members.change_role(owner, other, "viewer")):
        with pytest.raises(NotPossible, match="needs at least one owner"):
            change()
    assert role_of(other) == "owner", "what is refused is undone as a whole"


@pytest.mark.parametrize("role", ["", "root", "OWNER", "viewer ", "\0"])
def test_no_other_word_is_a_role(people, role):
    with pytest.raises(NotPossible, match="You cannot give the role"):
        members.change_role(people["owner", 1], people["viewer", 1], role)


def test_who_was_removed_meanwhile_neither_changes_nor_is_changed(people):
    by, member = people["owner", 1], people["viewer", 1]
    Member.objects.filter(pk=member.pk).delete()
    with pytest.raises(NotPossible, match="removed meanwhile"):
        members.change_role(by, member, "editor")
    Member.objects.filter(pk=by.pk).delete()
    with pytest.raises(NotPossible, match="removed meanwhile"):
        members.remove(by, people["viewer", 2])


def test_who_was_demoted_meanwhile_has_the_reach_of_now(people):
    by = people["owner", 1]
    Member.objects.filter(pk=by.pk).update(role="admin")  # `by` still says owner, as the page that was opened does
    with pytest.raises(NotPossible, match="has a role above yours"):
        members.remove(by, people["owner", 2])
    assert role_of(people["owner", 2]) == "owner"


@pytest.mark.parametrize("role", ROLES)
def test_a_role_includes_all_that_are_below_it(role):
    for other in ROLES:
        assert Role(role).includes(other) is (RANK[role] >= RANK[other])


@pytest.mark.parametrize(("days", "good"), [(0, True), (6.9, True), (7, False), (30, False)])
def test_a_link_is_good_for_a_week(people, client, days, good):
    made = timezone.now()
    with time_machine.travel(made, tick=False) as clock:
        secret = members.invite(people["owner", 1], "new@larkfield.example", "viewer")[1]
        clock.move_to(made + timedelta(days=days))
        assert client.get(f"/invite/{secret}").status_code == (200 if good else 404)
        posted = client.post(f"/invite/{secret}", {"password": PASSWORD})
        assert posted.status_code == (302 if good else 404)
    assert Member.objects.filter(email="new@larkfield.example").exists() is good


@pytest.mark.parametrize("secret", ["x", "é", "a" * 43, "..", "%00", "' OR 1=1 --"])
def test_a_link_that_nobody_made_leads_nowhere_and_says_whom_to_ask(client, secret):
    for path in ("/invite/", "/setup/"):
        answer = client.get(path + secret)
        assert answer.status_code == 404
    assert "Ask whoever sent it for a new one." in client.get("/invite/x").content.decode()


def test_a_new_password_by_link_ends_the_sessions_that_were_open(people):
    member, browser = people["editor", 1], Client()
    browser.force_login(member)
    assert browser.get("/settings/profile").status_code == 200
    secret = members.invite_to_new_password(people["admin", 1], member)[1]
    assert browser.get("/settings/profile").status_code == 200, "the link alone changes nothing"
    members.accept(secret, PASSWORD)
    assert browser.get("/settings/profile").status_code == 302
