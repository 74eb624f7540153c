"""Requests with many events wait at the door while folding and judging are behind: the longer, the further they are."""

import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import count

import pytest
from django.db import OperationalError
from django.db.models.functions import Now
from django.test import Client

from costwatch.accounts.keys import create_key
from costwatch.accounts.models import Workspace
from costwatch.edge import whole_bodies
from costwatch.ledger.fold import fold_all
from costwatch.ledger.models import IngestBatch, UsageEvent
from costwatch.models import Tick
from costwatch.tasks import NAME
from ingest import accept, pace
from ingest.pace import FORGOTTEN, MANY, MOST_LATE, MOST_WAITING, PATH, PATIENCE, REST, SOON, Pace

SIZE = 100_000
CPU = 0.01  # seconds of a request of that size


class Time:
    """A clock that stands unless it is moved, and the rests that were taken."""

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
    """A pace that knows what requests cost, and was told how far folding is behind."""

    def made(seconds: float, *, at_work: bool = True) -> Pace:
        monkeypatch.setattr(pace, "behind", lambda: seconds)
        monkeypatch.setattr(pace, "is_at_work", lambda: at_work)
        one = Pace(lambda: time.now, time.sleep)
        one._per_byte = CPU / SIZE
        one.look()
        return one

    return made


@pytest.mark.parametrize(
    ("behind", "late"),
    [(0, 0), (SOON, 0), (1.5 * SOON, 0.5), (2 * SOON, 1), (3_600, MOST_LATE)],
    ids=["all is folded", "soon enough", "a little late", "late", "nobody folds"],
)
def test_the_further_folding_is_behind_the_longer_is_the_time_between_two_requests(paced, time, behind, late):
    one = paced(behind)
    for _ in range(3):
        assert one.enter(PATH, SIZE)
    between = CPU * REST * late
    assert time.rests == ([pytest.approx(between)] * 2 if late else [])


def test_nobody_waits_where_nobody_folds_and_judges(paced, time):
    one = paced(3_600, at_work=False)
    assert one.enter(PATH, SIZE) and one.enter(PATH, SIZE) and time.rests == []


def test_a_lone_sender_of_the_largest_requests_is_never_refused(paced, time):
    one = paced(3_600)
    for _ in range(5):
        assert one.enter(PATH, 40 * SIZE)
        one._looked = time.now
    assert time.rests == [PATIENCE] * 4


def test_a_request_that_came_later_than_its_turn_waits_for_nothing(paced, time):
    one = paced(2 * SOON)
    one.enter(PATH, SIZE)
    time.now += CPU * REST
    assert one.enter(PATH, SIZE) and time.rests == []


def test_the_rest_goes_by_the_bytes_of_the_request_before(paced, time):
    one = paced(2 * SOON)
    for size in (SIZE, 2 * SIZE, SIZE):
        one.enter(PATH, size)
    assert time.rests == [pytest.approx(CPU * REST), pytest.approx(2 * CPU * REST)]


def test_what_a_byte_costs_follows_what_requests_take(paced, time):
    one = paced(2 * SOON)
    for _ in range(100):
        one.worked(SIZE, 3 * CPU)
    one.enter(PATH, SIZE)
    one.enter(PATH, SIZE)
    assert time.rests == [pytest.approx(3 * CPU * REST, rel=0.01)]


def test_only_requests_with_many_events_wait(paced, time):
    one = paced(3_600)
    one.enter(PATH, SIZE)
    assert one.enter(PATH, MANY - 1) and one.enter("/api/v1/prices", SIZE) and one.enter("/", SIZE)
    assert time.rests == []
    assert one.enter(PATH, MANY) and time.rests


def test_a_look_that_is_old_says_nothing(paced, time):
    one = paced(3_600)
    one.enter(PATH, SIZE)
    one._free_at, time.now = 1_000, FORGOTTEN
    assert one.enter(PATH, SIZE) and time.rests == []


