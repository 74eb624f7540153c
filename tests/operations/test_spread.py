"""Connections that bring large bodies are spread over the web processes: one is closed now and then."""

import http.client
import json
import threading
import time
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest

from costwatch.edge import LARGE, Spread, whole_bodies
from tests.live import LiveServer

Headers = list[tuple[str, str]]
CLOSE = ("Connection", "close")


class Slow:
    """An application whose requests all wait until `together` of them have come."""

    def __init__(self, together: int) -> None:
        self._all_here = threading.Barrier(together)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self._all_here.wait(timeout=20)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"done"]


def answers(count: int, size: int, *, alone: bool = False) -> list[Headers]:
    """The headers of that many requests with bodies of this size, worked on at the same time."""
    app = whole_bodies(Slow(count), 10 * LARGE, alone=alone)
    told: list[Headers] = []

    def ask() -> None:
        environ = {"CONTENT_LENGTH": str(size), "wsgi.input": BytesIO(b"x" * size)}
        app(environ, lambda status, headers: told.append(headers))

    threads = [threading.Thread(target=ask) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told


def test_of_large_bodies_at_the_same_time_one_connection_is_closed():
    told = answers(3, LARGE)
    assert sum(CLOSE in headers for headers in told) == 1
    assert all(("Content-Type", "text/plain") in headers for headers in told), "all else is as the application said"


@pytest.mark.parametrize(
    ("count", "size", "alone"), [(1, LARGE, False), (3, LARGE - 1, False), (3, LARGE, True)],
    ids=["only one at a time", "small bodies", "the only process"],
)  # fmt: skip
def test_no_connection_is_closed_without_need(count, size, alone):
    assert [headers for headers in answers(count, size, alone=alone) if CLOSE in headers] == []


@pytest.mark.parametrize(("every", "closed"), [(3600.0, 1), (0.0, 3)], ids=["seldom", "as often as asked"])
def test_connections_are_closed_no_more_often_than_every_so_often(every, closed):
    spread, told = Spread(every), []
    with spread, spread:
        for _ in range(3):
            spread.answer(lambda status, headers: told.append(headers))("200 OK", [])
    assert told.count([CLOSE]) == closed and len(told) == 3


def test_what_is_done_counts_no_longer():
    spread = Spread(0.0)
    with spread:
        with spread:
            pass
        told: list[Headers] = []
        spread.answer(lambda status, headers: told.append(headers))("200 OK", [])
    assert told == [[]]


@pytest.mark.slow
def test_clients_that_keep_their_connections_lose_nothing_when_one_is_closed(server: LiveServer):
    """Four clients to two processes: at least two share one, whatever chance says."""
    key, closed, accepted = server.key("ingest"), [], []
    ends = time.monotonic() + 30

    def send(client: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        for batch in range(200):
            if closed or time.monotonic() > ends:
                break
            connection.request("POST", "/api/v1/events", body(f"{client}-{batch}"), headers(key))
            answer = connection.getresponse()
            accepted.append(json.loads(answer.read())["accepted"])
            if answer.headers["Connection"] == "close":
                closed.append(client)
        connection.request(
            "POST", "/api/v1/events", body(f"{client}-last"), headers(key)
        )  # over a new one where closed
        accepted.append(json.loads(connection.getresponse().read())["accepted"])
        connection.close()

    threads = [threading.Thread(target=send, args=(client,)) for client in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert closed, "two clients shared a process, and one was sent away"
    assert accepted == [BATCH] * len(accepted) and len(accepted) >= 4


BATCH = 500


def body(name: str) -> bytes:
    now = datetime.now(UTC).isoformat()
    events = [
        {"event_id": f"spread-{name}-{n}", "model": "gpt-5-mini", "timestamp": now, "input_tokens": n,
         "agent_id": "triage", "tags": {"customer": "Penrose Foods"}}
        for n in range(BATCH)
    ]  # fmt: skip
    packed = json.dumps(events).encode()
    assert len(packed) > LARGE
    return packed


def headers(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
