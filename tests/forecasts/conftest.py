"""A workspace in Berlin that has spent ten dollars every day since August."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from costwatch.accounts.models import Workspace
from costwatch.ledger.fold import fold_all
from costwatch.ledger.record import record
from tests.ledger.make import entry

NOON = datetime(2026, 8, 1, 12, tzinfo=UTC)


@pytest.fixture
def workspace(db) -> Workspace:
    return Workspace.objects.create(name="Larkfield Support", time_zone="Europe/Berlin")


@pytest.fixture
def spend(workspace):
    """Records one call a day: `amounts` from a day in August 2026 on."""

    def record_days(amounts, first=0):
        made = [
            entry(f"day-{first + n}", timestamp=NOON + timedelta(days=first + n), cost=str(Decimal(amount)))
            for n, amount in enumerate(amounts)
        ]
        record(workspace.lane, made)
        fold_all()

    return record_days
