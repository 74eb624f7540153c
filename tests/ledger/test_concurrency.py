"""Several senders and folds at once: nobody deadlocks, every event counts once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Event

import pytest
from django.db import connection, transaction

from costwatch.ledger import months, past
from costwatch.ledger.entry import Entry
from costwatch.ledger.fold import fold_all
from costwatch.ledger.models import Cut, Run, SpendDay, UsageEvent
from costwatch.ledger.record import record
from costwatch.ledger.store import writing
from costwatch.ledger.verify import verify
from tests.at_once import at_once
from tests.ledger.make import entry

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.thorough]
SENDERS = 8


def events(order: int) -> list[Entry]:
    """The same 200 events for everybody, in another order each."""
    made = [
        entry(
            f"e-{i}", run_id=f"r-{i % 7}", user_id=f"u-{i % 5}", response_id=f"resp-{i}" if i % 3 else None, cost="0.01"
        )
        for i in range(200)
    ]
    return made[order * 23 :] + made[: order * 23]


def test_eight_senders_of_the_same_events_store_each_once(lane):
    answers = at_once([lambda n=n: record(lane, events(n)) for n in range(SENDERS)])  # type: ignore[misc]
    assert sum(200 - len(duplicates) for duplicates in answers) == 200  # type: ignore[arg-type]
    assert UsageEvent.objects.count() == 200
    assert UsageEvent.objects.filter(starts_run=True).count() == Run.objects.count() == 7
    fold_all()
    assert SpendDay.objects.get(cut=Cut.TOTAL).cost == Decimal("2.00")
    assert verify(deep=True).ok


def test_small_requests_that_overlap_never_wait_for_each_other_in_a_circle(lane):
    turns, now = 60, datetime.now(UTC)
    for turn in range(turns):
        made = [entry(f"{turn}-{i}", run_id=f"{turn}-{i}", user_id=f"{turn}-{i}", timestamp=now) for i in range(17)]
        at_once([lambda made=made, n=n: record(lane, made[n : n + 10]) for n in range(SENDERS)])  # type: ignore[misc]
    assert UsageEvent.objects.count() == 17 * turns
    assert verify(deep=True).ok


def test_two_names_of_the_same_calls_sent_at_once_count_once(lane):
    def sender(name: str) -> list[Entry]:
        return [entry(f"{name}-{i}", response_id=f"resp-{i}") for i in range(100)]

    at_once([lambda name=name: record(lane, sender(name)) for name in ("sdk", "gateway", "otel", "proxy")])  # type: ignore[misc]
    assert UsageEvent.objects.count() == 100
    assert verify(deep=True).ok


def test_folding_while_senders_write_loses_and_doubles_nothing(lane):
    over = Event()

    def send(n: int) -> None:
        for batch in range(10):
            record(lane, [entry(f"{n}-{batch}-{i}", run_id=f"r-{i % 9}", cost="0.01") for i in range(20)])

    def keep_folding() -> int:
        folded = 0
        while not over.is_set():
            folded += fold_all().entries
        connection.close()
        return folded

    with ThreadPoolExecutor(2) as folders:
        folds = [folders.submit(keep_folding) for _ in range(2)]
        at_once([lambda n=n: send(n) for n in range(4)])  # type: ignore[misc]
        over.set()
        folded = sum(future.result() for future in folds)
    folded += fold_all().entries
    assert folded == 800
    assert SpendDay.objects.get(cut=Cut.TOTAL).cost == Decimal(8)
    assert verify(deep=True).ok


def test_every_reader_sees_whole_batches_while_folds_run(lane):
    """Rollups plus unfolded events, read in one snapshot, is always a multiple of the batch."""
    over = Event()

    def read() -> set[int]:
        seen = set()
        while not over.is_set():
            with connection.cursor() as cursor:
                cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                cursor.execute("SELECT coalesce(sum(calls), 0)::int FROM spend_day WHERE cut = 0")
                folded = cursor.fetchone()[0]
                cursor.execute("SELECT count(*) FROM usage_event WHERE batch_id IN (SELECT id FROM ingest_batch)")
                seen.add(folded + cursor.fetchone()[0])
                cursor.execute("COMMIT")
        connection.close()
        return seen

    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(read)
        for batch in range(30):
            record(lane, [entry(f"{batch}-{i}") for i in range(10)])
            fold_all()
        over.set()
    seen = reader.result()
    assert len(seen) > 3 and all(count % 10 == 0 for count in seen)


def test_closing_a_month_waits_for_the_batches_that_may_lie_in_it(workspace):
    now = datetime.now(UTC)
    first = (now.replace(day=1) - timedelta(days=1)).date().replace(day=1)
    stored, closed = Event(), Event()

    def send() -> None:
        late = entry(cost="2")
        late.timestamp = datetime(first.year, first.month, 9, tzinfo=UTC)
        with transaction.atomic():
            record(workspace.lane, [late])
            stored.set()
            assert not closed.wait(0.3)

    def close() -> Decimal:
        stored.wait()
        cost = months.close(workspace, first, "Ada", now.replace(hour=23) + timedelta(days=1)).cost
        closed.set()
        return cost

    assert at_once([send, close])[1] == 2
    assert verify().ok


def test_one_at_a_time_reads_far_back_in_a_workspace(lane):
    def may(which: int) -> bool:
        with writing() as cursor:
            return past.alone(cursor, which)

    with writing() as cursor:
        assert past.alone(cursor, lane)
        assert at_once([lambda: may(lane), lambda: may(lane + 1)]) == [False, True]
    assert at_once([lambda: may(lane)]) == [True]
