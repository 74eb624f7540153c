"""The migration that wrote keys, rollups and runs anew: a database from before it says the same afterwards."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.live import maintenance_url

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).resolve().parents[2]
UUIDS = [str(uuid.uuid4()) for _ in range(40)]
V7 = "019abcde-0000-7000-8000-0123456789ab"
OTHERS = [f"r-{n}-{n % 7}" for n in range(80)]  # some of their hashes begin with F
IDS = [V7, *UUIDS, *OTHERS]
AT = "2026-11-18 13:32:07.9+00"


def old_key(event_id: str) -> uuid.UUID:
    """The key as it was before."""
    return uuid.UUID(bytes=blake2b(event_id.encode(), digest_size=16, person=b"event").digest())


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A database as it was, filled and brought up to date."""
    name = f"before_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(maintenance_url(), autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        own = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
        try:
            python(own, "manage.py", "migrate", "accounts")
            python(own, "manage.py", "migrate", "ledger", "0006")
            with psycopg.connect(own) as connection:
                fill(connection)
            python(own, "manage.py", "migrate")
            yield own
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def python(url: str, *words: str) -> str:
    env = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "costwatch.settings", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, *words], env=env, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def product(url: str, code: str) -> str:
    """What a process of the product prints."""
    return python(url, "-c", f"import django; django.setup()\n{code}")


def fill(connection: psycopg.Connection) -> None:
    """An unfolded batch with an event of each id and a second sender's key for one; a folded day of another lane."""
    for lane in (1, 2):
        connection.execute("INSERT INTO accounts_workspace (id, name, time_zone, week_start, created_at)"
                           " VALUES (%s, %s, 'UTC', 1, now())", [lane, f"w{lane}"])  # fmt: skip
    connection.execute("""
        CREATE TABLE usage_event_20261118 (LIKE usage_event INCLUDING ALL);
        ALTER TABLE usage_event ATTACH PARTITION usage_event_20261118 FOR VALUES FROM ('2026-11-18') TO ('2026-11-19');
        INSERT INTO attribution (lane, digest, provider_id, model_id, operation_id, agent_id, task_id,
               environment_id, release_id, key_id, tags) VALUES (1, gen_random_uuid(), 0, 0, 0, 0, 0, 0, 0, 0, '{}');
        INSERT INTO run (id, lane, run_id) VALUES (7, 1, 'r');
        INSERT INTO run (lane, run_id, events, calls, cost, last_at, session_id) VALUES (2, 'x', 2, 3, 0.5, now(), 4);
        INSERT INTO ingest_batch VALUES (5, 1, '2026-11-18', '2026-11-18 23:00', now())""")
    for event_id in IDS:
        connection.execute("""
            INSERT INTO usage_event (occurred_at, received_at, batch_id, run_id, event_key, lane, attribution_id, step,
                   requests, input_tokens, cost_source, error, starts_run, batch, usage_inconsistent, cost, event_id)
            VALUES (%s, now(), 5, 7, %s, 1, 1, 0, 2, 10, 1, true, %s, false, false, 0.25, %s)""",
            [AT, old_key(event_id), event_id == V7, event_id])  # fmt: skip
        connection.execute("INSERT INTO event_key VALUES (1, %s, 5, '2026-11-18', NULL)", [old_key(event_id)])
        connection.execute("""
            INSERT INTO spend_adjustment (occurred_at, recorded_at, batch_id, lane, attribution_id, event_key,
                   cost_source, reason, cost) VALUES (%s, now(), 5, 1, 1, %s, 1, 'wrong', -0.05)""",
            [AT, old_key(event_id)])  # fmt: skip
    connection.execute("INSERT INTO event_key VALUES (1, %s, 5, '2026-11-18', %s)", [old_key("second"), old_key(V7)])
    connection.execute("INSERT INTO event_key VALUES (2, %s, 1, '2020-01-02', NULL)", [old_key("dropped")])
    connection.execute("""
        INSERT INTO spend_day (lane, cut, day, a, b, events, calls, cost) VALUES (2, 4, '2026-11-17', 9, 0, 2, 3, 0.5);
        INSERT INTO spend_quarter (lane, cut, slot, a, events, errors) VALUES (2, 0, '2026-11-17 10:15+00', 0, 2, 1)""")


def test_an_event_that_came_before_is_known_by_its_id_afterwards(url):
    sent = json.dumps([*IDS, "second", "new"])
    found = product(
        url,
        f"""
from tests.ledger.make import entry
from costwatch.ledger.record import record
print(record(1, [entry(one) for one in {sent}]))""",
    )
    assert json.loads(found) == list(range(len(IDS) + 1))


def test_it_is_found_by_its_id_with_what_it_was_corrected_to(url):
    found = product(
        url,
        f"""
from costwatch.accounts.models import Workspace
from costwatch.spend import queries
for one in {json.dumps([*IDS, "second"])}:
    event = queries.event(Workspace.objects.get(pk=1), one)
    print(event["event_id"], event["cost_usd"], event["requests"])""",
    )
    assert found.splitlines() == [f"{one} 0.200000000000 2" for one in [*IDS, V7]]


def test_the_books_balance_when_it_is_folded(url):
    found = product(
        url,
        """
from costwatch.ledger.fold import fold_all
from costwatch.ledger.models import Run
from costwatch.ledger.verify import verify

fold_all()
run = Run.objects.get(pk=7)
print(run.calls, run.errors, run.runs, run.cost)
print([line for line in verify(deep=True).differences if "workspace 1" in line or "'lane': '1'" in line])""",
    )
    calls = 2 * len(IDS)
    assert found.splitlines() == [f"{calls} {calls} 1 {len(IDS) * 25 / 100:.12f}", "[]"]


def test_rollups_and_runs_say_what_they_said_and_zero_takes_no_bytes(url):
    with psycopg.connect(url) as connection:
        measures = "events, calls, errors, runs, cost, upper_bound"
        (day,) = connection.execute(f"SELECT a, {measures} FROM spend_day WHERE lane = 2").fetchall()
        (quarter,) = connection.execute(f"SELECT a, {measures} FROM spend_quarter WHERE lane = 2").fetchall()
        (run,) = connection.execute(f"SELECT session_id, {measures} FROM run WHERE lane = 2").fetchall()
    assert (*map(str, day),) == ("9", "2", "3", "None", "None", "0.500000000000", "None")
    assert quarter == (0, 2, None, 1, None, None, None)
    assert (*map(str, run),) == ("4", "2", "3", "None", "None", "0.500000000000", "None")


def test_numbers_of_runs_go_on_where_they_were(url):
    with psycopg.connect(url) as connection:
        connection.execute("SELECT setval(pg_get_serial_sequence('run', 'id'), 100)")
        row = connection.execute("INSERT INTO run (lane, run_id) VALUES (2, 'next') RETURNING id, cost").fetchone()
    assert row == (101, 0)


def test_a_key_whose_event_is_gone_keeps_its_day(url):
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT second FROM event_key WHERE lane = 2").fetchall() == [(86_400,)]
