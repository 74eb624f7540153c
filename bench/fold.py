"""Folding beside ingest: two senders as fast as they can, a fold every second as the scheduler starts it."""

import argparse
import multiprocessing
import os
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psycopg

from bench.sender import BATCH, Senders
from bench.table import Row, at_least, at_most, median
from tests.live import LiveServer

SHORT, LONG = 30, 300  # seconds
SENDERS = 2
BODIES = 50  # of a sender, sent in turn
BACKLOG_SECONDS = 5
MOST_BEHIND = 30  # seconds of ingest


def run(options: argparse.Namespace) -> list[Row]:
    """The backlog and the two rates."""
    seconds = LONG if options.long else SHORT
    with tempfile.TemporaryDirectory(prefix="costwatch-bench-") as folder:
        server = LiveServer(Path(folder))
        try:
            server.start()
            return _measure(server, seconds)
        finally:
            server.stop()


def _measure(server: LiveServer, seconds: int) -> list[Row]:
    key = server.key("ingest")
    backlog: list[int] = []
    over = threading.Event()
    senders = Senders(SENDERS, BODIES, BATCH)
    folder = Folder(server.database_url)
    watcher = threading.Thread(target=_watch, args=(server.database_url, over, backlog))
    watcher.start()
    try:
        sent = senders.run(server.port, key, seconds)
        over.set()
        together = folder.stop()
        more = senders.run(server.port, key, BACKLOG_SECONDS)
    finally:
        over.set()
        senders.stop()
    watcher.join()
    alone = Folder(server.database_url).stop()
    _all_there(server.database_url, sum(one.events for one in (*sent, *more)))
    ingest = sum(one.events / one.seconds for one in sent)
    return [
        at_least("folding a backlog, against the sustained ingest rate", alone / ingest, 2.0),
        Row("… events/s: folding a backlog, folding beside ingest, ingest beside folding",
            f"{alone:,.0f}, {together:,.0f}, {ingest:,.0f}"),
        at_most(f"most events waiting to be folded during {seconds} s of ingest, in seconds of it",
                max(backlog) * BATCH / ingest, MOST_BEHIND, "s",
                f" (median {median(backlog):.0f}, at most {max(backlog)} batches)"),
    ]  # fmt: skip


class Folder:
    """A process that folds every second, as the scheduler has it done."""

    def __init__(self, database_url: str) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, end = context.Pipe()
        self._process = context.Process(target=_fold, args=(database_url, end))
        self._process.start()
        self._pipe.recv()

    def stop(self) -> float:
        """Fold what is left, end, and tell the entries folded in a second of folding."""
        self._pipe.send("stop")
        entries, busy = self._pipe.recv()
        self._process.join()
        return float(entries / busy)


def _watch(database_url: str, over: threading.Event, backlog: list[int]) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        while not over.wait(0.5):
            row = connection.execute("SELECT count(*) FROM ingest_batch").fetchone()
            backlog.append(row[0] if row else 0)


def _fold(database_url: str, pipe: Any) -> None:
    """Fold every second, like the scheduler; at the end what is left. Tells entries and seconds."""
    os.environ["DATABASE_URL"] = database_url
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "costwatch.settings")
    import django

    django.setup()
    from costwatch import tasks, ticks
    from costwatch.ledger.fold import fold, fold_all

    entries, busy = 0, 0.0
    pipe.send("ready")
    while not pipe.poll():
        began = time.monotonic()
        done = fold()
        took = time.monotonic() - began
        ticks.note(tasks.NAME)  # somebody is at work, for whom ingest makes way
        if done.batches:
            entries, busy = entries + done.entries, busy + took
        time.sleep(max(0.0, 1 - took))
    began = time.monotonic()
    entries += fold_all().entries
    pipe.send((entries, busy + time.monotonic() - began))


def _all_there(database_url: str, acknowledged: int) -> None:
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "SELECT (SELECT count(*) FROM usage_event), (SELECT sum(events) FROM spend_day WHERE cut = 0)"
        ).fetchone()
    assert row == (acknowledged, acknowledged), f"acknowledged {acknowledged:,}, stored and rolled up {row}"
