"""`GET /api/v1/incidents`, the actions on them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from costwatch.accounts.models import AuditEntry, Workspace
from costwatch.alerts import incidents
from costwatch.alerts.incidents import Report
from costwatch.alerts.models import Incident, Kind, Severity
from costwatch.api.docs import schema
from tests.api.conftest import caller
from tests.api.test_lists import pages

NOW = datetime.now(UTC).replace(microsecond=0)
REPORT = Report(
    Kind.LOOP, "loop:1:run", Severity.ALARM, "triage: caught in a loop", "triage repeated get_order.", "triage", NOW,
    event_id="e-17", run_id="r-1", stops=True, facts={"rule": "repeat"},
)  # fmt: skip
pytestmark = pytest.mark.django_db


@pytest.fixture
def incident(workspace) -> Incident:
    return Incident.objects.get(pk=incidents.open_or_update(workspace.pk, REPORT, NOW))


@pytest.fixture
def post(workspace):
    """POST with a key of the scope admin."""
    admin = caller(workspace, "admin")
    return lambda address, **body: admin.post(address, body, content_type="application/json")


def test_an_incident_reads_as_the_contract_names_its_fields(get, incident):
    answer = get("/api/v1/incidents")
    assert answer["next_cursor"] is None
    (item,) = answer["items"]
    assert item == {
        "id": incident.pk, "kind": "loop", "severity": "alarm", "state": "open", "title": "triage: caught in a loop",
        "message": "triage repeated get_order.", "subject": "triage", "run_id": "r-1",
        "opened_at": NOW.isoformat().replace("+00:00", "Z"), "opened_by_event": "e-17",
        "recorded_at": NOW.isoformat().replace("+00:00", "Z"), "snoozed_until": None, "facts": {"rule": "repeat"},
        "deliveries": [], "owner": None, "amount_usd": None,
    }  # fmt: skip
    assert set(item) == set(schema()["components"]["schemas"]["Incident"]["properties"])


def test_all_come_once_over_the_pages_newest_first_also_those_of_one_moment(get, workspace):
    for number in range(23):
        at = NOW - timedelta(minutes=number // 5)
        incidents.open_or_update(workspace.pk, replace(REPORT, key=f"k{number}", run_id=f"r{number}", at=at), NOW)
    found = [item["run_id"] for item in pages(get, "/api/v1/incidents", limit=4)]
    assert len(found) == len(set(found)) == 23
    assert found[:5] == ["r4", "r3", "r2", "r1", "r0"]
    assert found[-3:] == ["r22", "r21", "r20"]


def test_they_are_filtered_by_kind_state_and_run(get, workspace, incident):
    incidents.open_or_update(workspace.pk, replace(REPORT, key="k", kind=Kind.INGEST, run_id="r-2"), NOW)
    incidents.act(incident, "ack", "mara", NOW)
    for params, runs in [
        ({"kind": "loop"}, ["r-1"]), ({"kind": "budget"}, []), ({"state": "open"}, ["r-2"]),
        ({"state": "acknowledged"}, ["r-1"]), ({"state": "pending"}, ["r-2", "r-1"]), ({"run_id": "r-2"}, ["r-2"]),
        ({"kind": "loop", "run_id": "r-2"}, []), ({"kind": "", "state": ""}, ["r-2", "r-1"]),
    ]:  # fmt: skip
        assert [item["run_id"] for item in get("/api/v1/incidents", **params)["items"]] == runs, params


@pytest.mark.parametrize("params", [{"kind": "x"}, {"state": "x"}, {"cursor": "x"}, {"limit": "0"}, {"limit": "x"}])
def test_what_cannot_be_understood_is_refused_by_name(client, params):
    response = client.get("/api/v1/incidents", params)
    assert response.status_code == 400
    assert response.json()["error"]["field"] == next(iter(params))


def test_a_run_id_with_a_nul_is_simply_not_there(get, incident):
    assert get("/api/v1/incidents", run_id="r\0")["items"] == []


def test_incidents_of_others_are_not_listed(get, incident):
    other = Workspace.objects.create(name="Other")
    incidents.open_or_update(other.pk, replace(REPORT, run_id="secret"), NOW)
    assert [item["run_id"] for item in get("/api/v1/incidents")["items"]] == ["r-1"]


@pytest.mark.parametrize(("action", "state"), [("ack", "acknowledged"), ("snooze", "snoozed"), ("resolve", "resolved"),
                                               ("expected", "expected")])  # fmt: skip
def test_an_action_changes_the_state_is_audited_and_can_be_repeated(post, incident, action, state):
    for _ in range(2):
        response = post(f"/api/v1/incidents/{incident.pk}/{action}", note="seen")
        assert (response.status_code, response.json()["state"]) == (200, state)
    entry = AuditEntry.objects.filter(action=f"incident.{action}").first()
    assert entry.facts == {"state": state}
    assert incident.timeline.last().text.endswith(": seen")


def test_a_snooze_lasts_a_day_or_until_a_given_time(post, incident):
    assert post(f"/api/v1/incidents/{incident.pk}/snooze").json()["snoozed_until"] is not None
    until = (NOW + timedelta(hours=3)).isoformat()
    answer = post(f"/api/v1/incidents/{incident.pk}/snooze", until=until).json()
    assert datetime.fromisoformat(answer["snoozed_until"]) == NOW + timedelta(hours=3)


@pytest.mark.parametrize("until", ["x", 7, "2020-01-01T00:00:00Z", "2027-01-01T00:00:00", "9999-12-31T00:00:00Z", []])
def test_a_snooze_until_no_time_ahead_is_refused(post, incident, until):
    response = post(f"/api/v1/incidents/{incident.pk}/snooze", until=until)
    assert (response.status_code, response.json()["error"]["field"]) == (400, "until")
    assert not incident.timeline.filter(action="snooze").exists()


def test_what_is_over_cannot_be_acknowledged(post, incident):
    incidents.act(incident, "resolve", "mara", NOW)
    response = post(f"/api/v1/incidents/{incident.pk}/ack")
    assert (response.status_code, response.json()["error"]["code"]) == (409, "conflict")


def test_there_is_no_other_action_and_no_foreign_incident(post, incident, client):
    assert post(f"/api/v1/incidents/{incident.pk}/delete").status_code == 404
    assert post("/api/v1/incidents/999999/ack").status_code == 404
    assert client.post(f"/api/v1/incidents/{incident.pk}/ack").status_code == 403
