"""Delivering in processes of its own: killed at every step nothing is lost; side by side each message goes once."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection
from django.db.models import F

from costwatch.alerts import incidents
from costwatch.alerts.incidents import Report
from costwatch.alerts.models import Delivery, Kind, Severity
from tests.alerts.sinks import answer, drop, in_turn
from tests.alerts.worker import STEPS

pytestmark = [pytest.mark.fault, pytest.mark.django_db(transaction=True)]
AFTER_THE_SEND = ("after the send", "in the record", "before the end of the record")
Start = Callable[[str], "subprocess.Popen[bytes]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts workers on the test's database; ends them with the test."""
    running: list[subprocess.Popen[bytes]] = []
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    environment = {
        **os.environ, "DATABASE_URL": url, "COSTWATCH_SECRET_KEY": settings.SECRET_KEY,
        "COSTWATCH_WEBHOOK_ALLOW": "127.0.0.1", "COSTWATCH_URL": "https://costwatch.example.org",
        "COSTWATCH_LOG_LEVEL": "ERROR",
    }  # fmt: skip

    def run(what: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "tests.alerts.worker", what]
        running.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE))
        return running[-1]

    yield run
    for process in running:
        process.kill()
        process.wait()


def until(true: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_nothing_is_lost_and_only_the_same_id_comes_twice(start, webhook, opened, step):
    _, sink = webhook()
    incident = opened()
    assert start(step).wait(30) == -9
    Delivery.objects.filter(lease_until__isnull=False).update(lease_until=F("lease_until") - timedelta(minutes=1))
    start("run")
    until(lambda: Delivery.objects.filter(state="sent").exists())
    time.sleep(0.5)
    told = [[one["id"] for one in got.json["incidents"]] for got in sink.got]
    assert told == [[incident.pk]] * len(told)
    assert len({got.json["id"] for got in sink.got}) == 1
    assert len(told) == (2 if step in AFTER_THE_SEND else 1)


def report(number: int) -> Report:
    now = datetime.now(UTC)
    return Report(Kind.LOOP, f"k{number}", Severity.ALARM, f"loop {number}", "It loops.", "triage", now)


def test_four_workers_tell_each_incident_once_and_a_hanging_channel_delays_nobody(start, workspace, webhook):
    hanging = answer(200)

    def hang(handler, number):
        time.sleep(12)
        hanging(handler, number)

    sinks = [webhook(f"c{n}", is_default=True)[1] for n in range(2)]
    sinks.append(webhook("restless", in_turn(drop, answer(429, Retry_After="1"), answer(500), answer(200)))[1])
    webhook("hanging", hang)
    workers = [start("run") for _ in range(4)]
    for worker in workers:
        assert worker.stdout and worker.stdout.readline() == b"ready\n"
    committed: dict[int, float] = {}

    def open_some(first: int) -> None:
        try:
            for number in range(first, 120, 4):
                committed[incidents.open_or_update(workspace.pk, report(number), datetime.now(UTC))] = time.time()
                time.sleep(0.05)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(open_some, range(4)))
    for sink in sinks[:2]:
        until(lambda sink=sink: sum(len(got.json["incidents"]) for got in sink.got) >= 120)
    time.sleep(1)
    for sink in sinks[:2]:
        assert Counter(one["id"] for got in sink.got for one in got.json["incidents"]) == dict.fromkeys(committed, 1)
        waits = sorted(got.at - committed[one["id"]] for got in sink.got for one in got.json["incidents"])
        assert waits[-2] < 5.0, [
            (round(got.at - min(committed.values()), 1), len(got.json["incidents"])) for got in sink.got
        ]
        assert len(sink.got) <= 5
    until(lambda: {o["id"] for got in sinks[2].got[3:] for o in got.json["incidents"]} == set(committed), 60)
    ids = [got.json["id"] for got in sinks[2].got]
    assert len(set(ids[:4])) == 1  # dropped, put off, failed and taken: one message
    assert len(ids[4:]) == len(set(ids[4:]))
    assert all(worker.poll() is None for worker in workers)
