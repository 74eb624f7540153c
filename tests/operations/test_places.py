"""Who gets one of the threads in which requests run, and who is told that the server is busy."""

import threading
import time
from typing import Any

import pytest

from costwatch.edge import never_exhausted
from tests.operations.wsgi import Response, call


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


def test_what_takes_long_leaves_places_to_what_is_quick() -> None:
    leave = threading.Event()

    def work(environ: dict[str, Any], start_response: Any) -> Response:
        if environ["PATH_INFO"] == "/long":
            leave.wait(20)
        return Response()

    app = never_exhausted(work, threads=6, patience=0.1, is_quick=lambda environ: environ["PATH_INFO"] == "/quick")
    busy = [threading.Thread(target=call, args=(app, "/long")) for _ in range(3)]
    for thread in busy:
        thread.start()
    time.sleep(0.05)
    assert call(app, "/long")[0].startswith("503")
    assert [call(app, "/quick")[0] for _ in range(5)] == ["app"] * 5
    leave.set()
    for thread in busy:
        thread.join()
    assert call(app, "/long")[0] == "app"


def test_many_requests_at_once_after_a_quiet_time_are_all_served() -> None:
    def work(environ: dict[str, Any], start_response: Any) -> Response:
        time.sleep(0.02)
        return Response()

    app, answers = never_exhausted(work, threads=3, patience=0.2), []
    time.sleep(0.5)  # longer than anybody would wait for a place where nothing gets done
    clients = [threading.Thread(target=lambda: answers.append(call(app)[0])) for _ in range(8)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    assert answers == ["app"] * 8


def test_busy_connections_are_served_in_turns_and_none_is_refused_for_the_others() -> None:
    def work(environ: dict[str, Any], start_response: Any) -> Response:
        time.sleep(0.001)  # lets another thread run, as a database does
        return Response()

    app, enough, served = never_exhausted(work, threads=3, patience=0.3), threading.Event(), [0] * 20

    def client(number: int) -> None:
        while not enough.is_set():
            assert call(app)[0] == "app"
            served[number] += 1

    clients = [threading.Thread(target=client, args=(number,)) for number in range(len(served))]
    for thread in clients:
        thread.start()
    time.sleep(1.5)
    enough.set()
    for thread in clients:
        thread.join()
    assert min(served) > max(served) / 2


def test_the_thread_that_was_done_last_goes_first() -> None:
    both_here, ran_in = threading.Barrier(2), []

    def note(environ: dict[str, Any], start_response: Any) -> Response:
        if environ["PATH_INFO"] == "/together":
            both_here.wait(20)
        ran_in.append(threading.get_ident())
        return Response()

    app = never_exhausted(note, threads=8)
    for _ in range(5):
        call(app)
    assert len(set(ran_in)) == 1
    pair = [threading.Thread(target=call, args=(app, "/together")) for _ in range(2)]
    for thread in pair:
        thread.start()
    for thread in pair:
        thread.join()
    assert len(set(ran_in[5:])) == 2
    for _ in range(5):
        call(app)
    assert len(set(ran_in)) == 2 and len(set(ran_in[7:])) == 1


@pytest.mark.parametrize(
    ("method", "path", "is_quick"),
    [
        ("POST", "/api/v1/events", True),
        ("GET", "/api/v1/events", False),
        ("GET", "/api/v1/guard", True),
        ("GET", "/readyz", True),
        ("GET", "/api/v1/spend", False),
        ("GET", "/", False),
    ],
)
def test_agents_and_probes_are_quick_and_whoever_reads_is_not(method: str, path: str, is_quick: bool) -> None:
    from costwatch.wsgi import _takes_milliseconds

    assert _takes_milliseconds({"REQUEST_METHOD": method, "PATH_INFO": path}) == is_quick
