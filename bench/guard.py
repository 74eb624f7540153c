"""The guard at 200 questions a second with 10,000 stops, as 10,000 blocking budgets over their limit place them.

The client is on the same machine and sends at fixed moments; a time counts from the moment at which the question was
due, so that a slow answer makes the following ones late as well. Meanwhile stops are placed and lifted.
"""

import argparse
import itertools
import json
import re
import socket
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import psycopg

from bench.table import Row, at_most, percentile
from tests.live import LiveServer

STOPS = 10_000
RATE = 200
SECONDS = 15.0
WARM_UP = 5.0  # of them: connections, the first look at ten thousand rows, and what waited for that
CONNECTIONS = 8
CHANGES = 5  # a second

_PLACE = """
INSERT INTO stop (workspace_id, key, scope, reason, message, until, actor, placed_at, changed_in)
SELECT w.id, 'budget:' || n, jsonb_build_object('agent', jsonb_build_array('a' || n %% 100), 'user',
       jsonb_build_array('u' || n)), 'budget', 'Over its limit.', now() + interval '1 day', '', now(),
       pg_current_xact_id()::text::bigint
  FROM accounts_workspace w, generate_series(1, %s) n"""
_CHANGE = """
UPDATE stop SET lifted_at = CASE WHEN lifted_at IS NULL THEN now() END, changed_in = pg_current_xact_id()::text::bigint
 WHERE key = 'budget:' || %s"""


def run(options: argparse.Namespace) -> list[Row]:
    """The times of the guard, and of a view that does nothing."""
    with tempfile.TemporaryDirectory(prefix="costwatch-bench-") as folder:
        server = LiveServer(Path(folder))
        try:
            server.start()
            key = server.key("read")
            with psycopg.connect(server.database_url) as connection:
                connection.execute(_PLACE, [STOPS])
            guard, its_work = _times(server, f"Authorization: Bearer {key}\r\n", changes=True)
        finally:
            server.stop()
    with tempfile.TemporaryDirectory(prefix="costwatch-bench-") as folder:
        nothing = LiveServer(Path(folder), {"DJANGO_SETTINGS_MODULE": "bench.noop_settings"})
        try:
            nothing.start()
            empty, no_work = _times(nothing, "", changes=False)
        finally:
            nothing.stop()
    return [
        at_most(f"the guard with {STOPS:,} stops at {RATE} questions/s, p99", percentile(guard, 0.99), 10, "ms"),
        Row("… p50, p90, slowest", ", ".join(f"{value:.2f}" for value in _spread(guard)) + " ms"),
        Row("… a view that does nothing: p50, p90, p99", f"{percentile(empty, 0.5):.2f}, {percentile(empty, 0.9):.2f},"
                                                        f" {percentile(empty, 0.99):.2f} ms"),
        Row("… CPU of a question; of one that does nothing", f"{its_work:.2f}, {no_work:.2f} ms"),
    ]  # fmt: skip


def _spread(times: list[float]) -> tuple[float, float, float]:
    return percentile(times, 0.5), percentile(times, 0.9), max(times)


def _times(server: LiveServer, header: str, *, changes: bool) -> tuple[list[float], float]:
    """Milliseconds of each question after the warm-up, and how long the server's processes were at work for each."""
    numbers, done, before = itertools.count(), threading.Event(), _work(server)
    with ThreadPoolExecutor(CONNECTIONS + 1) as pool:
        if changes:
            pool.submit(_change, server.database_url, done)
        began = time.monotonic() + 0.1
        found = [pool.submit(_ask, server.port, header, began, numbers) for _ in range(CONNECTIONS)]
        times = [one for future in found for one in future.result()]
        done.set()
    return times, 1000 * (_work(server) - before) / (RATE * SECONDS)


def _work(server: LiveServer) -> float:
    """CPU seconds of its processes so far."""
    assert server._process is not None
    first = psutil.Process(server._process.pid)
    return sum(sum(one.cpu_times()[:2]) for one in [first, *first.children(recursive=True)])


def _ask(port: int, header: str, began: float, numbers: "itertools.count[int]") -> list[float]:
    """Ask the next question at its moment until the time is up."""
    times = []
    with socket.create_connection(("127.0.0.1", port)) as one:
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while (due := (number := next(numbers)) / RATE) < SECONDS:
            time.sleep(max(0.0, began + due - time.monotonic()))
            question = f"/api/v1/guard?agent_id=a{number % 100}&user_id=u{number % 50_000}&run_id=r{number}"
            one.sendall(f"GET {question} HTTP/1.1\r\nHost: bench\r\n{header}\r\n".encode())
            _answer(one)
            if due >= WARM_UP:
                times.append((time.monotonic() - began - due) * 1000)
    return times


def _answer(one: socket.socket) -> object:
    """The body of the next answer. Raises AssertionError for any status but 200."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += one.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    length = int(re.findall(rb"content-length: *([0-9]+)", head.lower())[0])
    while len(body) < length:
        body += one.recv(65536)
    return json.loads(body)


def _change(database_url: str, done: threading.Event) -> None:
    """Lift a stop, place another one again, a few times a second."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        for number in itertools.count():
            if done.wait(1 / CHANGES):
                return
            connection.execute(_CHANGE, [number % STOPS])
