"""Another time zone cuts the past days anew, in the same transaction as the setting."""

from datetime import UTC, date, datetime

import pytest

from costwatch.accounts.models import AuditEntry, Member, Role, Workspace
from costwatch.ledger.fold import fold_all
from costwatch.ledger.models import SpendDay
from costwatch.ledger.record import record
from costwatch.ledger.verify import verify
from tests.ledger.make import entry

LATE = datetime(2026, 11, 18, 23, 30, tzinfo=UTC)  # already the 19th in Berlin


@pytest.fixture
def workspace(db):
    return Workspace.objects.create(name="Larkfield", time_zone="UTC")


def days(workspace):
    return set(SpendDay.objects.filter(lane=workspace.lane).values_list("day", flat=True))


def test_a_new_zone_moves_calls_to_the_day_they_belong_to_there(client, workspace):
    owner = Member.objects.create(workspace=workspace, role=Role.OWNER, email="o@l.example", password="!")
    record(workspace.lane, [entry(timestamp=LATE)])
    fold_all()
    assert days(workspace) == {date(2026, 11, 18)}
    client.force_login(owner)
    response = client.post(
        "/settings/workspace", {"name": "Larkfield", "time_zone": "Europe/Berlin", "week_start": "1"}
    )
    assert response.status_code == 302
    assert days(workspace) == {date(2026, 11, 19)}
    assert verify(deep=True).ok
    assert AuditEntry.objects.get().facts["after"]["time_zone"] == "Europe/Berlin"


def test_another_name_leaves_the_days_alone(client, workspace):
    owner = Member.objects.create(workspace=workspace, role=Role.OWNER, email="o@l.example", password="!")
    record(workspace.lane, [entry(timestamp=LATE)])
    fold_all()
    client.force_login(owner)
    client.post("/settings/workspace", {"name": "Larkfield Support", "time_zone": "UTC", "week_start": "7"})
    assert days(workspace) == {date(2026, 11, 18)}
