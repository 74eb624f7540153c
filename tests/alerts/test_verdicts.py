"""Which runs should stop: fresh within a third of a second, free where there are none."""

from dataclasses import replace
from datetime import UTC, datetime
from time import perf_counter

import pytest

from costwatch.accounts.models import Workspace
from costwatch.alerts import incidents, verdicts
from costwatch.alerts.models import Incident, State
from tests.alerts.test_incidents import REPORT

NOW = datetime.now(UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_known():
    verdicts.forget()
    yield
    verdicts.forget()


@pytest.fixture
def workspace(db) -> Workspace:
    return Workspace.objects.create(name="Larkfield")


def test_an_open_alarm_asks_its_run_to_stop(workspace):
    pk = incidents.open_or_update(workspace.pk, REPORT, NOW)
    assert verdicts.stops(workspace.pk)["r-1"].told() == {
        "run_id": "r-1", "action": "stop", "reason": "loop", "message": "triage repeated get_order.", "incident": pk,
    }  # fmt: skip


@pytest.mark.parametrize(("state", "asks"), [(State.OPEN, True), (State.ACKNOWLEDGED, True), (State.SNOOZED, False),
                                             (State.RESOLVED, False), (State.EXPECTED, False)])  # fmt: skip
def test_it_asks_as_long_as_it_is_open_or_acknowledged(workspace, state, asks):
    incidents.open_or_update(workspace.pk, REPORT, NOW)
    Incident.objects.update(state=state)
    assert bool(verdicts.stops(workspace.pk)) is asks


def test_a_notice_and_other_workspaces_ask_nothing(workspace):
    incidents.open_or_update(workspace.pk, replace(REPORT, stops=False), NOW)
    assert verdicts.stops(workspace.pk) == {}
    other = Workspace.objects.create(name="Other")
    incidents.open_or_update(other.pk, REPORT, NOW)
    verdicts.forget()
    assert verdicts.stops(workspace.pk) == {}


def test_the_table_is_read_at_most_three_times_a_second(workspace, django_assert_num_queries, monkeypatch):
    with django_assert_num_queries(1):
        for _ in range(50):
            verdicts.stops(workspace.pk)
    incidents.open_or_update(workspace.pk, REPORT, NOW)
    monkeypatch.setattr(verdicts, "FRESH_FOR", 0.0)
    assert "r-1" in verdicts.stops(workspace.pk)


def test_a_look_costs_next_to_nothing(workspace):
    verdicts.stops(workspace.pk)
    began = perf_counter()
    for _ in range(1_000):
        verdicts.stops(workspace.pk)
    # a batch of 100 events asks once: far below 0.1 us an event; the bound leaves room for a busy machine
    assert (perf_counter() - began) / 1_000 < 100e-6
