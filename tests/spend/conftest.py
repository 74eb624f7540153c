from collections.abc import Callable, Sequence

import pytest

from costwatch.accounts.models import Workspace
from costwatch.ledger import sheets
from costwatch.ledger.entry import Entry
from costwatch.ledger.fold import fold_all
from costwatch.ledger.record import record


@pytest.fixture
def workspace(db: None) -> Workspace:
    return Workspace.objects.create(name="Larkfield Support", time_zone="Europe/Berlin")


@pytest.fixture
def stored(workspace: Workspace) -> Callable[..., list[Entry]]:
    """Record entries, the first `folded` of them folded, in batches of 40; the newest `sheeted` days have sheets."""

    def store(entries: Sequence[Entry], folded: int | None = None, sheeted: int = 0) -> list[Entry]:
        cut = len(entries) if folded is None else folded
        _record(workspace.lane, entries[:cut])
        fold_all()
        if sheeted:
            assert sheets.make(sheeted, enough_events=1)
        _record(workspace.lane, entries[cut:])
        return list(entries)

    return store


def _record(lane: int, entries: Sequence[Entry]) -> None:
    for i in range(0, len(entries), 40):
        record(lane, entries[i : i + 40])
