"""Large requests make way for folding: free while it keeps up, one by one and with rests while it is behind."""

import threading
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import count

import pytest
from django.db import OperationalError
from django.test import Client

from costwatch.accounts.keys import create_key
from costwatch.accounts.models import Workspace
from costwatch.edge import LARGE, LARGE_PACKED, whole_bodies
from costwatch.ledger.fold import fold_all
from costwatch.ledger.models import IngestBatch, UsageEvent
from ingest import accept, pace
from ingest.pace import LONGEST_REST, LOOK_EVERY, SOON, Pace
from ingest.together import SMALL

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


class Time:
    """A clock that stands unless work or sleep moves it, and the rests that were taken."""

    def __init__(self) -> None:
        self.now = 0.0
        self.rests: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.rests.append(seconds)
        self.now += seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def paced(time, monkeypatch):
    """A pace that was told how far folding is behind."""

    def made(seconds: float) -> Pace:
        monkeypatch.setattr(pace, "behind", lambda now: seconds)
        one = Pace(lambda: time.now, time.sleep)
        one.look(NOW)
        return one

    return made


@pytest.mark.parametrize(
    ("behind", "work", "rest"),
    [(0, 0.03, None), (SOON, 0.03, None), (1.5 * SOON, 0.04, 0.02), (2 * SOON, 0.03, 0.03), (900, 0.03, 0.03),
     (900, 8, LONGEST_REST)],
    ids=["all is folded", "soon enough", "a little late", "late", "very late", "waits for the database"],
)  # fmt: skip
def test_the_rest_grows_with_what_waits_up_to_the_time_of_the_work(paced, time, behind, work, rest):
    with paced(behind).turn() as admitted:
        assert admitted
        time.now += work
    assert time.rests == ([] if rest is None else [pytest.approx(rest)])


def test_a_request_that_fails_rests_too_and_lets_the_next_one_pass(paced, time):
    late = paced(900)
    with pytest.raises(ZeroDivisionError), late.turn():
        time.now += 0.5
        raise ZeroDivisionError
    with late.turn() as admitted:
        assert admitted
    assert time.rests == [0.5, 0]


def both_inside(one: Pace) -> bool:
    """Whether two requests can be worked on at the same time."""
    together = threading.Barrier(2)

    def work() -> None:
        with one.turn():
            try:
                together.wait(0.3)
            except threading.BrokenBarrierError:
                return

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return not together.broken


def test_only_while_folding_is_behind_requests_pass_one_by_one(paced):
    assert both_inside(paced(0))
    assert not both_inside(paced(900))


def test_who_waits_too_long_for_its_turn_is_asked_to_come_again(paced, monkeypatch):
    monkeypatch.setattr(pace, "PATIENCE", 0.05)
    late = paced(900)
    app = whole_bodies(lambda environ, start: [b"taken"], 10 * LARGE, turn=late.turn)
    said: list[str] = []

    def post(size: int, **more: str) -> bytes:
        environ = {"CONTENT_LENGTH": str(size), "wsgi.input": BytesIO(b"x" * size), **more}
        return b"".join(app(environ, lambda status, headers: said.append(f"{status} {dict(headers)}")))

    with late.turn():
        assert b'"busy"' in post(LARGE) and "503" in said[0] and "Retry-After" in said[0]
        assert b'"busy"' in post(LARGE_PACKED, HTTP_CONTENT_ENCODING="gzip")
        assert post(LARGE - 1) == b"taken", "small ones never wait"
    assert post(LARGE) == b"taken"


def test_the_database_is_asked_at_most_twice_a_second(time, monkeypatch):
    asked: list[datetime] = []
    monkeypatch.setattr(pace, "behind", lambda now: asked.append(now) or 0.0)
    one = Pace(lambda: time.now, time.sleep)
    for _ in range(100):
        one.look(NOW)
        time.now += 0.1
    assert 18 <= len(asked) <= 21


@pytest.fixture
def post(prices, time, monkeypatch):
    """Post so many new events over Django; the status."""
    text = create_key(Workspace.objects.create(name="paced"), "k", ["ingest"])[1]
    monkeypatch.setattr(accept, "pace", Pace(lambda: time.now, time.sleep))
    numbers = count()

    def send(events: int) -> int:
        made = [{"event_id": f"e{next(numbers)}", "model": "gpt-5.4", "input_tokens": 1} for _ in range(events)]
        headers = {"Authorization": f"Bearer {text}"}
        return Client().post("/api/v1/events", {"events": made}, "application/json", headers=headers).status_code

    return send


def rests(time: Time) -> bool:
    """Whether a second of work is followed by a rest now."""
    time.now += LOOK_EVERY
    with accept.pace.turn():
        time.now += 1
    return bool(time.rests and time.rests.pop())


def test_the_age_of_the_oldest_batch_decides_and_large_requests_look_it_up(post, time):
    post(1)
    IngestBatch.objects.update(received_at=datetime.now(UTC) - timedelta(seconds=30))
    post(SMALL)
    assert not rests(time), "small requests do not ask"
    post(SMALL + 1)
    assert rests(time)
    fold_all()
    post(SMALL + 1)
    assert not rests(time)


def test_a_database_that_does_not_say_leaves_nothing_stored(post, monkeypatch):
    def away(now: datetime) -> float:
        raise OperationalError("away")

    monkeypatch.setattr(pace, "behind", away)
    assert post(SMALL + 1) == 503
    assert not UsageEvent.objects.exists()


def test_the_server_itself_lets_large_requests_through_by_their_pace(client, db, time, monkeypatch):
    from costwatch.wsgi import application

    monkeypatch.setattr(pace.pace, "_sleep", time.rests.append)
    monkeypatch.setattr(pace.pace, "_behind", 900)
    said: list[str] = []
    for size in (LARGE - 1, LARGE):
        environ = client._base_environ(REQUEST_METHOD="POST", PATH_INFO="/api/v1/events", CONTENT_LENGTH=str(size))
        application({**environ, "wsgi.input": BytesIO(b" " * size)}, lambda status, headers: said.append(status[:3]))
    assert said == ["401", "401"] and len(time.rests) == 1
