"""Incidents through all their states over the API: what each action leads to from each state, and what it leaves."""

import json
from datetime import timedelta

import pytest
from django.test import Client

from costwatch.accounts.models import AuditEntry, Member, Workspace
from costwatch.alerts import incidents, stops
from costwatch.alerts.models import Incident
from tests.api.conftest import caller
from tests.api.test_incidents import NOW, REPORT

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
WAY_TO = {"open": [], "acknowledged": ["ack"], "snoozed": ["snooze"], "resolved": ["resolve"], "expected": ["expected"]}
# from state: action → state; None: refused
WALK = {
    "open": {"ack": "acknowledged", "snooze": "snoozed", "resolve": "resolved", "expected": "expected"},
    "acknowledged": {"ack": "acknowledged", "snooze": "snoozed", "resolve": "resolved", "expected": "expected"},
    "snoozed": {"ack": "acknowledged", "snooze": "snoozed", "resolve": "resolved", "expected": "expected"},
    "resolved": {"ack": None, "snooze": None, "resolve": "resolved", "expected": "expected"},
    "expected": {"ack": None, "snooze": None, "resolve": None, "expected": "expected"},
}
STEPS = [(state, action, after) for state, actions in WALK.items() for action, after in actions.items()]


@pytest.fixture(autouse=True)
def always_looked_at(monkeypatch):
    monkeypatch.setattr(stops, "FRESH_FOR", 0.0)


@pytest.fixture
def incident(workspace) -> Incident:
    return Incident.objects.get(pk=incidents.open_or_update(workspace.pk, REPORT, NOW))


@pytest.fixture
def act(workspace, incident):
    """POST an action with a key that may read as well."""
    client = caller(workspace, "admin", "read")

    def post(action, body=None):
        data = {} if body is None else body
        return client.post(f"/api/v1/incidents/{incident.pk}/{action}", json.dumps(data), "application/json")

    post.client = client
    return post


@pytest.mark.parametrize(("state", "action", "after"), STEPS)
def test_each_action_leads_from_each_state_to_one_or_is_refused(act, incident, state, action, after):
    for step in WAY_TO[state]:
        assert act(step).json()["state"] == state
    noted, audited = incident.timeline.count(), AuditEntry.objects.count()
    answer = act(action)
    again = state == after and action != "snooze"
    if after is None:
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")
        assert f"Incident {incident.pk} is {state}" in answer.json()["error"]["message"]
    else:
        assert (answer.status_code, answer.json()["state"]) == (200, after)
    incident.refresh_from_db()
    assert incident.state == (after or state)
    added = 0 if after is None or again else 1
    assert incident.timeline.count() == noted + added
    assert AuditEntry.objects.filter(action=f"incident.{action}").count() >= added
    assert (AuditEntry.objects.count() > audited) is bool(added), "what changes nothing is not noted"
    (listed,) = act.client.get("/api/v1/incidents").json()["items"]
    assert listed["state"] == incident.state
    assert (listed["snoozed_until"] is not None) is (incident.state == "snoozed")


@pytest.mark.parametrize(("state", "stopped"), [("open", True), ("acknowledged", True), ("snoozed", False),
                                                ("resolved", False), ("expected", False)])  # fmt: skip
def test_its_run_is_asked_to_stop_until_somebody_snoozes_it_or_it_is_over(act, state, stopped):
    for step in WAY_TO[state]:
        act(step)
    answer = act.client.get("/api/v1/guard", {"run_id": "r-1"}).json()
    assert answer["allow"] is not stopped
    listed = act.client.get("/api/v1/stops").json()["items"]
    assert [stop["scope"] for stop in listed] == ([{"run": ["r-1"]}] if stopped else [])


@pytest.mark.parametrize(("filter_", "states"), [
    ("pending", {"open", "acknowledged", "snoozed"}), ("open", {"open"}), ("snoozed", {"snoozed"}),
    ("resolved", {"resolved"}), ("expected", {"expected"}), ("acknowledged", {"acknowledged"})])  # fmt: skip
def test_the_filter_on_states_takes_those_it_names(act, incident, filter_, states):
    for state, way in WAY_TO.items():
        Incident.objects.filter(pk=incident.pk).update(state="open", snoozed_until=None)
        for step in way:
            act(step)
        found = act.client.get("/api/v1/incidents", {"state": filter_}).json()["items"]
        assert [item["state"] for item in found] == ([state] if state in states else [])


