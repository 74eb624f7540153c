"""What `costwatch key create` and `costwatch user create` do."""

import pytest

from costwatch.accounts import commands, keys
from costwatch.accounts.keys import KeyInvalid, authenticate
from costwatch.accounts.members import NotPossible, find_invitation
from costwatch.accounts.models import ApiKey, AuditEntry, Member, Workspace
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def test_a_key_is_made_and_nothing_but_the_key_is_returned():
    text = commands.key_create("collector", "Acme", ["ingest"])
    assert keys.KEY.fullmatch(text)
    assert authenticate(f"Bearer {text}", "ingest").workspace_id == Workspace.objects.get(name="Acme").pk


def test_a_missing_workspace_is_made_once(workspace):
    commands.key_create("a", "Acme", ["ingest"])
    commands.key_create("b", " Acme ", ["ingest"])
    commands.key_create("c", "Larkfield", ["ingest"])
    assert set(Workspace.objects.values_list("name", flat=True)) == {"Acme", "Larkfield"}
    assert list(AuditEntry.objects.order_by("id").values_list("action", flat=True)) == [
        "workspace.created", "key.created", "key.created", "key.created",
    ]  # fmt: skip


def test_without_a_workspace_the_oldest_one_gets_the_key_and_at_first_one_is_made(db):
    commands.key_create("a", None, ["ingest"])
    assert Workspace.objects.get().name == commands.FIRST_WORKSPACE
    Workspace.objects.create(name="Newer")
    commands.key_create("b", None, ["read"])
    assert {key.workspace.name for key in ApiKey.objects.all()} == {commands.FIRST_WORKSPACE}


def test_a_key_that_cannot_be_made_leaves_no_workspace_behind():
    with pytest.raises(KeyInvalid):
        commands.key_create("a", "Acme", ["root"])
    assert not Workspace.objects.exists()


@pytest.mark.parametrize("name", ["", " ", "x" * 201, "a\nb", "a\x00"])
def test_a_workspace_needs_a_printable_name(name):
    with pytest.raises(NotPossible):
        commands.key_create("a", name, ["ingest"])


def test_a_member_with_a_password_can_log_in(client):
    line = commands.user_create("Ada@Acme.example", "owner", PASSWORD, "Acme")
    assert line == "ada@acme.example can log in to Acme as owner."
    assert client.post("/login", {"email": "ada@acme.example", "password": PASSWORD}).status_code == 302
    assert AuditEntry.objects.filter(action="member.created", actor=commands.audit.COMMAND_LINE).exists()


def test_a_member_without_a_password_gets_a_link_to_choose_one():
    line = commands.user_create("ada@acme.example", "admin", None, "Acme")
    invited = find_invitation(line.rpartition("/invite/")[2])
    assert (invited.email, invited.role, invited.workspace.name) == ("ada@acme.example", "admin", "Acme")
    assert not Member.objects.exists()


@pytest.mark.parametrize("password", [PASSWORD, None])
@pytest.mark.parametrize("role", ["root", "", "Owner"])
def test_an_unknown_role_is_refused(role, password):
    with pytest.raises(NotPossible, match="viewer, editor, admin, owner"):
        commands.user_create("ada@acme.example", role, password, "Acme")
    assert not Workspace.objects.exists()


def test_a_known_e_mail_and_a_weak_password_are_refused():
    commands.user_create("ada@acme.example", "owner", PASSWORD, "Acme")
    for password in (PASSWORD, None):
        with pytest.raises(NotPossible, match="a member already"):
            commands.user_create("ADA@acme.example", "owner", password, "Other")
    with pytest.raises(NotPossible, match="12 characters"):
        commands.user_create("bob@acme.example", "owner", "short", "Acme")
