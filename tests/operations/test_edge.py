"""Whole bodies and never-exhausted threads, at the level of WSGI."""

import re
import threading
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costwatch.edge import never_exhausted, whole_bodies
from costwatch.metrics import exposition
from tests.operations.wsgi import Response, call


class Dripping:
    """An input that gives at most `most` bytes at a time, as sockets do."""

    def __init__(self, body: bytes, most: int) -> None:
        self._inner, self._most = BytesIO(body), most

    def read(self, size: int) -> bytes:
        return self._inner.read(min(size, self._most))


def echo(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [])
    return [environ.get("CONTENT_LENGTH", "none").encode(), environ["wsgi.input"].read(-1)]


def answer(app: Any, environ: dict[str, Any]) -> tuple[str, list[bytes]]:
    told: list[str] = []
    body = list(app(environ, lambda status, headers: told.append(status)))
    return told[0], body


@settings(deadline=None)
@given(st.binary(max_size=500), st.integers(1, 600), st.integers(0, 600))
def test_a_chunked_body_arrives_whole_up_to_one_byte_over_the_limit(body: bytes, most: int, limit: int) -> None:
    environ = {"HTTP_TRANSFER_ENCODING": "Chunked", "wsgi.input": Dripping(body, most)}
    length, read = answer(whole_bodies(echo, limit, most=1), environ)[1]
    assert read == body[: limit + 1]
    assert int(length) == len(read)


def test_a_body_of_known_length_arrives_whole() -> None:
    environ = {"CONTENT_LENGTH": "5", "wsgi.input": Dripping(b"12345", 2)}
    assert answer(whole_bodies(echo, 5), environ) == ("200 OK", [b"5", b"12345"])


def test_a_body_that_says_it_is_too_large_is_left_unread() -> None:
    source = BytesIO(b"12345")
    answer(
        whole_bodies(lambda environ, start: start("413", []) or [], 3), {"CONTENT_LENGTH": "5", "wsgi.input": source}
    )
    assert source.tell() == 0


def test_a_body_with_a_key_that_cannot_be_right_is_left_unread() -> None:
    source = BytesIO(b"12345")
    environ = {"CONTENT_LENGTH": "5", "wsgi.input": source, "HTTP_AUTHORIZATION": "Bearer wrong"}
    app = whole_bodies(lambda environ, start: start("401", []) or [], 9, lambda header: "wrong" not in header)
    assert answer(app, environ)[0] == "401"
    assert source.tell() == 0


def test_a_body_that_breaks_off_is_not_taken_for_whole() -> None:
    environ = {"CONTENT_LENGTH": "9", "wsgi.input": BytesIO(b"12345")}
    assert answer(whole_bodies(echo, 100), environ)[0].startswith("400")


class Stalled:
    """A client that stops in the middle of its body."""

    def __init__(self) -> None:
        self.over = threading.Event()

    def read(self, size: int) -> bytes:
        self.over.wait(20)
        return b""


def test_a_client_that_stops_in_its_body_is_told_so_and_keeps_nobody_waiting() -> None:
    app = whole_bodies(echo, 100, seconds=0.2, most=2)
    stalled = [Stalled(), Stalled()]
    for source in stalled:
        assert answer(app, {"CONTENT_LENGTH": "9", "wsgi.input": source})[0].startswith("408")
    assert answer(app, {"CONTENT_LENGTH": "0", "wsgi.input": BytesIO()})[0] == "200 OK"  # a page: no body to wait for
    assert answer(app, {"CONTENT_LENGTH": "1", "wsgi.input": BytesIO(b"1")})[0].startswith("503")  # no reader is free
    for source in stalled:
        source.over.set()
    assert answer(app, {"CONTENT_LENGTH": "1", "wsgi.input": BytesIO(b"1")})[0] == "200 OK"


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


def test_an_answer_that_asks_for_it_is_read_and_closed_in_one_thread_whichever_the_server_uses() -> None:
    threads: list[int] = []

    class Export(Response):
        one_thread = True

        def __iter__(self) -> Iterator[bytes]:
            for part in super().__iter__():
                threads.append(threading.get_ident())
                yield part

        def close(self) -> None:
            threads.append(threading.get_ident())

    app = never_exhausted(lambda *_: Export(streaming=True), threads=2, done=lambda: threads.append(-1))
    body = call(app)[1]
    parts, got = iter(body), []
    for _ in range(2):
        asking = threading.Thread(target=lambda: got.append(next(parts)))
        asking.start()
        asking.join()
    assert list(parts) == []
    body.close()
    assert got == [b"a", b"b"]
    assert len(set(threads[:3])) == 1
    assert threads[0] != threading.get_ident()
    assert threads[3:] == [-1], "then its database connection is closed"
    assert call(app)[0] == "app", "the place is free again"


def test_each_refusal_is_told_once_with_its_reason_and_what_is_answered_is_not() -> None:
    told: list[str] = []
    stalled = Stalled()
    app = whole_bodies(echo, 100, seconds=0.2, most=1, refused=told.append)
    answer(app, {"CONTENT_LENGTH": "5", "wsgi.input": BytesIO(b"12345")})
    assert told == []
    answer(app, {"CONTENT_LENGTH": "9", "wsgi.input": BytesIO(b"12345")})
    answer(app, {"CONTENT_LENGTH": "9", "wsgi.input": stalled})
    answer(app, {"CONTENT_LENGTH": "1", "wsgi.input": BytesIO(b"1")})  # no reader is free
    stalled.over.set()
    assert told == ["broken_off", "too_slow", "busy"]
    answer(
        whole_bodies(echo, 9, enter=lambda path, size: False, refused=told.append),
        {"CONTENT_LENGTH": "1", "wsgi.input": BytesIO(b"1")},
    )
    assert told[3:] == ["busy"]


def test_a_request_without_a_free_thread_is_told_as_busy_and_a_health_check_never_is() -> None:
    told: list[str] = []
    app = never_exhausted(lambda *_: Response(streaming=True), threads=2, patience=0.01, refused=told.append)
    kept = call(app)[1]
    assert call(app)[0].startswith("503") and told == ["busy"]
    call(app, "/healthz")
    assert told == ["busy"]
    kept.close()


def _counted(name: str) -> float:
    found = re.findall(rf"^costwatch_{name}(?:\{{.*\}})? (\S+)", exposition().decode(), re.M)
    return sum(map(float, found))


@pytest.mark.django_db
def test_what_the_server_refuses_at_its_door_is_counted_and_is_no_request_of_the_application() -> None:
    from costwatch.wsgi import application

    names = ['refused_at_the_door_total{reason="broken_off"}', "refused_at_the_door_total", "requests_total"]
    before = [_counted(name) for name in map(re.escape, names)]
    environ = {"CONTENT_LENGTH": "9", "wsgi.input": BytesIO(b"12345"), "PATH_INFO": "/api/v1/events"}
    assert answer(application, environ)[0].startswith("400")
    after = [_counted(name) for name in map(re.escape, names)]
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 1, 0]