def test_who_would_wait_too_long_is_told_at_once_to_come_again(paced, time):
    late = paced(3_600)
    app = whole_bodies(lambda environ, start: [b"taken"], 10 * SIZE, enter=late.enter)
    said: list[str] = []

    def post(size: int) -> bytes:
        environ = {"CONTENT_LENGTH": str(size), "wsgi.input": BytesIO(b"x" * size), "PATH_INFO": PATH}
        return b"".join(app(environ, lambda status, headers: said.append(f"{status} {dict(headers)}")))

    assert post(SIZE) == b"taken"
    late._free_at = PATIENCE + 0.01
    assert b'"busy"' in post(SIZE) and "503" in said[0] and "Retry-After" in said[0]
    assert post(MANY - 1) == b"taken"
    assert time.rests == []


def test_at_most_so_many_of_the_servers_threads_wait(paced):
    late, leave = paced(3_600), threading.Event()
    late._sleep = lambda seconds: leave.wait(20)
    late._free_at = PATIENCE / 2
    late._per_byte = 0.0
    waiting = [threading.Thread(target=late.enter, args=(PATH, SIZE)) for _ in range(MOST_WAITING)]
    for thread in waiting:
        thread.start()
    while late._waiting < MOST_WAITING:
        pass
    assert not late.enter(PATH, SIZE)
    leave.set()
    for thread in waiting:
        thread.join()
    assert late.enter(PATH, SIZE)


@pytest.mark.parametrize("trouble", [False, True], ids=["it answers", "it is away"])
def test_the_database_is_asked_at_most_twice_a_second(time, monkeypatch, trouble):
    asked: list[float] = []

    def behind() -> float:
        asked.append(time.now)
        if trouble:
            raise OperationalError("away")
        return 0.0

    monkeypatch.setattr(pace, "behind", behind)
    monkeypatch.setattr(pace, "is_at_work", lambda: True)
    one = Pace(lambda: time.now, time.sleep)
    for _ in range(100):
        with suppress(OperationalError):
            one.look()
        time.now += 0.1
    assert 18 <= len(asked) <= 21


@pytest.fixture
def post(prices, time, monkeypatch):
    """Post so many new events over Django; the status."""
    text = create_key(Workspace.objects.create(name="paced"), "k", ["ingest"])[1]
    monkeypatch.setattr(accept, "pace", Pace(lambda: time.now, time.sleep))
    numbers = count()

    Tick.objects.create(name=NAME, finished_at=Now() - timedelta(seconds=20))

    def send(events: int) -> int:
        made = [{"event_id": f"e{next(numbers)}", "model": "gpt-5.4", "input_tokens": 1} for _ in range(events)]
        headers = {"Authorization": f"Bearer {text}"}
        time.now += 1
        return Client().post("/api/v1/events", {"events": made}, "application/json", headers=headers).status_code

    return send


def waits(time: Time) -> bool:
    """Whether the second of two requests waits now."""
    time.rests.clear()
    return accept.pace.enter(PATH, SIZE) and accept.pace.enter(PATH, SIZE) and bool(time.rests)


def test_requests_with_many_events_see_how_old_the_oldest_batch_is_and_what_their_work_costs(post, time):
    post(1)
    IngestBatch.objects.update(received_at=datetime.now(UTC) - timedelta(seconds=30))
    post(1)
    assert not waits(time), "a single event does not ask"
    post(100)
    assert waits(time)
    Tick.objects.update(finished_at=Now() - timedelta(seconds=70))
    post(100)
    assert not waits(time), "nobody is at work"
    Tick.objects.update(finished_at=Now())
    post(100)
    assert waits(time)
    fold_all()
    post(100)
    assert not waits(time)


def test_a_database_that_does_not_say_leaves_nothing_stored(post, monkeypatch):
    def away() -> float:
        raise OperationalError("away")

    monkeypatch.setattr(pace, "behind", away)
    assert post(100) == 503
    assert not UsageEvent.objects.exists()


def test_the_server_itself_asks_the_pace(client, db, monkeypatch):
    from costwatch.wsgi import application

    monkeypatch.setattr(pace.pace, "_late", MOST_LATE)
    monkeypatch.setattr(pace.pace, "_looked", float("inf"))
    monkeypatch.setattr(pace.pace, "_free_at", float("inf"))
    said: list[str] = []
    for size in (MANY - 1, MANY):
        environ = client._base_environ(REQUEST_METHOD="POST", PATH_INFO=PATH, CONTENT_LENGTH=str(size))
        application({**environ, "wsgi.input": BytesIO(b" " * size)}, lambda status, headers: said.append(status[:3]))
    assert said == ["401", "503"]
