"""What every request passes before Django: whole bodies, and a free thread for the health check."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from typing import Any

App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
ALWAYS_SERVED = "/healthz"
BUSY = (
    b'{"error": {"code": "busy", "message": "The server is busy or waits for its database. Try again.", "field": null}}'
)


def whole_bodies(app: App, limit: int) -> App:
    """Read chunked bodies, which WSGI servers pass on without a length: Django would see none of them.

    At most limit + 1 bytes are read, so that a view still sees that a body was too large.
    """

    def read_first(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
            body = _read(environ["wsgi.input"], limit + 1)
            environ["wsgi.input"] = BytesIO(body)
            environ["CONTENT_LENGTH"] = str(len(body))
            del environ["HTTP_TRANSFER_ENCODING"]
        return app(environ, start_response)

    return read_first


def _read(source: Any, most: int) -> bytes:
    parts: list[bytes] = []
    left = most
    while left > 0 and (part := source.read(min(left, 262_144))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def never_exhausted(app: App, threads: int, patience: float = 1.0) -> App:
    """Keep one of the process's threads for the health check: beyond the others, answer 503 instead of queueing.

    A request waits up to `patience` seconds for a place, but not at all while nothing gets finished.
    """
    places = Places(max(1, threads - 1), patience)

    def admit(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("PATH_INFO") == ALWAYS_SERVED:
            return _whole(app(environ, start_response))
        if not places.take():
            start_response("503 Service Unavailable", [("Content-Type", "application/json"), ("Retry-After", "2")])
            return [BUSY]
        try:
            response = app(environ, start_response)
            if getattr(response, "streaming", True):
                return Streamed(response, places)
            whole = _whole(response)
        except BaseException:
            places.give_back()
            raise
        places.give_back()
        return whole

    return admit


def _whole(response: Any) -> list[bytes]:
    """A list, which the server sends in one piece instead of asking for one part after the other."""
    try:
        return [b"".join(response)]
    finally:
        response.close()


class Places:
    """The threads that requests may occupy at once."""

    def __init__(self, count: int, patience: float) -> None:
        self._free = threading.BoundedSemaphore(count)
        self._patience = patience
        self._last_finished = time.monotonic()

    def take(self) -> bool:
        """Whether there was a place, or came to be one in time."""
        if self._free.acquire(blocking=False):
            return True
        stuck = time.monotonic() - self._last_finished > 2 * self._patience
        return not stuck and self._free.acquire(timeout=self._patience)

    def give_back(self) -> None:
        self._last_finished = time.monotonic()
        self._free.release()


class Streamed:
    """A streamed response, which gives its place back once it was sent or dropped."""

    def __init__(self, response: Any, places: Places) -> None:
        self._response = response
        self._places: Places | None = places

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._response)

    def close(self) -> None:
        places, self._places = self._places, None
        if places is not None:
            try:
                getattr(self._response, "close", bool)()
            finally:
                places.give_back()

    __del__ = close
