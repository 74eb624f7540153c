"""Lists of the settings as files: keys without what is secret of them, members and open links, the audit log."""

import csv
import json
from datetime import timedelta
from io import StringIO

import pytest
from django.utils import timezone

from costwatch.accounts import audit, keys, members
from costwatch.accounts.models import AuditEntry, Member
from costwatch.dashboards import settings_files
from tests.accounts.conftest import make_member, told

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(as_member, admin):
    return as_member(admin)


def lines(browser, name) -> list[dict[str, str]]:
    response = browser.get(f"/settings/{name}.csv")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(StringIO(told(response), newline="")))


def test_keys_are_told_by_their_ends_and_never_by_what_is_secret(browser, admin):
    now = timezone.now()
    key, text = keys.create_key(admin.workspace, "=triage", ["ingest", "read"], created_by=admin)
    revoked, _ = keys.create_key(admin.workspace, "old", ["read"], expires_at=now + timedelta(days=9))
    keys.revoke(revoked)
    works, gone = lines(browser, "keys")
    assert (works["name"], works["state"], works["may"]) == ("'=triage", "works", "ingest, read")
    assert works["key"] == f"{key.prefix}…{text[-4:]}"
    assert (works["created_by"], works["last_used_at"], works["revoked_at"]) == (admin.email, "", "")
    assert gone["state"] == "revoked" and gone["revoked_at"] and gone["expires_at"]
    file = told(browser.get("/settings/keys.csv"))
    assert text not in file and key.digest.hex() not in file and str(bytes(key.digest)) not in file


def test_a_key_whose_time_is_over_says_so(browser, admin):
    key, _ = keys.create_key(admin.workspace, "k", ["read"])
    key.expires_at = timezone.now() - timedelta(seconds=1)
    key.save()
    assert lines(browser, "keys")[0]["state"] == "expired"


def test_members_and_open_links_stand_in_one_file(browser, admin):
    other = make_member(admin.workspace, "viewer", "a@larkfield.example")
    Member.objects.filter(pk=other.pk).update(name="+Ann", is_active=False)
    _, secret = members.invite(admin, "new@larkfield.example", "editor")
    members.invite_to_new_password(admin, other)
    found = [(line["email"], line["name"], line["role"], line["state"]) for line in lines(browser, "members")]
    assert found == [
        ("a@larkfield.example", "'+Ann", "viewer", "inactive"),
        (admin.email, "", "admin", "member"),
        ("a@larkfield.example", "", "viewer", "new password"),
        ("new@larkfield.example", "", "editor", "invited"),
    ]
    assert lines(browser, "members")[-1]["link_until"].endswith("Z")
    assert secret not in told(browser.get("/settings/members.csv"))


def test_the_audit_log_has_all_details_newest_first(browser, admin):
    facts = {"before": {"name": "a", "amount_usd": "1"}, "after": {"name": 'ü,\n"b"', "amount_usd": None}}
    audit.record(admin.workspace, admin, "budget.changed", "=cmd()", facts, "192.0.2.1")
    audit.record(admin.workspace, "command line", "no.longer.known", "x", {})
    newest, first = lines(browser, "audit")
    assert (first["who"], first["what"], first["action"]) == (admin.email, "changed a budget", "budget.changed")
    assert (first["on"], first["from"]) == ("'=cmd()", "192.0.2.1")
    assert json.loads(first["details"]) == facts
    assert first["at"] == AuditEntry.objects.first().at.isoformat().replace("+00:00", "Z")
    assert (newest["what"], newest["details"], newest["from"]) == ("", "", "")


def test_a_log_that_is_longer_than_its_file_says_so_in_the_name(browser, admin, monkeypatch):
    monkeypatch.setattr(settings_files, "MOST_ENTRIES", 2)
    for n in range(3):
        audit.record(admin.workspace, admin, "budget.changed", f"b{n}", {})
    assert [line["on"] for line in lines(browser, "audit")] == ["b2", "b1"]
    assert 'filename="audit-log-first-2.csv"' in browser.get("/settings/audit.csv")["Content-Disposition"]


@pytest.mark.parametrize("name", ["keys", "members", "audit"])
def test_the_page_leads_to_its_file_and_both_are_for_admins_of_the_workspace(
    as_member, browser, admin, viewer, stranger, name
):
    keys.create_key(admin.workspace, "mine", ["read"])
    audit.record(admin.workspace, admin, "key.created", "mine", {})
    assert f'href="/settings/{name}.csv"' in told(browser.get(f"/settings/{name}"))
    assert as_member(viewer).get(f"/settings/{name}.csv").status_code == 403
    assert len(lines(browser, name)) == {"keys": 1, "members": 2, "audit": 1}[name]
    assert len(lines(as_member(stranger), name)) == {"keys": 0, "members": 1, "audit": 0}[name]
