"""Reading while others write and fold: nothing is missing, nothing counts twice, at any moment."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Event

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from costwatch.accounts.models import Workspace
from costwatch.ledger.fold import fold, fold_all
from costwatch.ledger.models import IngestBatch
from costwatch.ledger.record import record
from costwatch.spend.filters import EARLIEST, LATEST, SpendFilter
from costwatch.spend.queries import events, query, runs
from costwatch.spend.snapshot import snapshot
from tests.ledger.make import NOW, entry

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.thorough]
AROUND = SpendFilter(NOW - timedelta(days=3, seconds=7), NOW + timedelta(days=3))
QUESTIONS = [
    ((), "none"), (("agent",), "none"), (("agent", "task"), "day"), (("model",), "15m"), (("run",), "none"),
    (("environment", "task"), "none"), (("user",), "week"), (("agent", "user"), "none"),
]  # fmt: skip


@pytest.fixture
def workspace(transactional_db: None) -> Workspace:
    return Workspace.objects.create(name="Larkfield Support", time_zone="Asia/Kathmandu")


def in_thread(pool: ThreadPoolExecutor, work: Callable[[], None]):
    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    return pool.submit(run)


def test_every_answer_during_writing_and_folding_holds_each_committed_event_once(workspace):
    over, begun, committed = Event(), [0], [0]

    def write() -> None:
        for n in range(60):
            batch = [entry(f"{n}-{i}", minutes=(n * 97 + i * 31) % 4000 - 2000, cost="0.01", run_id=f"r-{i % 5}",
                           task=f"t-{i % 3}", user_id=f"u-{i % 4}") for i in range(10)]  # fmt: skip
            begun[0] += 10
            record(workspace.lane, batch)
            committed[0] += 10
        over.set()

    def keep_folding() -> None:
        while not over.is_set():
            fold(most_batches=1)

    with ThreadPoolExecutor(2) as pool:
        work = [in_thread(pool, write), in_thread(pool, keep_folding)]
        asked = 0
        while not over.is_set() or asked < len(QUESTIONS):
            group_by, bucket = QUESTIONS[asked % len(QUESTIONS)]
            least = committed[0]
            answer = query(workspace, AROUND, group_by, bucket)
            assert least <= answer.total.events <= begun[0], (group_by, bucket)
            assert answer.total.cost == answer.total.events * Decimal("0.01")
            least = committed[0]
            assert least <= sum(row.sums.events for row in runs(workspace, AROUND).items) <= begun[0]
            asked += 1
        for done in work:
            done.result()
    assert query(workspace, AROUND).total.events == 600


def test_a_snapshot_does_not_see_what_is_committed_or_folded_after_it(workspace):
    record(workspace.lane, [entry("a")])
    with snapshot(workspace.lane) as books, ThreadPoolExecutor(1) as pool:
        assert len(books.batches) == 1
        in_thread(pool, lambda: (fold_all(), record(workspace.lane, [entry("b")]))).result()  # type: ignore[func-returns-value, arg-type, return-value]
        assert IngestBatch.objects.count() == 1
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM usage_event")
            assert cursor.fetchone() == (1,)
    assert query(workspace, AROUND).total.events == 2


def test_reading_can_change_nothing(workspace):
    with snapshot(workspace.lane), connection.cursor() as cursor:
        cursor.execute("SHOW transaction_read_only")
        assert cursor.fetchone() == ("on",)
        cursor.execute("SHOW transaction_isolation")
        assert cursor.fetchone() == ("repeatable read",)


def test_the_answer_says_until_when_it_is_complete(workspace):
    before = datetime.now(UTC)
    answer = query(workspace, AROUND)
    assert before - timedelta(seconds=1) <= answer.complete_until <= datetime.now(UTC) + timedelta(seconds=1)


def test_the_tail_names_only_the_times_of_unfolded_batches(workspace):
    record(workspace.lane, [entry("a"), entry("b", minutes=20)])
    with snapshot(workspace.lane) as books:
        sql, parameters = books.tail(EARLIEST, LATEST)
        assert "occurred_at BETWEEN" in sql
        assert parameters[1:3] == [NOW, NOW + timedelta(minutes=20)]
        assert books.tail(NOW + timedelta(minutes=20, microseconds=1), LATEST) is None
        assert books.tail(EARLIEST, NOW) is None
        assert books.tail(NOW + timedelta(minutes=20), LATEST) is not None
    assert len(events(workspace, AROUND).items) == 2


def test_a_question_inside_a_snapshot_sees_its_books_and_begins_nothing_of_its_own(workspace):
    record(workspace.lane, [entry(cost="1")])
    with snapshot(workspace.lane) as books, CaptureQueriesContext(connection) as captured:
        with ThreadPoolExecutor(1) as pool:
            in_thread(pool, lambda: record(workspace.lane, [entry(cost="2")])).result()
        answer = query(workspace, AROUND)
    assert (answer.total.cost, answer.complete_until) == (1, books.at)
    assert not [q for q in captured.captured_queries if "SAVEPOINT" in q["sql"] or "ingest_batch" in q["sql"]]
    assert query(workspace, AROUND).total.cost == 3
