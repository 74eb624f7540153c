"""A workspace at a fixed time, budgets in it, and usage that the watch has looked at."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from costwatch.accounts.models import Role, Workspace
from costwatch.budgets import index, manage, names, watch
from costwatch.budgets.models import Budget
from costwatch.ledger.entry import Entry
from costwatch.ledger.fold import fold_all
from costwatch.ledger.record import record
from tests.dashboards.conftest import logged_in
from tests.ledger.make import NOW, entry


@pytest.fixture
def editor(workspace: Workspace, now) -> Client:
    return logged_in(workspace, "lena@larkfield.example", Role.EDITOR)


@pytest.fixture
def make(workspace: Workspace, now) -> Callable[..., Budget]:
    """A budget of $100 a month unless told otherwise, made 200 days ago."""

    def create(days: int = 200, **data: Any) -> Budget:
        amount = {} if "amount_tokens" in data else {"amount_usd": "100"}
        wanted = {"name": "All agents", "period": "monthly", "allow_unseen": True, **amount, **data}
        return manage.create(workspace, wanted, "lena@larkfield.example", now=NOW - timedelta(days=days))

    return create


@pytest.fixture
def spend(workspace: Workspace, now) -> Callable[..., None]:
    """Records events: (days ago, dollars, labels), and has the watch look at them."""

    def record_all(*calls: tuple[float, str | None, dict[str, Any]]) -> None:
        events: list[Entry] = [entry(minutes=-24 * 60 * days, cost=cost, **labels) for days, cost, labels in calls]
        record(workspace.lane, events)
        look()

    return record_all


@pytest.fixture(autouse=True)
def fresh_memory() -> Iterator[None]:
    """What the watch and the cache remember of a rolled-back test is not there in the next."""
    cache.clear()
    yield
    index.forget()
    names.forget()


def look() -> None:
    """What the worker does twice a second."""
    fold_all()
    watch.watch_all(NOW, 30)


FORM = {
    "name": "All agents", "unit": "usd", "amount": "100", "period": "monthly", "thresholds": "50, 80, 100",
    "forecast_thresholds": "", "carry_over": "0", "action": "notify", "conditions": "0", "do": "save",
}  # fmt: skip
"""The form as a browser sends it."""
