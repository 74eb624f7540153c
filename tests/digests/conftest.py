"""A workspace with three weeks of usage around a week in November, its members and a channel."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from costwatch.accounts.models import Member, Role, Workspace
from costwatch.alerts import channels
from costwatch.ledger.fold import fold_all
from costwatch.ledger.record import record
from tests.ledger.make import entry

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 25, 13, 0, tzinfo=UTC)  # a Wednesday; last week were the days from 16 to 22 November
MONDAY = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)  # 8:00 in Berlin, when last week's digest is due


@pytest.fixture
def workspace(db) -> Workspace:
    return Workspace.objects.create(name="Larkfield Support", time_zone="Europe/Berlin")


@pytest.fixture
def ann(workspace) -> Member:
    return Member.objects.create(workspace=workspace, email="ann@larkfield.example", role=Role.VIEWER, password="!")


@pytest.fixture
def hook(workspace):
    data = {"kind": "webhook", "name": "ops", "url": "https://hooks.example.org/x", "is_default": False}
    return channels.create(workspace, data)[0]


@pytest.fixture
def weeks(workspace):
    """$10 a day of triage; from 16 to 22 November $6 a day of reasoning beside it; three calls without a price."""
    days = [datetime(2026, 11, 2, 12, tzinfo=BERLIN) + timedelta(days=n) for n in range(23)]
    entries = [entry(timestamp=day.astimezone(UTC), cost="10") for day in days]
    entries += [
        entry(timestamp=day.astimezone(UTC), cost="6", agent_id="reasoning", model="claude-opus-5-5")
        for day in days[14:21]
    ]
    entries += [
        entry(timestamp=days[16].astimezone(UTC), cost=None, model="<b>preview</b>", upper_bound=Decimal(2))
        for _ in range(3)
    ]
    record(workspace.lane, entries)
    fold_all()
