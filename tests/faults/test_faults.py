"""Whatever is killed: acknowledged = stored = rolled up, each event once. Real processes, real clients."""

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psutil
import psycopg
import pytest

from tests.faults.installation import Installation, installed
from tests.faults.senders import Sender
from tests.frozen import frozen

pytestmark = pytest.mark.fault
SENDERS = 3


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    with installed() as running:
        yield running


@pytest.fixture(scope="module")
def key(installation: Installation) -> str:
    return installation.make_key()


def under_load(installation: Installation, key: str, hurt: Callable[[], None]) -> list[Sender]:
    """Senders at work while `hurt` happens and a little longer; all their batches are acknowledged at the end."""
    senders = [Sender(installation.url, key) for _ in range(SENDERS)]
    for sender in senders:
        sender.start()
    time.sleep(0.5)
    hurt()
    installation.wait_until_ready(60)
    time.sleep(1)
    for sender in senders:
        sender.stop()
    return senders


def check(installation: Installation, senders: list[Sender]) -> None:
    """The invariants: nothing acknowledged is lost, nothing is there twice, the rollups agree to the last digit."""
    acknowledged = [event for sender in senders for event in sender.acknowledged]
    assert [wrong for sender in senders for wrong in sender.wrong] == []
    assert len(acknowledged) == len(set(acknowledged)) > 0
    with psycopg.connect(installation.database_url) as connection:
        stored = [
            row[0]
            for row in connection.execute("SELECT event_id FROM usage_event WHERE event_id = ANY(%s)", [acknowledged])
        ]
    assert sorted(stored) == sorted(acknowledged)
    proof = installation.command("verify", "--deep")
    assert proof.returncode == 0, proof.stdout + proof.stderr


def test_web_workers_killed_in_the_middle_of_batches(installation, key):
    def hurt() -> None:
        dice = random.Random(1)
        for _ in range(12):
            installation.kill("costwatch.up.web")
            time.sleep(dice.uniform(0.3, 1.2))

    check(installation, under_load(installation, key, hurt))


def test_worker_and_scheduler_killed_while_they_fold(installation, key):
    def hurt() -> None:
        dice = random.Random(2)
        for _ in range(8):
            installation.kill("celery")
            time.sleep(dice.uniform(0.5, 2))

    check(installation, under_load(installation, key, hurt))


def test_postgresql_stopped_immediately_during_ingest(installation, key):
    def hurt() -> None:
        for _ in range(3):
            installation.stop_postgres_immediately()
            time.sleep(1)
            installation.wait_until_ready(60)
            time.sleep(1)

    senders = under_load(installation, key, hurt)
    check(installation, senders)


def test_a_frozen_database_answers_503_in_time_and_the_process_stays_healthy(installation, key):
    def hurt() -> None:
        with frozen(psutil.Process(installation.postmaster())):
            began = time.monotonic()
            assert installation.status("/healthz", timeout=5) == 200
            assert installation.status("/readyz", timeout=12) == 503
            assert time.monotonic() - began < 12

    check(installation, under_load(installation, key, hurt))


def test_with_the_broker_dead_everything_still_happens(installation, key):
    senders = under_load(installation, key, lambda: None)
    for _ in range(3):
        installation.kill("valkey-server")
        time.sleep(0.3)
    last = Sender(installation.url, key)
    last.start()
    time.sleep(0.5)
    last.stop()
    with psycopg.connect(installation.database_url, autocommit=True) as connection:
        until = time.monotonic() + 60  # ten seconds, as the scheduler promises, and what a busy machine adds
        while connection.execute("SELECT count(*) FROM ingest_batch").fetchone()[0]:  # type: ignore[index]
            assert time.monotonic() < until, "batches were not folded"
            time.sleep(0.2)
    check(installation, [*senders, last])


def test_everything_killed_at_once_and_started_again_with_all_data(installation, key):
    senders = [Sender(installation.url, key) for _ in range(SENDERS)]
    for sender in senders:
        sender.start()
    time.sleep(2)
    installation.kill_everything()
    installation.start()
    time.sleep(1)
    for sender in senders:
        sender.stop()
    check(installation, senders)


def test_the_same_batches_from_eight_clients_at_once_count_once(installation, key):
    batches = [[Sender("", "").event() for _ in range(40)] for _ in range(10)]
    senders = [Sender(installation.url, key) for _ in range(8)]

    def replay(sender: Sender, turn: int) -> None:
        for batch in batches[turn:] + batches[:turn]:
            sender.send(batch[turn:] + batch[:turn])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(replay, senders, range(8)))
    assert [wrong for sender in senders for wrong in sender.wrong] == []
    check(installation, senders[:1])
