"""The first visit, and the moment at which it is over."""

import re

import pytest

from costwatch.accounts.models import ApiKey, AuditEntry
from tests.dashboards.page import text
from tests.ledger.make import entry

pytestmark = pytest.mark.usefixtures("now")


def body(client, address: str = "/") -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def test_an_empty_workspace_is_shown_how_to_send(admin):
    said = text(body(admin))
    assert "Send the first event" in said
    assert "curl -sS http://testserver/api/v1/events" in said
    assert "YOUR_KEY" in said


def test_a_key_is_made_on_request_shown_once_and_stands_in_the_command(admin, workspace):
    assert admin.post("/welcome/key")["Location"] == "/"
    response = admin.get("/")
    made = re.search(r"cw_ingest_\w{38}", response.content.decode())[0]
    assert f"Bearer {made}" in text(response.content.decode())
    assert response["Cache-Control"] == "no-store"
    assert made not in body(admin)
    assert "Waiting for the first event" in body(admin)
    key = ApiKey.objects.get()
    assert (key.scopes, key.workspace, key.name) == (["ingest"], workspace, "First key")
    assert AuditEntry.objects.get().action == "key.created"


def test_a_viewer_is_told_whom_to_ask_and_makes_none(client):
    assert "Ask an admin of this workspace for a key" in text(body(client))
    assert client.post("/welcome/key").status_code == 403
    assert not ApiKey.objects.exists()


def test_a_key_is_made_by_a_form_only(admin):
    again = admin.get("/welcome/key")
    assert (again.status_code, again["Location"]) == (302, "/")


def test_the_page_asks_until_the_first_event_and_then_becomes_the_overview(client, send):
    asked = {"HX-Request": "true", "HX-Target": "lights"}
    waiting = client.get("/welcome", headers=asked)
    assert 'id="lights"' in waiting.content.decode()
    assert "HX-Retarget" not in waiting
    send(entry(cost="1"))
    over = client.get("/welcome", headers=asked)
    assert over["HX-Retarget"] == "#welcome"
    assert over["HX-Push-Url"] == "/"
    assert 'id="overview"' in over.content.decode()
    assert "Overview" in text(body(client))


def test_when_events_are_there_the_first_key_is_made_in_the_settings(admin, send):
    send(entry())
    assert admin.post("/welcome/key")["Location"] == "/"
    assert not ApiKey.objects.exists()


def test_a_revoked_key_does_not_count_as_made(admin, workspace):
    admin.post("/welcome/key")
    ApiKey.objects.update(revoked_at="2026-11-18T00:00Z")
    assert "Waiting for the first event" not in body(admin)


def test_the_address_that_the_page_asks_is_no_page_of_its_own(client):
    answer = client.get("/welcome")
    assert (answer.status_code, answer["Location"]) == (302, "/")
