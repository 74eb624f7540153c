"""The state machine of incidents: every change once, whoever comes twice or at the same time."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from costwatch.accounts.models import Workspace
from costwatch.alerts import incidents, listing
from costwatch.alerts.incidents import ACTIONS, NotPossible, Report
from costwatch.alerts.models import PENDING, Incident, Kind, Severity, State

NOW = datetime(2026, 11, 18, 13, 32, tzinfo=UTC)
REPORT = Report(
    Kind.LOOP, "loop:1:run", Severity.ALARM, "triage: caught in a loop", "triage repeated get_order.", "triage", NOW,
    event_id="e-17", run_id="r-1", stops=True, amount=Decimal("0.5"), facts={"rule": "repeat"},
)  # fmt: skip
LATER = NOW + timedelta(minutes=5)


@pytest.fixture
def workspace(db) -> Workspace:
    return Workspace.objects.create(name="Larkfield")


@pytest.fixture
def incident(workspace) -> Incident:
    incidents.open_or_update(workspace.pk, REPORT, NOW)
    return Incident.objects.get()


def actions(incident: Incident) -> list[str]:
    return list(incident.timeline.values_list("action", flat=True))


def test_the_same_report_is_one_incident(workspace, incident):
    assert incidents.open_or_update(workspace.pk, REPORT, LATER) == incident.pk
    assert Incident.objects.count() == 1
    assert actions(incident) == ["opened"]


def test_the_same_key_elsewhere_is_another(workspace, incident):
    other = Workspace.objects.create(name="Other")
    assert incidents.open_or_update(other.pk, REPORT, NOW) != incident.pk


def test_a_worse_report_raises_it_and_a_milder_one_does_not(workspace, incident):
    incidents.open_or_update(
        workspace.pk, replace(REPORT, severity=Severity.CRITICAL, at=LATER, event_id="e-30"), LATER
    )
    incident.refresh_from_db()
    assert (incident.severity, incident.opened_by_event, incident.opened_at) == ("critical", "e-17", NOW)
    incidents.open_or_update(workspace.pk, replace(REPORT, severity=Severity.NOTICE, at=LATER), LATER)
    incident.refresh_from_db()
    assert incident.severity == "critical"
    assert actions(incident) == ["opened", "raised"]


def test_an_alarm_after_a_notice_is_opened_by_its_own_event(workspace):
    incidents.open_or_update(workspace.pk, replace(REPORT, severity=Severity.NOTICE, stops=False), NOW)
    incidents.open_or_update(workspace.pk, replace(REPORT, at=LATER, event_id="e-18"), LATER)
    incident = Incident.objects.get()
    assert (incident.opened_by_event, incident.opened_at, incident.stops) == ("e-18", LATER, True)
    assert incident.recorded_at == NOW


def test_a_late_event_may_show_that_it_began_earlier(workspace, incident):
    earlier = NOW - timedelta(minutes=1)
    incidents.open_or_update(workspace.pk, replace(REPORT, at=earlier, event_id="e-15"), LATER)
    incident.refresh_from_db()
    assert (incident.opened_by_event, incident.opened_at) == ("e-15", earlier)


def test_what_was_resolved_opens_again_when_it_gets_worse_and_what_is_expected_never(workspace, incident):
    incidents.act(incident, "resolve", "mara", NOW)
    incidents.open_or_update(workspace.pk, REPORT, LATER)
    incident.refresh_from_db()
    assert incident.state == State.RESOLVED
    incidents.open_or_update(workspace.pk, replace(REPORT, severity=Severity.CRITICAL), LATER)
    incident.refresh_from_db()
    assert incident.state == State.OPEN
    assert incident.timeline.last().text.startswith("Open again, critical now")
    incidents.act(incident, "expected", "mara", NOW)
    Incident.objects.update(severity=Severity.NOTICE)
    incidents.open_or_update(workspace.pk, REPORT, LATER)
    incident.refresh_from_db()
    assert incident.state == State.EXPECTED


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("action", ACTIONS)
def test_each_action_is_possible_from_its_states_alone(incident, state, action):
    Incident.objects.update(state=state)
    incident.refresh_from_db()
    step = ACTIONS[action]
    until = LATER if action == "snooze" else None
    if state == step.after and action != "snooze":
        assert incidents.act(incident, action, "mara", NOW, until=until) is False
    elif state in step.before:
        assert incidents.act(incident, action, "mara", NOW, until=until) is True
        assert incident.state == step.after
        assert actions(incident) == ["opened", action]
    else:
        with pytest.raises(NotPossible, match=f"is {state}"):
            incidents.act(incident, action, "mara", NOW, until=until)
        assert actions(incident) == ["opened"]


def test_the_timeline_says_who_did_what_and_why(incident):
    incidents.act(incident, "snooze", "mara@l.example", NOW, until=LATER, text="release night")
    entry = incident.timeline.last()
    assert (entry.actor, entry.text) == ("mara@l.example", "Snoozed until Wed 18 Nov 2026 13:37 UTC: release night")


def test_a_snooze_ends_by_itself_once(incident):
    incidents.act(incident, "snooze", "mara", NOW, until=LATER)
    assert incidents.wake(LATER - timedelta(seconds=1)) == 0
    assert incidents.wake(LATER) == 1
    assert incidents.wake(LATER) == 0
    incident.refresh_from_db()
    assert (incident.state, incident.snoozed_until) == (State.OPEN, None)
    assert actions(incident) == ["opened", "snooze", "wake"]


def test_a_snooze_that_somebody_acknowledged_does_not_end(incident):
    incidents.act(incident, "snooze", "mara", NOW, until=LATER)
    incidents.act(incident, "ack", "jonas", NOW)
    assert incidents.wake(LATER) == 0
    assert Incident.objects.get().state == State.ACKNOWLEDGED


def test_new_figures_reach_what_is_pending_and_nothing_else(workspace, incident):
    incidents.refresh(workspace.pk, REPORT.key, {"calls": 40}, Decimal("2"), LATER)
    incident.refresh_from_db()
    assert (incident.facts, incident.amount) == ({"rule": "repeat", "calls": 40}, Decimal("2"))
    incidents.settle(incident, LATER, "The run has ended")
    incidents.refresh(workspace.pk, REPORT.key, {"calls": 41}, Decimal("3"), LATER)
    incident.refresh_from_db()
    assert incident.facts["calls"] == 40
    incidents.refresh(workspace.pk, "nothing", {}, None, LATER)


def test_it_settles_once(incident):
    assert incidents.settle(incident, LATER, "The run has ended")
    assert not incidents.settle(incident, LATER, "The run has ended")
    assert actions(incident) == ["opened", "resolve"]


def test_a_title_of_any_length_is_stored(workspace):
    incidents.open_or_update(workspace.pk, replace(REPORT, title="x" * 999, subject="y" * 999), NOW)
    assert len(Incident.objects.get().title) == 255


def test_counts_and_lists_go_by_state(workspace, incident):
    for number in range(3):
        incidents.open_or_update(workspace.pk, replace(REPORT, key=f"k{number}", run_id=f"r{number}"), NOW)
    incidents.act(incident, "ack", "mara", NOW)
    counts = listing.counts(workspace.pk)
    assert (counts["open"], counts["acknowledged"], counts["resolved"]) == (3, 1, 0)
    assert incidents.open_count(workspace.pk) == 3
    incidents.open_or_update(workspace.pk, replace(REPORT, key="mild", severity=Severity.NOTICE), NOW)
    assert incidents.open_count(workspace.pk) == 3
    assert listing.find(workspace.pk, state="pending").count() == 5
    assert [one.run_id for one in listing.find(workspace.pk, run_id="r1")] == ["r1"]


@pytest.mark.django_db(transaction=True)
def test_many_at_once_open_one_and_acknowledge_it_once():
    workspace = Workspace.objects.create(name="Busy")

    def open_and_ack(_: int) -> bool:
        try:
            pk = incidents.open_or_update(workspace.pk, REPORT, NOW)
            found = Incident.objects.get(pk=pk)
            return incidents.act(found, "ack", "mara", NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(open_and_ack, range(12)))
    incident = Incident.objects.get()
    assert done.count(True) == 1
    assert actions(incident) == ["opened", "ack"]
    assert incident.state in PENDING
