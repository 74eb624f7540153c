"""A sender process: events of the demo's company, made before the clock runs, posted over connections kept open.

Each body is sent again and again with ids of its own: eight bytes of every event id and run id are replaced.
"""

import json
import multiprocessing
import selectors
import socket
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from costwatch.demo.generate import Story, between

BATCH = 1_000
MARK = b"@@@@@@@@"


@dataclass(frozen=True)
class Sent:
    """What one sender did: events acknowledged, seconds, requests."""

    events: int
    seconds: float
    requests: int


def company_events(count: int) -> list[dict[str, Any]]:
    """So many calls of the company, of the last minutes; MARK stands in their ids."""
    now = datetime.now(UTC)
    story = Story(now, ZoneInfo("Europe/Berlin"))
    usual = between(story, now - timedelta(days=3), now)
    events = []
    for number in range(count):
        call = usual[number % len(usual)]
        at = now - timedelta(milliseconds=count - number)
        own = {"event_id": _uuid7(at, number), "timestamp": at.isoformat()}
        if "run_id" in call:
            own["run_id"] = f"{call['run_id']}-{MARK.decode()}"
        events.append({**call, **own})
    return events


def _uuid7(at: datetime, number: int) -> str:
    """An id as our SDK makes it; MARK stands in it."""
    time_ = f"{int(at.timestamp() * 1000):012x}"
    return f"{time_[:8]}-{time_[8:]}-7{number >> 12:03x}-8{number & 0xFFF:03x}-0000{MARK.decode()}"


def bodies(count: int, size: int) -> list[bytes]:
    """So many request bodies of `size` events."""
    events = company_events(count * size)
    return [json.dumps(events[n : n + size]).encode() for n in range(0, len(events), size)]


def send(sockets: list[socket.socket], port: int, key: str, made: Sequence[bytes], size: int, seconds: float) -> Sent:
    """Post one body after another on each connection for that long; none waits for the answers of the others."""
    bodies_ = _marked(made)
    began, done = time.monotonic(), len(sockets)
    with selectors.DefaultSelector() as waiting:
        for one in sockets:
            _post(one, key, next(bodies_))
            waiting.register(one, selectors.EVENT_READ)
        while waiting.get_map():
            for ready, _ in waiting.select():
                one = ready.fileobj
                place = sockets.index(one)
                if _closed_after(one):
                    waiting.unregister(one)
                    one.close()
                    one = sockets[place] = _connected(port)
                    waiting.register(one, selectors.EVENT_READ)
                if time.monotonic() - began < seconds:
                    _post(one, key, next(bodies_))
                    done += 1
                else:
                    waiting.unregister(one)
    return Sent(done * size, time.monotonic() - began, done)


def _marked(made: Sequence[bytes]) -> Iterator[bytes]:
    """The bodies in turn, for ever; each time with ids of their own."""
    while True:
        mark = uuid.uuid4().hex[:8].encode()
        for body in made:
            yield body.replace(MARK, mark)


def _post(connection: socket.socket, key: str, body: bytes) -> None:
    head = f"POST /api/v1/events HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + body)


def _connected(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _closed_after(connection: socket.socket) -> bool:
    """Read an answer; whether the server closes the connection after it."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += _some(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
    )
    while len(body) < length:
        body += _some(connection)
    if b" 200 " not in head.split(b"\r\n", 1)[0]:
        raise RuntimeError(f"{head[:100]!r} {body[:300]!r}")
    return b"connection: close" in head.lower()


def _some(connection: socket.socket) -> bytes:
    received = connection.recv(65536)
    if not received:
        raise RuntimeError("the server hung up in the middle of an answer")
    return received


class Senders:
    """Some processes that make their bodies first and then send at the same time."""

    def __init__(self, processes: int, batches: int, size: int) -> None:
        self._pipes, self._processes = [], []
        context = multiprocessing.get_context("spawn")
        for _ in range(processes):
            here, there = context.Pipe()
            process = context.Process(target=_serve, args=(there, batches, size), daemon=True)
            process.start()
            self._pipes.append(here)
            self._processes.append(process)
        for pipe in self._pipes:
            pipe.recv()

    def run(self, port: int, key: str, seconds: float, connections: int = 1) -> list[Sent]:
        """Each sends for that long on so many connections."""
        for pipe in self._pipes:
            pipe.send((port, key, seconds, connections))
        return [pipe.recv() for pipe in self._pipes]

    def rate(self, port: int, key: str, seconds: float, connections: int = 1) -> float:
        """Events acknowledged a second, of all together."""
        return sum(one.events / one.seconds for one in self.run(port, key, seconds, connections))

    def stop(self) -> None:
        for process in self._processes:
            process.terminate()
            process.join()


def _serve(pipe: Any, batches: int, size: int) -> None:
    made = bodies(batches, size)
    pipe.send("ready")
    kept: dict[tuple[int, int], list[socket.socket]] = {}
    while True:
        port, key, seconds, connections = pipe.recv()
        sockets = kept.get((port, connections)) or [_connected(port) for _ in range(connections)]
        kept[port, connections] = sockets
        pipe.send(send(sockets, port, key, made, size, seconds))
