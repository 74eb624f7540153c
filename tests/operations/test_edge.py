"""Whole bodies and never-exhausted threads, at the level of WSGI."""

import threading
import time
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costwatch.edge import never_exhausted, whole_bodies


class Dripping:
    """An input that gives at most `most` bytes at a time, as sockets do."""

    def __init__(self, body: bytes, most: int) -> None:
        self._inner, self._most = BytesIO(body), most

    def read(self, size: int) -> bytes:
        return self._inner.read(min(size, self._most))


def echo(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [])
    return [environ.get("CONTENT_LENGTH", "none").encode(), environ["wsgi.input"].read(-1)]


@given(st.binary(max_size=500), st.integers(1, 600), st.integers(0, 600))
def test_a_chunked_body_arrives_whole_up_to_one_byte_over_the_limit(body: bytes, most: int, limit: int) -> None:
    environ = {"HTTP_TRANSFER_ENCODING": "Chunked", "wsgi.input": Dripping(body, most)}
    length, read = whole_bodies(echo, limit)(environ, lambda *_: None)
    assert read == body[: limit + 1]
    assert int(length) == len(read)


def test_a_body_with_a_length_is_left_to_the_view() -> None:
    source = BytesIO(b"12345")
    environ = {"CONTENT_LENGTH": "5", "wsgi.input": source}
    assert whole_bodies(echo, 3)(environ, lambda *_: None) == [b"5", b"12345"]


class Response:
    """Like Django's: iterable once, closed at the end."""

    def __init__(self, streaming: bool = False) -> None:
        self.streaming, self.closed = streaming, False

    def __iter__(self) -> Iterator[bytes]:
        yield b"a"
        yield b"b"

    def close(self) -> None:
        self.closed = True


def call(app: Any, path: str = "/") -> tuple[str, Any]:
    told: list[str] = []
    body = app({"PATH_INFO": path}, lambda status, headers: told.append(status))
    return (told or ["app"])[0], body


def test_beyond_the_places_requests_get_503_but_health_checks_an_answer() -> None:
    leave = threading.Event()

    def slow(environ: dict[str, Any], start_response: Any) -> Response:
        if environ["PATH_INFO"] == "/slow":
            leave.wait(20)
        return Response()

    app = never_exhausted(slow, threads=3, patience=0.1)
    busy = [threading.Thread(target=call, args=(app, "/slow")) for _ in range(2)]
    for thread in busy:
        thread.start()
    time.sleep(0.05)
    began = time.monotonic()
    assert call(app)[0].startswith("503")
    assert time.monotonic() - began < 1
    assert call(app, "/healthz") == ("app", [b"ab"])
    time.sleep(0.3)
    began = time.monotonic()
    assert call(app)[0].startswith("503")  # nothing gets finished: no waiting at all
    assert time.monotonic() - began < 0.05
    leave.set()
    for thread in busy:
        thread.join()
    assert call(app) == ("app", [b"ab"])


def test_a_place_comes_back_however_a_request_ends() -> None:
    def failing(environ: dict[str, Any], start_response: Any) -> Response:
        if environ["PATH_INFO"] == "/fail":
            raise RuntimeError
        return Response(streaming=environ["PATH_INFO"] == "/stream")

    app = never_exhausted(failing, threads=2, patience=0.01)
    for _ in range(5):
        with pytest.raises(RuntimeError):
            call(app, "/fail")
        streamed = call(app, "/stream")[1]
        assert call(app)[0].startswith("503")  # still being sent
        assert b"".join(streamed) == b"ab"
        streamed.close()
        streamed.close()
        dropped = call(app, "/stream")[1]
        del dropped  # a client went away and the server forgot to close
        assert call(app) == ("app", [b"ab"])
