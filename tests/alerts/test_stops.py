"""Who is asked to stop: once whoever places it twice, known to every process within half a second."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import perf_counter, sleep

import pytest
from django.db import connection, transaction

from costwatch.accounts.models import Workspace
from costwatch.alerts import incidents, stops
from costwatch.alerts.models import Incident, Severity, Stop
from tests.alerts.test_incidents import REPORT

NOW = datetime.now(UTC)
LATER = NOW + timedelta(hours=1)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def always_looked_at(monkeypatch):
    monkeypatch.setattr(stops, "FRESH_FOR", 0.0)


@pytest.fixture
def workspace(db) -> Workspace:
    return Workspace.objects.create(name="Larkfield")


def kill(workspace, key="kill:1", scope=None, **more) -> int:
    return stops.place(workspace.pk, scope or {"agent": ["triage"]}, "kill", "Too dear tonight.", key=key, **more)


def reasons(workspace, **values) -> list[str]:
    return [verdict.reason for verdict in stops.asked(workspace.pk, values)]


def test_a_stop_asks_its_scope_to_stop_and_nobody_else(workspace):
    kill(workspace, until=LATER, actor="mara")
    (verdict,) = stops.asked(workspace.pk, {"agent": "triage", "user": "u"})
    assert verdict.told() == {
        "agent_id": "triage", "action": "stop", "reason": "kill", "message": "Too dear tonight.", "incident": None,
        "until": LATER.isoformat().replace("+00:00", "Z"),
    }  # fmt: skip
    assert reasons(workspace, agent="billing") == []
    assert reasons(Workspace.objects.create(name="Other"), agent="triage") == []


def test_the_same_key_is_the_same_stop(workspace):
    first = kill(workspace)
    before = Stop.objects.values_list("placed_at", "changed_in").get()
    assert kill(workspace) == first
    assert Stop.objects.values_list("placed_at", "changed_in").get() == before
    assert kill(workspace, until=LATER) == first
    assert Stop.objects.get().until == LATER


def test_lifted_it_asks_nobody_and_placed_again_it_does(workspace):
    number = kill(workspace)
    assert reasons(workspace, agent="triage") == ["kill"]
    assert stops.lift(workspace.pk, "kill:1", NOW)
    assert not stops.lift(workspace.pk, "kill:1", NOW)
    assert not stops.lift(workspace.pk, "unheard of", NOW)
    assert reasons(workspace, agent="triage") == []
    assert kill(workspace) == number
    assert reasons(workspace, agent="triage") == ["kill"]


def test_a_changed_scope_holds_at_once(workspace):
    kill(workspace)
    assert reasons(workspace, agent="triage") == ["kill"]
    kill(workspace, scope={"user": ["u-1"]})
    assert (reasons(workspace, agent="triage"), reasons(workspace, user="u-1")) == ([], ["kill"])


def test_it_ends_by_itself(workspace):
    kill(workspace, until=datetime.now(UTC) + timedelta(seconds=0.2))
    assert reasons(workspace, agent="triage") == ["kill"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stops.timezone, "now", lambda: LATER)
        assert reasons(workspace, agent="triage") == []


def test_what_was_over_before_anybody_asked_is_not_even_read(workspace):
    kill(workspace, until=NOW - timedelta(seconds=1))
    kill(workspace, "kill:2")
    stops.lift(workspace.pk, "kill:2", NOW)
    assert len(stops.standing(workspace.pk)) == 0


def test_the_whole_workspace_can_be_stopped(workspace):
    stops.place(workspace.pk, {}, "kill", "Everything.", key="kill:all")
    (verdict,) = stops.asked(workspace.pk, {})
    assert verdict.told() == {"action": "stop", "reason": "kill", "message": "Everything.", "incident": None}


@pytest.mark.parametrize(
    ("action", "asks"), [("ack", True), ("snooze", False), ("resolve", False), ("expected", False)]
)
def test_a_loop_asks_its_run_to_stop_until_somebody_says_otherwise(workspace, action, asks):
    pk = incidents.open_or_update(workspace.pk, REPORT, NOW)
    assert stops.asked(workspace.pk, {"run": "r-1"})[0].told() == {
        "run_id": "r-1", "action": "stop", "reason": "loop", "message": "triage repeated get_order.", "incident": pk,
    }  # fmt: skip
    incidents.act(Incident.objects.get(), action, "mara", NOW, until=LATER if action == "snooze" else None)
    assert bool(reasons(workspace, run="r-1")) is asks


def test_a_run_that_has_ended_is_asked_nothing_and_one_that_goes_on_is_asked_again(workspace):
    incidents.open_or_update(workspace.pk, REPORT, NOW)
    incidents.settle(Incident.objects.get(), NOW, "The run has ended")
    assert reasons(workspace, run="r-1") == []
    incidents.open_or_update(workspace.pk, replace(REPORT, severity=Severity.CRITICAL), LATER)
    assert reasons(workspace, run="r-1") == ["loop"]


def test_a_snooze_that_ends_asks_again(workspace):
    incidents.open_or_update(workspace.pk, REPORT, NOW)
    incidents.act(Incident.objects.get(), "snooze", "mara", NOW, until=LATER)
    assert reasons(workspace, run="r-1") == []
    incidents.wake(LATER)
    assert reasons(workspace, run="r-1") == ["loop"]


def test_a_notice_asks_nothing(workspace):
    incidents.open_or_update(workspace.pk, replace(REPORT, stops=False), NOW)
    assert not Stop.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_table_is_looked_at_a_few_times_a_second_and_only_for_what_changed(monkeypatch, django_assert_num_queries):
    workspace = Workspace.objects.create(name="Calm")
    for number in range(30):
        kill(workspace, f"kill:{number}", {"user": [f"u-{number}"]})
    monkeypatch.setattr(stops, "FRESH_FOR", 60.0)
    with django_assert_num_queries(2):  # how far transactions have come, and the stops
        for _ in range(50):
            assert reasons(workspace, user="u-7") == ["kill"]
    monkeypatch.setattr(stops, "FRESH_FOR", 0.0)
    assert reasons(workspace, user="u-7") == ["kill"]
    put, again = [], stops.Book.put
    monkeypatch.setattr(stops.Book, "put", lambda book, stop: (put.append(stop), again(book, stop)))
    kill(workspace, "kill:7", {"user": ["u-8"]})
    with django_assert_num_queries(1):
        assert reasons(workspace, user="u-7") == []
    assert reasons(workspace, user="u-8") == ["kill", "kill"]
    assert len(put) == 1


def test_a_question_costs_next_to_nothing(workspace, monkeypatch):
    monkeypatch.setattr(stops, "FRESH_FOR", 60.0)
    kill(workspace, scope={"user": [f"u{n}" for n in range(10_000)]})
    stops.asked(workspace.pk, {})
    began = perf_counter()
    for number in range(1_000):
        stops.asked(workspace.pk, {"agent": "triage", "user": f"v{number}"})
    assert (perf_counter() - began) / 1_000 < 100e-6  # some 5 us; the bound leaves room for a busy machine


def test_old_stops_are_forgotten_and_standing_ones_kept(workspace):
    kill(workspace)
    kill(workspace, "kill:2", until=NOW)
    kill(workspace, "kill:3")
    stops.lift(workspace.pk, "kill:3", NOW)
    stops.prune(NOW + timedelta(days=29))
    assert Stop.objects.count() == 3
    stops.prune(NOW + timedelta(days=31))
    assert Stop.objects.get().key == "kill:1"


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_ends_late_is_not_missed():
    """One that began before another, and is committed after the others' stop was read."""
    workspace = Workspace.objects.create(name="Slow")
    kill(workspace, "kill:first")
    assert reasons(workspace, agent="triage") == ["kill"]

    def in_another_connection(work):
        def run():
            try:
                return work()
            finally:
                connection.close()

        with ThreadPoolExecutor(1) as pool:
            return pool.submit(run).result()

    with transaction.atomic():
        kill(workspace, "kill:slow", {"user": ["u-1"]})
        in_another_connection(lambda: kill(workspace, "kill:quick", {"user": ["u-2"]}))
        seen = in_another_connection(lambda: (reasons(workspace, user="u-1"), reasons(workspace, user="u-2")))
        assert seen == ([], ["kill"])
    assert in_another_connection(lambda: reasons(workspace, user="u-1")) == ["kill"]


