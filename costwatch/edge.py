"""What every request passes before Django: whole bodies in bounded time, and a free thread for the health check.

The server's own threads are many and cheap: they wait for bodies. Django runs in a few threads of ours, each of which
keeps a database connection. Handing a request over costs 40 us; a client that stops in the middle of its body costs
nobody else anything (without this, 14 of them made every request answer 503).
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime
from io import BytesIO
from typing import Any, NamedTuple

from costwatch.threads import Places, Turns, Workers

App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
ALWAYS_SERVED = "/healthz"
BODY_SECONDS = 30.0
WAITING_BODIES = 48  # a process's; at 4 MB each at most
LARGE = 65_536  # bytes of a body whose work takes a process some milliseconds


class Refusal(NamedTuple):
    """An answer to a request that does not reach the application; `code` says why."""

    code: str
    status: str
    headers: list[tuple[str, str]]
    body: bytes


def _refusal(status: str, code: str, message: str, *more: tuple[str, str]) -> Refusal:
    body = f'{{"error": {{"code": "{code}", "message": "{message}", "field": null}}}}'.encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), *more]
    return Refusal(code, status, headers, body)


BUSY = _refusal("503 Service Unavailable", "busy", "The server is busy or waits for its database. Try again.",
                ("Retry-After", "2"))  # fmt: skip
SLOW = _refusal("408 Request Timeout", "too_slow", f"The body did not arrive within {BODY_SECONDS:.0f} s.",
                ("Connection", "close"))  # fmt: skip
BROKEN = _refusal("400 Bad Request", "broken_off", "The connection broke before the whole body was there.")


def whole_bodies(
    app: App,
    limit: int,
    worth_reading: Callable[[str], bool] = lambda authorization: True,
    seconds: float = BODY_SECONDS,
    most: int = WAITING_BODIES,
    alone: bool = True,
    enter: Callable[[str, int], bool] = lambda path, size: True,
    refused: Callable[[str], Any] = bool,
) -> App:
    """Read the body first, within `seconds`; WSGI servers pass chunked ones on without a length, and Django sees none.

    At most limit + 1 bytes are read of a chunked body, so that a view still sees that it was too large. Left unread is
    one that says it is larger, and one whose Authorization header is not `worth_reading`: that is refused at once.
    `alone`: no other process serves beside this one, to which connections could be spread. `enter` is asked with the
    path and the size of the body, and may wait; False: not now. `refused` is told the code of each refusal.
    """
    readers = ThreadPoolExecutor(most, thread_name_prefix="body")
    places = Turns(most)
    spread = Spread()

    def read_first(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        length = _length(environ, limit)
        authorization = environ.get("HTTP_AUTHORIZATION")
        if not 0 < length <= limit + 1 or (authorization is not None and not worth_reading(authorization)):
            return app(environ, start_response)
        if not places.take(1):
            return _say(BUSY, start_response, refused)
        job = readers.submit(_read, environ["wsgi.input"], length)
        job.add_done_callback(lambda _: places.give_back())
        try:
            body = job.result(seconds)
        except NotInTime:
            return _say(SLOW, start_response, refused)
        if "HTTP_TRANSFER_ENCODING" in environ:
            del environ["HTTP_TRANSFER_ENCODING"]
        elif len(body) < length:
            return _say(BROKEN, start_response, refused)
        environ["wsgi.input"] = BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        if not enter(environ.get("PATH_INFO", ""), len(body)):
            return _say(BUSY, start_response, refused)
        if alone or len(body) < LARGE:
            return app(environ, start_response)
        with spread:
            return app(environ, spread.answer(start_response))

    return read_first


class Spread:
    """Spreads the connections that bring large bodies over the web processes, by closing one now and then.

    Which process a connection comes to is chance, and stays so while it is kept open: of two busy senders both came to
    the same process two times of three, which made 42,000 events/s, one core idle, and not 56,000. So of two large
    bodies that are worked on at the same time one is answered with `Connection: close`; its client connects anew.
    """

    def __init__(self, every: float = 0.25) -> None:
        self._lock = threading.Lock()
        self._every, self._last, self._at_work = every, -every, 0

    def __enter__(self) -> None:
        with self._lock:
            self._at_work += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._at_work -= 1

    def answer(self, start_response: Callable[..., Any]) -> Callable[..., Any]:
        """How to begin the answer: with the connection's end if it is time for one, at most every 0.25 s."""
        now = time.monotonic()
        with self._lock:
            if self._at_work < 2 or now - self._last < self._every:
                return start_response
            self._last = now

        def closing(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            return start_response(status, [*headers, ("Connection", "close")], *more)

        return closing


def _length(environ: dict[str, Any], limit: int) -> int:
    """How much to read: all of a body of known length, one byte more than allowed of a chunked one."""
    if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
        return limit + 1
    length = environ.get("CONTENT_LENGTH") or "0"
    return int(length) if length.isdigit() and len(length) <= 12 else 0


def _read(source: Any, most: int) -> bytes:
    parts: list[bytes] = []
    left = most
    while left > 0 and (part := source.read(min(left, 262_144))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def never_exhausted(
    app: App,
    threads: int,
    patience: float = 1.0,
    done: Callable[[], Any] = bool,
    refused: Callable[[str], Any] = bool,
    is_quick: Callable[[dict[str, Any]], bool] = lambda environ: False,
) -> App:
    """Run requests in `threads` threads; the health check always has one, beyond the others the answer is 503.

    A request waits up to `patience` seconds for a place, but not at all while nothing gets finished; some places are
    for those that are quick. `done` is called in the thread that an answer was read in, where it had one of its own
    (`one_thread`). `refused` is told the code of each refusal.
    """
    workers = Workers(max(2, threads))
    places = Places(max(1, threads - 1), patience)

    def admit(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("PATH_INFO") == ALWAYS_SERVED:
            return _whole(workers.run(app, environ, start_response))
        give_back = places.take(is_quick(environ))
        if give_back is None:
            return _say(BUSY, start_response, refused)
        try:
            response = workers.run(app, environ, start_response)
            if getattr(response, "one_thread", False):
                return ReadInOneThread(response, give_back, done)
            if getattr(response, "streaming", True):
                return Streamed(response, give_back)
            whole = _whole(response)
        except BaseException:
            give_back()
            raise
        give_back()
        return whole

    return admit


def _say(refusal: Refusal, start_response: Callable[..., Any], refused: Callable[[str], Any]) -> list[bytes]:
    refused(refusal.code)
    start_response(refusal.status, refusal.headers)
    return [refusal.body]


def _whole(response: Any) -> list[bytes]:
    """A list, which the server sends in one piece instead of asking for one part after the other."""
    try:
        return [b"".join(response)]
    finally:
        response.close()


class Streamed:
    """A streamed response, which gives its place back once it was sent or dropped."""

    def __init__(self, response: Any, give_back: Callable[[], None]) -> None:
        self._response = response
        self._give_back: Callable[[], None] | None = give_back

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._response)

    def close(self) -> None:
        give_back, self._give_back = self._give_back, None
        if give_back is not None:
            try:
                self._finish()
            finally:
                give_back()

    def _finish(self) -> None:
        getattr(self._response, "close", bool)()

    __del__ = close


class ReadInOneThread(Streamed):
    """A streamed response whose parts are all made in a thread of its own, for its database connection is a thread's.

    The server asks for one part after the other from any of its threads.
    """

    def __init__(self, response: Any, give_back: Callable[[], None], done: Callable[[], Any]) -> None:
        super().__init__(response, give_back)
        self._done = done
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="stream")

    def __iter__(self) -> Iterator[bytes]:
        parts = iter(self._response)
        while (part := self._thread.submit(next, parts, None).result()) is not None:
            yield part

    def _finish(self) -> None:
        def last() -> None:
            try:
                super(ReadInOneThread, self)._finish()
            finally:
                self._done()

        self._thread.submit(last).result()
        self._thread.shutdown(wait=False)
