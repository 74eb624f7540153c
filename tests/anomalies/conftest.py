"""A workspace with eight weeks of steady usage in its books, and a watch that looks at chosen moments."""

from datetime import timedelta
from decimal import Decimal

import pytest

from costwatch.accounts.models import Workspace
from costwatch.anomalies import books, watch
from costwatch.ledger.fold import fold_all
from costwatch.ledger.record import record
from tests.anomalies.memory import HOUR, TOP
from tests.ledger.make import entry

USUAL = {"agent_id": "triage", "model": "mini", "task": "sort", "tags": {"customer": "Orbit"}, "user_id": "u-1"}


@pytest.fixture(autouse=True)
def nothing_kept():
    books.forget()
    yield
    books.forget()


@pytest.fixture
def workspace(db) -> Workspace:
    return Workspace.objects.create(name="Larkfield Support", time_zone="Europe/Berlin")


@pytest.fixture
def send(workspace):
    """Records entries (made by `call`) and folds them."""

    def record_all(*entries) -> None:
        for first in range(0, len(entries), 5_000):
            record(workspace.lane, list(entries[first : first + 5_000]))
        fold_all()

    return record_all


@pytest.fixture
def steady(send):
    """$2 every hour for eight weeks up to TOP, of one agent; and a little of another."""
    hours = range(1, 8 * 168)
    send(*(call(TOP - n * HOUR + timedelta(minutes=7), "2") for n in hours),
         *(call(TOP - n * HOUR, "0.1", agent_id="lookup", task="find") for n in hours))  # fmt: skip


@pytest.fixture
def look(workspace):
    """Looks at the workspace as if it were `at`."""

    def look_at(at, since=None) -> None:
        watch.look_through(workspace, since or at - timedelta(minutes=1), at, at)

    return look_at


def call(at, cost, **labels):
    """One call at a moment."""
    return entry(timestamp=at, cost=None if cost is None else str(Decimal(cost)), **(USUAL | labels))
