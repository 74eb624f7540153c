"""A workspace that is new since the tables were analysed: what is asked of it takes as long as its rows, not as their
square, though the planner believes that it has hardly any."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from costwatch.accounts.models import Workspace
from costwatch.ledger import past
from costwatch.ledger.fold import fold_all
from costwatch.ledger.record import record
from costwatch.spend.filters import SpendFilter
from costwatch.spend.runs import runs
from tests.ledger.make import entry
from tests.plans import rows_gone_through

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
NOW = datetime.now(UTC)
RUNS = 3_000
ENOUGH = 30 * RUNS  # the square is 9,000,000


def store(lane: int, name: str) -> None:
    record(lane, [
        entry(f"{name}-{n}", run_id=f"{name}-{n}", session_id=f"{name}-{n % 50}", timestamp=NOW - timedelta(seconds=n))
        for n in range(RUNS)
    ])  # fmt: skip


@pytest.fixture
def newcomer() -> Workspace:
    old, new = (Workspace.objects.create(name=name) for name in ("old", "new"))
    store(old.lane, "old")
    fold_all()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    store(new.lane, "folded")
    fold_all()
    return new


def test_sessions_that_went_on_lately_are_counted_one_by_one(newcomer):
    asked = [newcomer.lane, NOW - timedelta(hours=1), 2, 500]
    assert rows_gone_through(past._SESSIONS, asked) < ENOUGH


@pytest.mark.parametrize("order", ["-cost", "-last", "started"])
def test_runs_with_calls_that_wait_to_be_folded_are_listed_beside_the_others(newcomer, order):
    store(newcomer.lane, "waiting")
    span = SpendFilter(NOW - timedelta(days=1), NOW + timedelta(days=1))
    with CaptureQueriesContext(connection) as asked:
        assert len(runs(newcomer, span, order, limit=50).items) == 50
    (listing,) = [query["sql"] for query in asked if "WITH tail AS" in query["sql"]]
    assert rows_gone_through(listing) < ENOUGH


def test_attempts_are_looked_for_once_however_many_tasks_fail(newcomer):
    record(newcomer.lane, [
        entry(f"failed-{n}", run_id=f"failed-{n}", task=f"t{n % 600}", error=True, timestamp=NOW - timedelta(seconds=n))
        for n in range(RUNS)
    ])  # fmt: skip
    fold_all()
    since = NOW - timedelta(days=1)
    asked = {"lane": newcomer.lane, "fresh": since, "since": since, "most": past.MOST_RUNS, "scanned": 50_000}
    assert rows_gone_through(past._ATTEMPTS, asked) < ENOUGH
