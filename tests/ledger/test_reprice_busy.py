"""Repricing a hundred thousand events while others come in and are folded: exact, and once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from threading import Event

import pytest
from django.db import connection

from costwatch.accounts.models import Workspace
from costwatch.ledger.fold import fold_all
from costwatch.ledger.models import Cut, Run, SpendDay, UsageEvent
from costwatch.ledger.record import record
from costwatch.ledger.reprice import reprice
from costwatch.ledger.verify import verify
from costwatch.pricing import agree, book
from costwatch.pricing.agreements import Agreement
from costwatch.pricing.specs import Component
from tests.ledger.make import NOW, entry

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
EVENTS = 100_000
BATCH = 5_000
OLD, NEW = Decimal("0.0123"), Decimal("0.00254")  # 1,200 at 2 and 20 at 7 per million


def batch(first: int, count: int) -> list:
    return [
        entry(f"e-{i}", model="m", provider="acme", minutes=-i / 40, run_id=f"r-{i // 9}", user_id=f"u-{i % 500}",
              output_tokens=20, cost=str(OLD))
        for i in range(first, first + count)
    ]  # fmt: skip


def beside(work: Callable[[Event], int], over: Event) -> Callable[[], int]:
    def run() -> int:
        try:
            return work(over)
        finally:
            connection.close()

    return run


def test_a_hundred_thousand_events_are_repriced_exactly_beside_ingest_and_fold(lane):
    book.forget()
    for first in range(0, EVENTS, BATCH):
        record(lane, batch(first, BATCH))
    components = (Component("input", Decimal(2)), Component("output", Decimal(7)))
    agree.add(_workspace(lane), Agreement("acme", "m", components), "x")
    prices = book.fresh().for_workspace(lane)
    span = (NOW - timedelta(minutes=EVENTS / 40), NOW + timedelta(minutes=1))
    over = Event()

    def ingest(over: Event) -> int:
        sent = 0
        while not over.is_set():
            record(
                lane,
                [entry(model="m", provider="acme", minutes=60, output_tokens=20, cost=str(NEW)) for _ in range(200)],
            )
            sent += 200
        return sent

    def fold(over: Event) -> int:
        while not over.wait(0.2):
            fold_all()
        return 0

    with ThreadPoolExecutor(2) as pool:
        others = [pool.submit(beside(work, over)) for work in (ingest, fold)]
        try:
            found = reprice(lane, *span, prices, apply=True)
            again = reprice(lane, *span, prices, apply=True)
        finally:
            over.set()
        sent = sum(other.result() for other in others)
    assert (found.events, found.changed, again.changed) == (EVENTS, EVENTS, 0)
    assert (found.old, found.new) == (EVENTS * OLD, EVENTS * NEW)
    fold_all()
    whole = (EVENTS + sent) * NEW
    for cut in (Cut.TOTAL, Cut.MODEL, Cut.USER, Cut.ATTRIBUTION):
        assert sum(row.cost for row in SpendDay.objects.filter(cut=cut)) == whole
    assert sum(run.cost for run in Run.objects.all()) == EVENTS * NEW
    assert UsageEvent.objects.count() == EVENTS + sent
    report = verify(deep=True)
    assert report.ok, report.differences
    book.forget()


def _workspace(lane: int) -> Workspace:
    return Workspace.objects.get(pk=lane)
