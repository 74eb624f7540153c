"""The audit log only grows."""

import pytest
from django.db import DatabaseError, connection, transaction

from costwatch.accounts import audit
from costwatch.accounts.keys import create_key
from costwatch.accounts.models import AuditEntry

pytestmark = pytest.mark.django_db


def test_an_entry_says_who_what_when_and_from_where(workspace, owner):
    entry = audit.record(workspace, owner, "key.created", "k", {"scopes": ["read"]}, "2001:db8::1")
    entry.refresh_from_db()
    assert (entry.actor, entry.action, entry.subject, entry.ip) == (owner.email, "key.created", "k", "2001:db8::1")
    assert entry.facts == {"scopes": ["read"]} and entry.at is not None


def test_a_key_acts_under_its_name_and_end_and_never_under_its_secret(workspace):
    key, text = create_key(workspace, "robot", ["admin"])
    entry = audit.record(workspace, key, "key.revoked", key, {})
    assert entry.actor == f"key robot (cw_admin_…{text[-4:]})" and text not in entry.actor


def test_long_texts_are_cut_to_their_column(workspace):
    entry = audit.record(workspace, "x" * 999, "act", "y" * 999, {})
    assert len(entry.actor) == len(entry.subject) == 255


@pytest.mark.parametrize(
    "change",
    [
        lambda: AuditEntry.objects.update(actor="somebody else"),
        lambda: AuditEntry.objects.all().delete(),
        lambda: connection.cursor().execute("UPDATE accounts_auditentry SET ip = NULL"),
        lambda: connection.cursor().execute("DELETE FROM accounts_auditentry"),
    ],
)
def test_the_database_refuses_to_change_or_delete_an_entry(workspace, change):
    audit.record(workspace, "a", "act", "s", {})
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        change()
    assert AuditEntry.objects.get().actor == "a"


def test_a_change_that_is_rolled_back_leaves_no_entry(workspace):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        audit.record(workspace, "a", "act", "s", {})
        raise ZeroDivisionError
    assert not AuditEntry.objects.exists()
