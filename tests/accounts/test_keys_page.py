"""The page of keys as a browser sees it. Each view that writes leaves an audit entry."""

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from costwatch.accounts import keys, once
from costwatch.accounts.keys import authenticate, create_key
from costwatch.accounts.models import ApiKey, AuditEntry, Workspace
from costwatch.lib import sealed
from tests.accounts.conftest import actions, told

pytestmark = pytest.mark.django_db


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


def test_the_way_to_revoke_a_key_stays_in_sight_where_its_table_is_cut(as_member, admin):
    key, _ = create_key(admin.workspace, "old", ["ingest"])
    page = told(as_member(admin).get("/settings/keys"))
    row = page[page.index('<th scope="row">old') :]
    assert row.index("works") < row.index(key.prefix), "its state stands beside its name"
    assert f'<td class="num stay"><a href="/settings/keys/{key.pk}/revoke"' in row
