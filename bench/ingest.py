"""Ingest: durable, priced, idempotent events over HTTP against a bare binary COPY of the same rows; single ones.

COPY writes the same rows into a table with the indexes of usage_event, over one connection (and, to compare, two at
once), a transaction for each 1,000, from tuples that are ready: no HTTP, JSON, price, key ledger, batch or run.
"""

import argparse
import multiprocessing
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from bench.sender import BATCH, Senders
from bench.table import Row, at_least, median
from tests.live import LiveServer

ROUNDS = 7
SECONDS = 3.0  # short, so that autovacuum's work falls on both sides of a ratio
SENDERS = 2
BODIES = 50  # of a sender, sent in turn
SINGLES = 2_000
CONNECTIONS, MANY = 4, 32  # of each sender of single events


def run(options: argparse.Namespace) -> list[Row]:
    """The two ratios."""
    with tempfile.TemporaryDirectory(prefix="costwatch-bench-") as folder:
        server = LiveServer(Path(folder))
        least = LiveServer(Path(folder), {"DJANGO_SETTINGS_MODULE": "bench.least_settings"})
        try:
            server.start()
            least.start()
            return [*_batches(server, least), *_singles(server, least)]
        finally:
            server.stop()
            least.stop()


def _batches(server: LiveServer, least: LiveServer) -> list[Row]:
    key = server.key("ingest")
    senders = Senders(SENDERS, BODIES, BATCH)
    try:
        for port in (server.port, least.port):
            senders.run(port, key, 2.0)  # labels known, connections open and spread over the processes
        rows = _stored(server.database_url)
        copies, alone, posts, bare = [], [], [], []
        for _ in range(ROUNDS):
            posts.append(senders.rate(server.port, key, SECONDS))
            bare.append(senders.rate(least.port, key, SECONDS))
            copies.append(_copy(server.database_url, rows, SENDERS))
            alone.append(_copy(server.database_url, rows, 1))
    finally:
        senders.stop()
    ratio = median(posts) / median(alone)
    return [
        at_least(
            "priced, durable, idempotent events over HTTP, 2 senders, batches of 1,000, against bare COPY", ratio, 0.6
        ),
        Row("… against COPY over two connections at once", f"{median(posts) / median(copies):.2f} ×"),
        Row("… of a view that only decodes and stores, against bare COPY", f"{median(bare) / median(alone):.2f} ×"),
        Row(
            "… events/s over HTTP, of COPY over one connection and over two",
            f"{median(posts):,.0f}, {median(alone):,.0f}, {median(copies):,.0f}",
        ),
    ]


def _singles(server: LiveServer, least: LiveServer) -> list[Row]:
    key = server.key("ingest")
    with tempfile.TemporaryDirectory(prefix="costwatch-bench-") as folder:
        nothing = LiveServer(Path(folder), {"DJANGO_SETTINGS_MODULE": "bench.noop_settings"})
        senders = Senders(SENDERS, SINGLES, 1)
        try:
            nothing.start()
            posts, empty, bare, crowd, empty_crowd = [], [], [], [], []
            for _ in range(ROUNDS):
                posts.append(senders.rate(server.port, key, 2.0, CONNECTIONS))
                bare.append(senders.rate(least.port, key, 2.0, CONNECTIONS))
                empty.append(senders.rate(nothing.port, key, 1.0, CONNECTIONS))
                crowd.append(senders.rate(server.port, key, 2.0, MANY))
                empty_crowd.append(senders.rate(nothing.port, key, 1.0, MANY))
        finally:
            senders.stop()
            nothing.stop()
    ratio = median(posts) / median(empty)
    return [
        at_least("single events, 8 connections, against a view that does nothing", ratio, 0.5),
        Row("… of a view that only decodes and stores, against the same", f"{median(bare) / median(empty):.2f} ×"),
        Row("… posts/s, of the view that does nothing", f"{median(posts):,.0f}, {median(empty):,.0f}"),
        Row(
            "… over 64 connections: against the view that does nothing; posts/s",
            f"{median(crowd) / median(empty_crowd):.2f} ×; {median(crowd):,.0f}",
        ),
        Row("… one commit on this disk, of which each post waits for one", f"{_commit_ms(server.database_url):.2f} ms"),
    ]


def _commit_ms(database_url: str) -> float:
    """The median of a hundred small transactions."""
    times = []
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE small (n integer)")
        for _ in range(100):
            began = time.perf_counter()
            connection.execute("INSERT INTO small VALUES (1)")
            times.append((time.perf_counter() - began) * 1000)
    return median(times)


def _stored(database_url: str) -> list[tuple[Any, ...]]:
    """The rows of the warm-up, as they were stored, and an equal table without rows, partitioned as that one is."""
    from costwatch.ledger.rows import COLUMNS

    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE TABLE bare (LIKE usage_event INCLUDING ALL) PARTITION BY RANGE (occurred_at)")
        connection.execute("CREATE TABLE bare_day PARTITION OF bare FOR VALUES FROM (MINVALUE) TO (MAXVALUE)"
                           " WITH (autovacuum_enabled = false)")  # fmt: skip
        cursor = psycopg.Cursor(connection)
        return cursor.execute(f"SELECT {', '.join(COLUMNS)} FROM usage_event LIMIT {20 * BATCH}").fetchall()


def _copy(database_url: str, rows: list[tuple[Any, ...]], processes: int) -> float:
    """Rows a second of so many processes that COPY for a while."""
    context = multiprocessing.get_context("fork")
    pipe, end = context.Pipe()
    workers = [context.Process(target=_copier, args=(database_url, rows, end)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    rates = [pipe.recv() for _ in workers]
    for worker in workers:
        worker.join()
    return sum(rates)


def _copier(database_url: str, rows: list[tuple[Any, ...]], pipe: Any) -> None:
    from psycopg.types.json import Jsonb

    from costwatch.ledger.rows import COLUMNS, TYPES

    json_at = [i for i, kind in enumerate(TYPES) if kind == "jsonb"]
    ready = [tuple(Jsonb(v) if i in json_at and v is not None else v for i, v in enumerate(row)) for row in rows]
    statement = f"COPY bare ({', '.join(COLUMNS)}) FROM STDIN (FORMAT BINARY)"
    with psycopg.connect(database_url, autocommit=True) as connection:
        began, done = time.monotonic(), 0
        while time.monotonic() - began < SECONDS:
            first = done % len(ready)
            with connection.cursor().copy(statement) as copy:
                copy.set_types(TYPES)
                for row in ready[first : first + BATCH]:
                    copy.write_row(row)
            done += BATCH
        pipe.send(done / (time.monotonic() - began))
