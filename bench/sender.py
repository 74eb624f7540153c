"""A sender process: events of the demo's company, made before the clock runs, posted over connections kept open."""

import json
import multiprocessing
import socket
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from costwatch.demo.generate import Story, between

BATCH = 1_000


@dataclass(frozen=True)
class Sent:
    """What one sender did: events acknowledged, seconds, requests."""

    events: int
    seconds: float
    requests: int


def company_events(count: int) -> list[dict[str, Any]]:
    """So many calls of the company, of the last hours; each time with ids of their own."""
    now = datetime.now(UTC)
    story = Story(now, ZoneInfo("Europe/Berlin"))
    usual = between(story, now - timedelta(days=3), now)
    events = []
    for number in range(count):
        call = usual[number % len(usual)]
        copy = f"{uuid.uuid4().hex[:8]}"
        at = now - timedelta(milliseconds=count - number)
        own = {"event_id": f"{call['event_id']}-{copy}", "timestamp": at.isoformat()}
        if "run_id" in call:
            own["run_id"] = f"{call['run_id']}-{number // len(usual)}"
        events.append({**call, **own})
    return events


def bodies(count: int, size: int) -> list[bytes]:
    """So many request bodies of `size` events."""
    events = company_events(count * size)
    return [json.dumps(events[n : n + size]).encode() for n in range(0, len(events), size)]


def send(port: int, key: str, sent: Sequence[bytes], size: int, seconds: float, connections: int) -> Sent:
    """Post one body after another on each connection for that long, or until there is none left."""
    head = f"POST /api/v1/events HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
    sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(connections)]
    for one in sockets:
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    began, done = time.monotonic(), 0
    while done + connections <= len(sent) and time.monotonic() - began < seconds:
        for one, body in zip(sockets, sent[done : done + connections], strict=True):
            one.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        for one in sockets:
            _answer(one)
        done += connections
    took = time.monotonic() - began
    for one in sockets:
        one.close()
    return Sent(done * size, took, done)


def _answer(connection: socket.socket) -> None:
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
    while len(body) < length:
        body += connection.recv(65536)
    if b" 200 " not in head.split(b"\r\n", 1)[0]:
        raise RuntimeError(f"{head[:100]!r} {body[:300]!r}")


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
        """Each sends on so many connections."""
        for pipe in self._pipes:
            pipe.send((port, key, seconds, connections))
        return [pipe.recv() for pipe in self._pipes]

    def stop(self) -> None:
        for process in self._processes:
            process.terminate()
            process.join()


def _serve(pipe: Any, batches: int, size: int) -> None:
    made, used = bodies(batches, size), 0
    pipe.send("ready")
    while True:
        port, key, seconds, connections = pipe.recv()
        done = send(port, key, made[used:], size, seconds, connections)
        used += done.requests
        pipe.send(done)
