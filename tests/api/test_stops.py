"""`GET|POST /api/v1/stops`, `DELETE /api/v1/stops/{id}`: the kill switch."""

from datetime import UTC, datetime, timedelta

import pytest

from costwatch.accounts.models import AuditEntry, Workspace
from costwatch.alerts import incidents, kill, stops
from costwatch.alerts.models import Stop
from costwatch.alerts.scopes import NARROW_FIRST
from costwatch.api.docs import schema
from costwatch.spend import dimensions
from tests.api.conftest import caller
from tests.api.test_incidents import REPORT
from tests.api.test_lists import pages

NOW = datetime.now(UTC).replace(microsecond=0)
TOMORROW = (NOW + timedelta(days=1)).isoformat()
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def always_looked_at(monkeypatch):
    monkeypatch.setattr(stops, "FRESH_FOR", 0.0)


@pytest.fixture
def admin(workspace):
    return caller(workspace, "admin")


@pytest.fixture
def order(admin):
    def order(status=201, **body):
        wanted = {"scope": {"agent": "triage"}, "message": "Too dear tonight.", "until": TOMORROW, **body}
        response = admin.post("/api/v1/stops", wanted, content_type="application/json")
        assert response.status_code == status, response.content
        return response.json()

    return order


def test_an_agent_is_stopped_with_a_reason_and_an_end_and_let_go_again(order, get, admin):
    made = order()
    assert made == {
        "id": made["id"], "scope": {"agent": ["triage"]}, "whom": "agent triage", "reason": "kill",
        "message": "Too dear tonight.", "incident": None, "by": made["by"], "placed_at": made["placed_at"],
        "until": TOMORROW.replace("+00:00", "Z"),
    }  # fmt: skip
    assert set(made) == set(schema()["components"]["schemas"]["Stop"]["properties"])
    assert get("/api/v1/stops") == {"items": [made], "next_cursor": None}
    assert get("/api/v1/guard", agent_id="triage")["reasons"][0]["message"] == "Too dear tonight."
    assert admin.delete(f"/api/v1/stops/{made['id']}").status_code == 204
    assert get("/api/v1/guard", agent_id="triage")["allow"] is True
    assert get("/api/v1/stops")["items"] == []
    assert admin.delete(f"/api/v1/stops/{made['id']}").status_code == 204


def test_it_is_audited_with_whom_why_and_until_when(order, admin):
    made = order()
    admin.delete(f"/api/v1/stops/{made['id']}")
    placed, lifted = AuditEntry.objects.filter(action__startswith="stop.").order_by("pk")
    assert (placed.action, placed.subject, placed.facts["message"]) == ("stop.placed", "agent triage", made["message"])
    assert placed.actor.startswith("key admin")
    assert (lifted.action, lifted.facts) == ("stop.lifted", {"scope": {"agent": ["triage"]}})


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        ({}, "everybody in this workspace"),
        ({"agent_id": "a"}, "agent a"),
        ({"user": ["u2", "u1"]}, "users u1, u2"),
        ({"agent": "a", "user": "u"}, "user u of agent a"),
        ({"tag.customer": "acme", "task": "t"}, "customer acme of task t"),
        ({"key": "ci"}, "API key ci"),
        ({"run_id": "r-1"}, "run r-1"),
        ({"user": ""}, "calls without user"),
        ({"user": ["u1", "u2", "u3", "u4", "u5"]}, "users u1, u2, u3 and 2 more"),
    ],
)
def test_anybody_can_be_stopped_and_is_named_in_words(order, scope, words):
    assert order(scope=scope)["whom"] == words


def test_the_same_scope_again_is_the_same_stop_with_another_reason(order, get):
    first = order(scope={"agent": "a", "user": ["u", "v"]})
    again = order(scope={"user_id": ["v", "u"], "agent_id": ["a"]}, message="Still too dear.")
    assert again["id"] == first["id"]
    assert [item["message"] for item in get("/api/v1/stops")["items"]] == ["Still too dear."]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        *(({"scope": bad}, "scope") for bad in (None, [], "a", 7, {"agent": []}, {"agent": None}, {"agent": {"a": 1}},
                                                {"agent": [["a"]]}, {"agents": "a"}, {"tag.": "x"}, {"": "x"},
                                                {"agent": "x" * 201}, {"agent": "\0"}, {"agent": "\ud800"},
                                                {"tag.\0": "x"}, {"agent": "a", "agent_id": "a"},
                                                {"agent": [str(n) for n in range(101)]})),
        *(({"message": bad}, "message") for bad in (None, "", "  ", 7, "x" * 501, "\0", ["why"])),
        *(({"until": bad}, "until") for bad in (None, "", "tomorrow", 7, "2020-01-01T00:00:00Z", "9999-12-31T00:00:00Z",
                                                (NOW + timedelta(days=31)).isoformat(), TOMORROW[:19])),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_by_its_field(order, body, field):
    error = order(400, **body)["error"]
    assert (error["code"], error["field"]) == ("invalid", field)
    assert not Stop.objects.exists()


def test_without_a_body_it_is_refused(admin):
    for body in ("", "[]", "null", "7"):
        assert admin.post("/api/v1/stops", body, content_type="application/json").status_code == 400


def test_an_expired_stop_is_listed_no_more(order, get, monkeypatch):
    order()
    monkeypatch.setattr("costwatch.api.stops.timezone.now", lambda: NOW + timedelta(days=2))
    assert get("/api/v1/stops")["items"] == []


def test_a_loops_stop_is_listed_and_ends_with_its_incident(workspace, get, admin):
    pk = incidents.open_or_update(workspace.pk, REPORT, NOW)
    (item,) = get("/api/v1/stops", reason="loop")["items"]
    assert (item["whom"], item["incident"], item["by"], item["until"]) == ("run r-1", pk, None, None)
    assert get("/api/v1/stops", reason="kill")["items"] == []
    refused = admin.delete(f"/api/v1/stops/{item['id']}")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "conflict")
    assert "resolve its incident" in refused.json()["error"]["message"]
    admin.post(f"/api/v1/incidents/{pk}/resolve", {}, content_type="application/json")
    assert get("/api/v1/stops")["items"] == []


def test_all_come_once_over_the_pages_newest_first(workspace, get):
    for number in range(23):
        at = NOW - timedelta(minutes=number // 2)
        kill.order(workspace.pk, {"user": f"u{number}"}, "Enough.", NOW + timedelta(days=1), "mara", at)
    listed = list(pages(get, "/api/v1/stops", limit=5))
    assert len({item["id"] for item in listed}) == 23
    assert [item["placed_at"] for item in listed] == sorted((item["placed_at"] for item in listed), reverse=True)


def test_readers_look_and_do_not_stop_anybody(workspace, client):
    body = {"scope": {}, "message": "x", "until": TOMORROW}
    assert client.post("/api/v1/stops", body, content_type="application/json").status_code == 403
    stop = stops.place(workspace.pk, {}, "kill", "x", key="kill:1")
    assert client.delete(f"/api/v1/stops/{stop}").status_code == 403
    assert client.get("/api/v1/stops", {"reason": "fun"}).status_code == 400


def test_stops_of_others_do_not_exist(admin, get):
    other = Workspace.objects.create(name="Other")
    stop = stops.place(other.pk, {}, "kill", "x", key="kill:1")
    assert admin.delete(f"/api/v1/stops/{stop}").status_code == 404
    assert get("/api/v1/stops")["items"] == []


def test_a_stop_can_be_about_every_dimension_of_spend():
    assert set(NARROW_FIRST) == set(dimensions.NAMES)
