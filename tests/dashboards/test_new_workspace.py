"""Whatever is asked of a workspace that is new since the tables were analysed takes as long as its rows, not as their
square. The planner believes then that it has hardly any, and would join by comparing each row with every other.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from costwatch.accounts.keys import create_key
from costwatch.accounts.models import Role, Workspace
from costwatch.ledger.fold import fold_all
from costwatch.ledger.record import record
from costwatch.spend import conditions
from tests.dashboards.conftest import logged_in
from tests.ledger.make import entry
from tests.plans import rows_gone_through

pytestmark = pytest.mark.thorough
NOW = datetime.now(UTC)
CALLS = 2_500  # of each day, and of the tail that is not folded yet
ENOUGH = 40 * CALLS  # rows that the steps of one statement go through; the square is 60 times as many
ASKED = [
    "/", "/?period=30d&by=user", "/?period=30d&by=tag.team", "/?period=today&by=run", "/?period=7d&by=session",
    "/agents/a1", "/users/new-u3", "/tasks/t1", "/models/gpt-4o", "/releases/a1@1.1", "/tags/team/team3",
    "/explore?by=model&across=agent", "/explore?by=user&across=task", "/explore?by=run", "/runs", "/runs?agent=a1",
    "/runs?user=new-u3", "/runs?sort=-last", "/runs/new-3", "/runs/new-3.csv", "/sessions", "/sessions?agent=a2",
    "/sessions/new-5", "/session-paths", "/resend", "/calls/new-7", "/month", "/variance", "/variance?by=agent",
    "/variance?by=user", "/releases", "/limits", "/unpriced", "/budgets", "/incidents", "/digests/daily",
    "/digests/weekly", "/find?q=new", "/api/v1/spend?group_by=agent", "/api/v1/spend?group_by=user,model&bucket=hour",
    "/api/v1/runs", "/api/v1/runs?agent=a1", "/api/v1/runs/new-3", "/api/v1/events", "/api/v1/events?agent_id=a1",
    "/api/v1/events?run_id=new-3", "/api/v1/events?user_id=new-u3", "/api/v1/forecast", "/api/v1/variance",
    "/api/v1/compare?dimension=release&baseline=a1@1.1&candidate=a1@1.2",
]  # fmt: skip

FILTERED = [
    "/?agent=a1&by=user", "/agents/a1", "/tags/team/team3", "/runs?agent=a1", "/runs?tag.team=team3",
    "/sessions?agent=a2", "/session-paths?agent=a1", "/resend?agent=a1", "/variance?agent=a1&by=user",
    "/explore?by=user&agent=a1",
    "/api/v1/spend?group_by=user&agent=a1", "/api/v1/spend?group_by=model&tag.team=team3", "/api/v1/runs?agent=a1",
    "/api/v1/events?agent_id=a1", "/api/v1/export/events.csv?agent=a1",
]  # fmt: skip


def store(lane: int, name: str, days: int = 0) -> None:
    record(lane, [
        entry(
            f"{name}-{n}", run_id=f"{name}-{n // 2}", session_id=f"{name}-{n % 300}", user_id=f"{name}-u{n % 400}",
            task=f"t{n % 7}", agent_id=f"a{n % 5}", release=f"a{n % 5}@1.{n % 3}", environment=("dev", "prod")[n % 2],
            tags={"team": f"team{n % 9}"}, model=("gpt-4o", "gpt-4o-mini", "unknown")[n % 3],
            cost=("0.001", "0.002", None)[n % 3], error=n % 50 == 0, tool=f"x{n % 4}", call_fingerprint=f"f{n % 11}",
            timestamp=NOW - timedelta(days=days, seconds=n),
        )
        for n in range(CALLS)
    ])  # fmt: skip


@pytest.fixture(scope="module")
def newcomer(django_db_setup, django_db_blocker) -> Iterator[Workspace]:
    with django_db_blocker.unblock(), transaction.atomic():
        old, new = (Workspace.objects.create(name=name, time_zone="Europe/Berlin") for name in ("old", "new"))
        store(old.lane, "old")
        fold_all()
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        for name, days in (("new", 0), ("yesterday", 1), ("before", 3)):
            store(new.lane, name, days)
        fold_all()
        store(new.lane, "tail")
        yield new
        transaction.set_rollback(True)


@pytest.fixture
def asker(newcomer, db) -> Client:
    _, key = create_key(newcomer, "reader", ["read"])
    client = logged_in(newcomer, "owner@larkfield.example", Role.OWNER)
    client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {key}"
    return client


def most_rows(asked: CaptureQueriesContext) -> int:
    """Of the statement that goes through most rows, how many."""
    statements = [query["sql"].strip() for query in asked.captured_queries]
    return max(map(_rows, statements), default=0)


def _rows(statement: str) -> int:
    if statement.startswith("SET LOCAL"):  # with what it is to be planned under, and undone after it
        before, statement, after = statement.split(";")
        with connection.cursor() as cursor:
            cursor.execute(before)
            found = rows_gone_through(statement)
            cursor.execute(after)
        return found
    return rows_gone_through(statement) if statement.startswith(("SELECT", "WITH")) else 0


@pytest.mark.parametrize("address", ASKED)
def test_no_statement_of_a_page_or_a_route_compares_every_row_with_every_other(asker, address):
    with CaptureQueriesContext(connection) as asked:
        response = asker.get(address, follow=True)
    assert response.status_code == 200
    assert most_rows(asked) < ENOUGH


@pytest.mark.parametrize("address", FILTERED)
def test_nor_does_one_with_a_condition_that_more_attributions_fulfil_than_are_looked_up(asker, address, monkeypatch):
    monkeypatch.setattr(conditions, "FEW_ATTRIBUTIONS", 2)
    with CaptureQueriesContext(connection) as asked:
        response = asker.get(address, follow=True)
    assert response.status_code == 200
    assert most_rows(asked) < ENOUGH
