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
EACH = 200  # bodies of a sender, made anew for every stretch
STRETCH = 10.0
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
    pipe, end = multiprocessing.Pipe()
    folder = multiprocessing.get_context("spawn").Process(target=_fold, args=(server.database_url, end))
    watcher = threading.Thread(target=_watch, args=(server.database_url, over, backlog))
    folder.start()
    pipe.recv()
    watcher.start()
    acknowledged, sending = 0, 0.0
    try:
        while sending < seconds:
            senders = Senders(SENDERS, EACH, BATCH)
            try:
                sent = senders.run(server.port, key, STRETCH)
            finally:
                senders.stop()
            acknowledged += sum(one.events for one in sent)
            sending += max(one.seconds for one in sent)
    finally:
        over.set()
        watcher.join()
        pipe.send("stop")
    entries, busy = pipe.recv()
    folder.join()
    ingest, folding = acknowledged / sending, entries / busy
    left, events = _left(server.database_url)
    assert events == acknowledged, f"{events:,} of {acknowledged:,} acknowledged events are stored"
    return [
        at_least(f"fold rate against ingest, both at once, {sending:.0f} s of sending", folding / ingest, 2.0),
        Row("… events/s folded while folding, stored", f"{folding:,.0f}, {ingest:,.0f}"),
        at_most("most events waiting to be folded, in seconds of ingest", max(backlog) * BATCH / ingest, MOST_BEHIND, "s",
                f" (median {median(backlog):.0f}, at most {max(backlog)} batches)"),
        at_most("batches left a moment after the end", left, 0, "batches"),
    ]  # fmt: skip


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
    from costwatch.ledger.fold import fold, fold_all

    entries, busy = 0, 0.0
    pipe.send("ready")
    while not pipe.poll():
        began = time.monotonic()
        done = fold()
        took = time.monotonic() - began
        if done.batches:
            entries, busy = entries + done.entries, busy + took
        time.sleep(max(0.0, 1 - took))
    began = time.monotonic()
    entries += fold_all().entries
    pipe.send((entries, busy + time.monotonic() - began))


def _left(database_url: str) -> tuple[int, int]:
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT (SELECT count(*) FROM ingest_batch), (SELECT count(*) FROM usage_event)").fetchone()
    return row or (0, 0)