def test_a_snooze_is_moved_by_another_one_and_ended_by_the_clock(act, incident):
    first = (NOW + timedelta(hours=1)).isoformat()
    later = (NOW + timedelta(hours=5)).isoformat()
    assert act("snooze", {"until": first}).json()["snoozed_until"] == first.replace("+00:00", "Z")
    assert act("snooze", {"until": later}).json()["snoozed_until"] == later.replace("+00:00", "Z")
    assert incidents.wake(NOW + timedelta(hours=4)) == 0
    assert incidents.wake(NOW + timedelta(hours=5)) == 1
    incident.refresh_from_db()
    assert (incident.state, incident.snoozed_until) == ("open", None)
    assert incident.timeline.last().text == "The snooze is over"


@pytest.mark.parametrize(("until", "good"), [
    (timedelta(seconds=5), True), (timedelta(days=364), True), (timedelta(days=366), False), (timedelta(0), False),
    (timedelta(seconds=-5), False)])  # fmt: skip
def test_a_snooze_ends_within_a_year(act, incident, until, good):
    from django.utils import timezone

    answer = act("snooze", {"until": (timezone.now() + until).isoformat()})
    assert answer.status_code == (200 if good else 400)
    if not good:
        assert answer.json()["error"]["field"] == "until"


def test_a_note_is_kept_as_written_and_a_blank_one_refused(act, incident):
    long = "é" * 3_000
    for text, kept in [("  seen by <b>ann</b>  ", "seen by <b>ann</b>"), ("a\0b", "a\N{REPLACEMENT CHARACTER}b"),
                       (long, long[:2_000]), (5, "5")]:  # fmt: skip
        assert act("note", {"note": text}).status_code == 200
        assert incident.timeline.last().text == kept
    for text in ("", "   ", None, 0, [], {}):
        answer = act("note", {"note": text})
        assert (answer.status_code, answer.json()["error"]["field"]) == (400, "note")
    assert act("note", []).status_code == 400, "a body that is no object says nothing"
    assert incident.timeline.filter(action="note").count() == 4
    assert incident.timeline.filter(actor__startswith="admin-read (cw_admin_").count() == 4


def test_an_owner_is_a_member_of_the_workspace_who_is_active(act, incident, workspace):
    def member(email: str, where: Workspace, **more: object) -> str:
        return Member.objects.create(workspace=where, email=email, role="viewer", password="!", **more).email

    ann = member("ann@l.example", workspace)
    gone = member("gone@l.example", workspace, is_active=False)
    eve = member("eve@else.example", Workspace.objects.create(name="Else"))
    assert act("owner", {"owner": ann}).json()["owner"] == ann
    for email in (gone, eve, "nobody@l.example", "", "\0", 5, [ann]):
        answer = act("owner", {"owner": email})
        assert (answer.status_code, answer.json()["error"]["field"]) == (400, "owner")
    incident.refresh_from_db()
    assert incident.owner.email == ann, "what is refused changes nothing"
    assert act("owner", {"owner": None}).json()["owner"] is None
    assert [(e.facts["owner"]) for e in AuditEntry.objects.filter(action="incident.owner").order_by("id")] == [
        ann,
        None,
    ]


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("editor", 403), ("admin", 200), ("owner", 200)])
def test_members_act_over_the_api_from_admins_on(workspace, incident, role, status):
    member = Member.objects.create(workspace=workspace, email="m@l.example", role=role, password="!")
    browser = Client()
    browser.force_login(member)
    answer = browser.post(f"/api/v1/incidents/{incident.pk}/ack", {}, "application/json")
    assert answer.status_code == status
    if status == 200:
        assert incident.timeline.last().actor == "m@l.example"
        assert AuditEntry.objects.get(action="incident.ack").actor == "m@l.example"


@pytest.mark.parametrize("action", ["", "ACK", "acknowledge", "reopen", "%00", "ack/again"])
def test_another_word_is_no_action(act, incident, action):
    answer = act(action)
    assert answer.status_code == 404
    assert incident.timeline.count() == 1
