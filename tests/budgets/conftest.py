"""A workspace, budgets in it, and usage sent to it as the edge records it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from costwatch.accounts.models import Workspace
from costwatch.alerts.models import Incident
from costwatch.budgets import index, manage, names, watch
from costwatch.budgets.models import Budget
from costwatch.ledger.entry import Entry
from costwatch.ledger.fold import fold_all
from costwatch.ledger.record import record
from tests.ledger.make import entry

NOW = datetime(2026, 11, 18, 13, 32, 7, tzinfo=UTC)
"""A Wednesday, 14:32 in Berlin."""


@pytest.fixture
def workspace(db: None) -> Workspace:
    return Workspace.objects.create(name="Larkfield Support", time_zone="Europe/Berlin")


@pytest.fixture
def make(workspace: Workspace) -> Callable[..., Budget]:
    """A budget of $100 a month unless told otherwise, made long ago."""

    def create(now: datetime = NOW, **data: Any) -> Budget:
        amount = {} if "amount_tokens" in data else {"amount_usd": "100"}
        wanted = {"name": "All agents", "period": "monthly", "allow_unseen": True, **amount, **data}
        return manage.create(workspace, wanted, "lena@larkfield.example", now=now)

    return create


@pytest.fixture
def send(workspace: Workspace) -> Callable[..., None]:
    """Records events in one batch."""

    def send_all(*events: Entry, fold: bool = True) -> None:
        record(workspace.lane, list(events))
        if fold:
            fold_all()

    return send_all


def spend(at: datetime, cost: str | None = "10", **fields: Any) -> Entry:
    """An event at a time."""
    return entry(fields.pop("event_id", None), cost=cost, timestamp=at, **fields)


@pytest.fixture(autouse=True)
def fresh_memory() -> Iterator[None]:
    """What the watch remembers of a rolled-back test is not there in the next."""
    yield
    index.forget()
    names.forget()


def look(now: datetime = NOW) -> None:
    """What the worker does twice a second."""
    fold_all()
    watch.watch_all(now, 30)


def incidents() -> list[Incident]:
    """Those of budgets, oldest first."""
    return list(Incident.objects.filter(kind="budget").order_by("opened_at", "pk"))


def thresholds(incident: Incident) -> list[float]:
    """What was told of a period, in this order."""
    return [one["threshold"] for one in incident.facts["crossings"]]