@pytest.mark.django_db(transaction=True)
def test_many_at_once_place_one():
    workspace = Workspace.objects.create(name="Busy")

    def work(_: int) -> int:
        try:
            return kill(workspace)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(work, range(12)))) == 1
    assert Stop.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_this_process_knows_at_once_what_it_has_committed(monkeypatch):
    monkeypatch.setattr(stops, "FRESH_FOR", 60.0)
    workspace = Workspace.objects.create(name="Own")
    assert reasons(workspace, agent="triage") == []
    kill(workspace)
    assert reasons(workspace, agent="triage") == ["kill"]
    stops.lift(workspace.pk, "kill:1", NOW)
    assert reasons(workspace, agent="triage") == []


@pytest.mark.django_db(transaction=True)
def test_while_questions_come_none_of_them_waits_for_the_table(monkeypatch, django_assert_num_queries):
    workspace = Workspace.objects.create(name="Busy")
    assert reasons(workspace, agent="triage") == []
    monkeypatch.setattr(stops, "FRESH_FOR", 60.0)
    monkeypatch.setattr(stops, "LOOK_AFTER", 0.0)
    with ThreadPoolExecutor(1) as pool:  # as another process does, which tells this one nothing
        monkeypatch.setattr(stops, "_tell_this_process", lambda workspace_id: None)
        pool.submit(kill, workspace).result()
        pool.submit(lambda: connection.close()).result()
    until = perf_counter() + 10
    with django_assert_num_queries(0):
        while not reasons(workspace, agent="triage"):
            assert perf_counter() < until
            sleep(0.01)
