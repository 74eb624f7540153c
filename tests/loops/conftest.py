"""A workspace, and runs sent to it as the edge records them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from costwatch.accounts.models import Workspace
from costwatch.ledger.entry import Entry
from costwatch.ledger.fold import fold_all
from costwatch.ledger.record import record
from costwatch.loops import watch
from tests.ledger.make import entry

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def workspace(db: None) -> Workspace:
    return Workspace.objects.create(name="Larkfield Support", time_zone="Europe/Berlin")


@pytest.fixture
def lane(workspace: Workspace) -> int:
    return workspace.lane


@pytest.fixture
def send(lane: int) -> Callable[..., None]:
    """Records calls in one batch, folds it and looks."""

    def send_all(*calls: Entry, look: bool = True) -> None:
        record(lane, list(calls))
        if look:
            fold_all()
            watch.watch_all(NOW, 10)

    return send_all


def looping(count: int, run: str = "r-loop", *, ago: float = 600, cost: str = "0.02", **more: object) -> list[Entry]:
    """A run that asks for the same order again and again and gets the same answer, five seconds apart."""
    repeat = {"tool": "get_order", "call_fingerprint": "order 7", "input_fingerprint": "pending", "cost": cost}
    return [call(run, n, ago - 5 * n, **(repeat | more)) for n in range(count)]


def working(count: int, run: str = "r-work", *, ago: float = 600, **more: object) -> list[Entry]:
    """A run that does something new with each call."""
    return [
        call(run, n, ago - 5 * n, tool="get_order", call_fingerprint=f"order {n}", input_fingerprint=f"{n}", **more)
        for n in range(count)
    ]


def call(run: str, number: int, ago: float, **fields: object) -> Entry:
    """A call `ago` seconds ago."""
    made = {"event_id": f"{run}.{number}", "run_id": run, "step": number, "task": "refund", "cost": "0.02", **fields}
    return entry(**(made | {"timestamp": NOW - timedelta(seconds=ago)}))
