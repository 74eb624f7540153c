"""Small requests at the same time share a transaction, and nobody can tell except by the clock."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from django.db import connection

from costwatch.accounts.models import Workspace
from costwatch.ledger.entry import Entry
from costwatch.ledger.keys import event_key
from costwatch.ledger.models import UsageEvent
from costwatch.ledger.record import StorageUnavailable
from costwatch.ledger.record import record as record_alone
from ingest import together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.thorough]
AT = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture
def lane():
    return Workspace.objects.create(name="together").lane


def entry(event_id: str, **more) -> Entry:
    return Entry(event_id=event_id, keys=(event_key(event_id),), model="m", timestamp=AT, input_tokens=1, **more)


def at_once(count: int, call):
    """call(0), call(1), … each in a thread with a connection of its own, begun together."""
    gate = threading.Barrier(count)

    def one(number: int):
        try:
            gate.wait()
            return call(number)
        except Exception as trouble:
            return trouble
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


@pytest.fixture
def transactions(monkeypatch):
    """The sizes of the transactions that were made; each takes long enough for others to queue up."""
    sizes = []

    def slow(lane, entries):
        threading.Event().wait(0.05)
        sizes.append(len(entries))
        return record_alone(lane, entries)

    monkeypatch.setattr(together, "record_alone", slow)
    return sizes


def test_alone_a_request_is_stored_at_once(lane):
    assert together.record(lane, [entry("a"), entry("b"), entry("a")]) == [2]
    assert together.record(lane, [entry("b"), entry("c")]) == [0]
    assert UsageEvent.objects.count() == 3


def test_requests_at_the_same_time_share_transactions(lane, transactions):
    results = at_once(12, lambda n: together.record(lane, [entry(f"e{n}"), entry("same")]))
    assert UsageEvent.objects.count() == 13
    assert sum(transactions) == 24 and len(transactions) < 6
    assert sorted(map(tuple, results)) == [()] + [(1,)] * 11, "the shared event is new once; each learns its own part"


def test_workspaces_never_share_one(lane, transactions):
    other = Workspace.objects.create(name="another").lane
    at_once(8, lambda n: together.record((lane, other)[n % 2], [entry("same name")]))
    assert UsageEvent.objects.count() == 2
    assert set(UsageEvent.objects.values_list("lane", flat=True)) == {lane, other}


def test_large_requests_go_alone(lane, transactions):
    large = together.SMALL + 1
    at_once(4, lambda n: together.record(lane, [entry(f"{n}-{i}") for i in range(large)]))
    assert transactions == [large] * 4


def test_one_request_at_fault_does_not_cost_the_others(lane, transactions):
    bad = {"input_tokens": -1}  # the table refuses it
    results = at_once(6, lambda n: together.record(lane, [with_changes(entry(f"e{n}"), bad if n == 3 else {})]))
    assert [type(r) is list for r in results] == [n != 3 for n in range(6)]
    assert UsageEvent.objects.count() == 5


def test_without_storage_everybody_is_told_and_the_next_try_works(lane, monkeypatch):
    def away(lane, entries):
        threading.Event().wait(0.02)
        raise StorageUnavailable("gone")

    with monkeypatch.context() as patch:
        patch.setattr(together, "record_alone", away)
        results = at_once(6, lambda n: together.record(lane, [entry(f"e{n}")]))
    assert all(isinstance(r, StorageUnavailable) for r in results)
    assert together.record(lane, [entry("e0")]) == []


def test_no_transaction_grows_without_end(lane, transactions, monkeypatch):
    monkeypatch.setattr(together, "MOST", 3)
    at_once(9, lambda n: together.record(lane, [entry(f"e{n}")]))
    assert sum(transactions) == 9 and max(transactions) <= 3


def test_an_interrupt_leaves_nobody_waiting(lane, monkeypatch):
    class Interrupted(BaseException):
        pass

    def interrupted(lane, entries):
        threading.Event().wait(0.05)
        raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(together, "record_alone", interrupted)

        def one(number: int):
            try:
                return together.record(lane, [entry(f"e{number}")])
            except Interrupted:
                return "interrupted"

        assert set(at_once(5, one)) == {"interrupted"}
    assert together.record(lane, [entry("after")]) == []


def with_changes(one: Entry, changes: dict[str, int]) -> Entry:
    for name, value in changes.items():
        setattr(one, name, value)
    return one


def test_who_came_while_the_database_did_not_answer_does_not_wait_for_it_again(lane, monkeypatch):
    asked, leave = [], threading.Event()

    def silent(lane: int, entries) -> list[int]:
        asked.append(len(entries))
        leave.wait(10)
        raise StorageUnavailable("silent")

    monkeypatch.setattr(together, "record_alone", silent)

    def send(number: int) -> list[int]:
        if number == 5:
            time.sleep(0.3)
            leave.set()
            return []
        return together.record(lane, [entry(f"waits-{number}")])

    answers = at_once(6, send)
    assert sum(isinstance(answer, StorageUnavailable) for answer in answers) == 5
    assert asked == [1]
