"""Real processes: from a POST to the incident within seconds, and a watch that is killed at every step."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection

from costwatch import tasks
from costwatch.accounts.models import Workspace
from costwatch.alerts.models import Incident, Notice, Stop
from costwatch.budgets import manage
from costwatch.budgets.models import BudgetPeriod
from costwatch.ledger import record as recording
from costwatch.ledger.record import record
from tests.budgets.conftest import spend, thresholds
from tests.budgets.worker import STEPS
from tests.live import ROOT, LiveServer

SCHEDULER = ("-m", "celery", "--quiet", "-A", "costwatch.celery", "beat", "--loglevel", "WARNING", "--pidfile=",
             "--scheduler", "costwatch.scheduler.Scheduler")  # fmt: skip
SOON = 8.0  # seconds; on an idle machine it takes less than one


@pytest.fixture
def working(server: LiveServer) -> Iterator[LiveServer]:
    """The server with a scheduler, which does all periodic work itself where there is no broker."""
    process = subprocess.Popen([sys.executable, *SCHEDULER], env=server.environment, cwd=ROOT)
    until = time.monotonic() + 60
    while server.request("GET", "/readyz").status != 200:
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.2)
    yield server
    process.terminate()
    process.wait(20)


@pytest.mark.slow
def test_an_event_sent_over_http_is_an_incident_and_a_stop_within_seconds(working):
    key = working.key("ingest,read,admin")
    wanted = {
        "name": "Triage",
        "amount_usd": "10",
        "period": "daily",
        "scope": {"agent": ["triage"]},
        "action": "block",
    }
    assert working.post("/api/v1/budgets", wanted, key).status == 201
    event = {"model": "gpt-4o", "agent_id": "triage", "input_tokens": 0}  # $10 for a million generated tokens
    took = []
    for number, (tokens, told) in enumerate([(6, [50]), (3, [50, 80]), (1, [50, 80, 100])]):
        sent = {**event, "event_id": f"e-{number}", "output_tokens": tokens * 100_000}
        assert working.post("/api/v1/events", {**sent, "timestamp": datetime.now(UTC).isoformat()}, key).status == 200
        began = time.monotonic()
        while True:
            items = working.get("/api/v1/incidents", key, kind="budget")["items"]
            if items and [one["threshold"] for one in items[0]["facts"]["crossings"]] == told:
                break
            assert time.monotonic() - began < SOON, items
            time.sleep(0.05)
        took.append(time.monotonic() - began)
    (incident,) = items
    assert (incident["opened_by_event"], incident["severity"], incident["state"]) == ("e-0", "critical", "open")
    assert sorted(took)[1] < SOON / 2
    began = time.monotonic()
    while working.get("/api/v1/guard", key, agent_id="triage")["allow"]:
        assert time.monotonic() - began < SOON
        time.sleep(0.05)
    assert working.get("/api/v1/guard", key, agent_id="lookup")["allow"]


@pytest.mark.fault
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_everything_is_told_once_by_the_next(step):
    workspace = Workspace.objects.create(name="Larkfield Support", time_zone="Europe/Berlin")
    recording.forget()
    wanted = {"name": "b", "period": "daily", "amount_usd": 10, "action": "block", "allow_unseen": True}
    manage.create(workspace, wanted, "lena")
    tasks.look()
    record(workspace.lane, [spend(datetime.now(UTC), "9", event_id="a"), spend(datetime.now(UTC), "2", event_id="b")])
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    environment = {**os.environ, "DATABASE_URL": url, "COSTWATCH_SECRET_KEY": settings.SECRET_KEY,
                   "DJANGO_SETTINGS_MODULE": "costwatch.settings"}  # fmt: skip
    command = [sys.executable, "-m", "tests.budgets.worker", step]
    assert subprocess.run(command, env=environment, cwd=ROOT, timeout=60).returncode == -9
    for _ in range(2):
        tasks.look()
    incident = Incident.objects.get()
    assert thresholds(incident) == [50, 80, 100]
    assert [one["event_id"] for one in incident.facts["crossings"]] == ["a", "a", "b"]
    assert incident.timeline.count() == 1
    assert Stop.objects.filter(lifted_at=None).count() == 1
    assert not BudgetPeriod.objects.filter(due=True).exists()
    assert not Notice.objects.exists()  # nobody has a channel here
