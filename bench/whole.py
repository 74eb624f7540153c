"""A whole `costwatch up` under two senders without a pause: what it takes and judges, and how far it gets behind.

Web, worker, scheduler, PostgreSQL, broker and the senders share the machine, as they do in life.
"""

import argparse
import re
import threading
import time
from collections.abc import Callable
from urllib.request import urlopen

from bench.sender import BATCH, Senders
from bench.table import Row, at_most, percentile
from tests.faults.installation import Installation, installed

SHORT, LONG = 60, 300  # seconds
SENDERS = 2
BODIES = 7  # of a sender, sent in turn: with more of them a run would come twice in a turn, which looks like a loop
MOST_BEHIND = 15  # seconds
PATIENCE = 600.0


def run(options: argparse.Namespace) -> list[Row]:
    """The rate at which all is done, the furthest behind, and how the API answers meanwhile."""
    with installed("costwatch-bench-") as up:
        return _measured(up, LONG if options.long else SHORT)


def _measured(up: Installation, seconds: int) -> list[Row]:
    key = up.make_key("ingest,read")
    senders = Senders(SENDERS, BODIES, BATCH)
    over = threading.Event()
    behind: list[float] = []
    answers: list[float] = []
    looks = [
        threading.Thread(target=_every, args=(0.5, over, lambda: behind.append(_behind(up)))),
        threading.Thread(target=_every, args=(1.0, over, lambda: answers.append(_ask(up, key)))),
    ]
    try:
        senders.rate(up.port, key, 1.0)  # labels known, connections open
        for look in looks:
            look.start()
        began = time.monotonic()
        sent = senders.run(up.port, key, seconds)
        taken = time.monotonic() - began
        done = began + PATIENCE
        while _behind(up) and time.monotonic() < done:
            time.sleep(0.1)
        judged = time.monotonic() - began
    finally:
        over.set()
        senders.stop()
    for look in looks:
        look.join()
    books = up.command("verify")
    assert books.returncode == 0, books.stdout + books.stderr
    events = sum(one.events for one in sent)
    return [
        Row(f"all of costwatch, {SENDERS} senders without a pause for {seconds} s: events/s taken; until all is judged",
            f"{events / taken:,.0f}; {events / judged:,.0f}"),
        at_most("… most that folding and judging were behind", max(behind), MOST_BEHIND, "s",
                f" (median {percentile(behind, 0.5):.1f})"),
        Row("… spend by agent asked of the API meanwhile, p50, p95",
            f"{percentile(answers, 0.5):,.0f}, {percentile(answers, 0.95):,.0f} ms"),
    ]  # fmt: skip


def _every(seconds: float, over: threading.Event, call: Callable[[], object]) -> None:
    while not over.wait(seconds):
        call()


def _behind(up: Installation) -> float:
    """What /metrics says; it answers those on the machine itself."""
    with urlopen(f"{up.url}/metrics", timeout=30) as answer:
        found = re.search(r"^costwatch_behind_seconds (\S+)", answer.read().decode(), re.MULTILINE)
    assert found, "the database does not answer"
    return float(found[1])


def _ask(up: Installation, key: str) -> float:
    """Milliseconds of an answer."""
    began = time.perf_counter()
    up.get("/api/v1/spend?group_by=agent", key)
    return (time.perf_counter() - began) * 1000
