"""Real sinks on this machine: HTTP servers that answer as told, and an SMTP server."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Got:
    """A request that came in."""

    at: float
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Sink:
    """What came in; `behave(handler, number)` answers the request of that number, from 1."""

    behave: Callable[[BaseHTTPRequestHandler, int], None]
    got: list[Got] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def wait(self, count: int, seconds: float = 10.0) -> list[Got]:
        until = time.monotonic() + seconds
        while len(self.got) < count and time.monotonic() < until:
            time.sleep(0.01)
        return self.got


def bodies(sink: Sink) -> list[Any]:
    return [got.json for got in sink.got]


def numbers(body: Any) -> list[int]:
    """The incidents that a message tells of."""
    return [told["id"] for told in body["incidents"]]


def answer(status: int, body: str = "ok", **headers: str) -> Callable[[BaseHTTPRequestHandler, int], None]:
    """Always this answer; header names with _ for -."""

    def behave(handler: BaseHTTPRequestHandler, _: int) -> None:
        reply(handler, status, body, **headers)

    return behave


def reply(handler: BaseHTTPRequestHandler, status: int, body: str = "ok", **headers: str) -> None:
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body.encode())


def in_turn(
    *behaviours: Callable[[BaseHTTPRequestHandler, int], None],
) -> Callable[[BaseHTTPRequestHandler, int], None]:
    """The first request gets the first behaviour …, all later ones the last."""
    return lambda handler, number: behaviours[min(number, len(behaviours)) - 1](handler, number)


def drop(handler: BaseHTTPRequestHandler, _: int) -> None:
    """No answer: the connection ends."""
    handler.connection.close()


def drip(handler: BaseHTTPRequestHandler, _: int) -> None:
    """A byte at a time, for ever."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(100):
        handler.wfile.write(b".")
        time.sleep(0.2)


@contextmanager
def http_sink(behave: Callable[[BaseHTTPRequestHandler, int], None] | None = None) -> Iterator[Sink]:
    """A server for as long as the block runs."""
    sink = Sink(behave or answer(200))
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                sink.got.append(Got(time.time(), self.path, dict(self.headers), body))
                number = len(sink.got)
            with suppress(OSError):
                sink.behave(self, number)

        def log_message(self, *_: object) -> None:
            return

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            return

    server = Server(("127.0.0.1", 0), Handler)
    sink.port = server.server_port
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield sink
    finally:
        server.shutdown()
        server.server_close()
