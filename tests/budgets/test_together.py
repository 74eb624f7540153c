"""Two watches, senders and somebody who edits, all at once on real connections: each crossing is told once."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from costwatch import tasks
from costwatch.accounts.models import Workspace
from costwatch.alerts.models import Incident, Stop
from costwatch.budgets import manage
from costwatch.budgets.models import Budget, BudgetPeriod
from costwatch.ledger import record as recording
from costwatch.ledger.record import record
from tests.at_once import at_once
from tests.budgets.conftest import spend, thresholds

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.thorough]
AGENTS, SENDERS, ROUNDS = 6, 2, 12


@pytest.fixture
def workspace():
    made = Workspace.objects.create(name="Larkfield Support", time_zone="Europe/Berlin")
    recording.forget()
    return made


def test_two_watches_beside_senders_and_edits_tell_each_threshold_once(workspace):
    now = datetime.now(UTC)
    budgets = [
        manage.create(workspace, {"name": f"agent {n}", "period": "daily", "amount_usd": 12, "action": "block",
                                  "scope": {"agent": [f"a-{n}"]}, "allow_unseen": True}, "lena", now=now)
        for n in range(AGENTS)
    ]  # fmt: skip
    manage.create(workspace, {"name": "each user", "period": "monthly", "amount_usd": 12, "per": "user",
                              "allow_unseen": True}, "lena", now=now)  # fmt: skip
    sending = threading.Event()

    def send(number):
        for turn in range(ROUNDS):
            record(workspace.lane, [spend(datetime.now(UTC), "1", event_id=f"{turn}-{n}", agent_id=f"a-{n}",
                                          user_id=f"u-{n}") for n in range(AGENTS)])  # fmt: skip

    def look():
        while not sending.is_set():
            tasks.look()

    def edit():
        for turn in range(8):
            for budget in budgets[:3]:
                manage.change(budget, {"name": f"{budget.name} {turn}", "thresholds": [50, 80, 100]}, "lena")
            time.sleep(0.02)

    def senders():
        try:
            at_once([*(lambda n=n: send(n) for n in range(SENDERS)), edit])
        finally:
            sending.set()

    at_once([look, look, senders])
    for _ in range(5):
        tasks.look()
    incidents = Incident.objects.filter(kind="budget")
    assert incidents.count() == AGENTS * 2
    for incident in incidents:
        assert thresholds(incident) == [50, 80, 100], incident
        told = incident.timeline.filter(action__in=("opened", "raised")).count()
        assert 1 <= told <= 3
        assert incident.facts["spent_usd"] == "12.000000000000"
    assert Stop.objects.filter(lifted_at=None).count() == AGENTS
    assert not BudgetPeriod.objects.filter(due=True).exists()


def test_a_fold_between_two_reads_counts_nothing_twice(workspace):
    """The sums are read while folds move batches into the rollups: never too much, never a false alarm."""
    now = datetime.now(UTC)
    manage.create(
        workspace, {"name": "all", "period": "daily", "amount_usd": 1000, "thresholds": [10]}, "lena", now=now
    )
    over = threading.Event()

    def send():
        try:
            for _ in range(99):
                record(workspace.lane, [spend(datetime.now(UTC), "1")])
        finally:
            over.set()

    def look():
        while not over.is_set():
            BudgetPeriod.objects.update(due=True)
            tasks.look()

    at_once([look, look, send])
    tasks.look()
    assert not Incident.objects.exists()
    record(workspace.lane, [spend(datetime.now(UTC), "1", event_id="deciding")])
    tasks.look()
    assert Incident.objects.get().opened_by_event == "deciding"


def test_removing_budgets_while_they_are_watched_leaves_nothing_behind(workspace):
    now = datetime.now(UTC) - timedelta(minutes=1)

    def look():
        for _ in range(15):
            tasks.look()

    def come_and_go():
        for turn in range(10):
            made = [manage.create(workspace, {"name": str(n), "period": "daily", "amount_usd": 5, "action": "block",
                                              "allow_unseen": True}, "lena", now=now) for n in range(3)]  # fmt: skip
            record(workspace.lane, [spend(datetime.now(UTC), "6", event_id=f"t-{turn}")])
            for budget in made:
                manage.remove(budget, "lena")

    at_once([look, look, come_and_go])
    tasks.look()
    assert not Budget.objects.exists()
    assert not BudgetPeriod.objects.exists()
    assert not Incident.objects.exclude(state="resolved").exists()
    assert not Stop.objects.filter(lifted_at=None).exists()
