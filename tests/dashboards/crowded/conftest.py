"""A workspace that holds the field of usage (field.py), recorded once for all tests of a file, its tail not folded."""

from collections.abc import Iterator

import pytest
import time_machine
from django.db import transaction
from django.test import Client

from costwatch.accounts.models import Role, Workspace
from costwatch.ledger.entry import Entry
from costwatch.ledger.fold import fold_all
from costwatch.ledger.record import record
from tests.dashboards.conftest import logged_in
from tests.dashboards.crowded import field
from tests.ledger.make import NOW

TAIL = 40  # calls that no fold has seen: pages add them to the rollups


@pytest.fixture(scope="module")
def crowded(django_db_setup, django_db_blocker) -> Iterator[tuple[Workspace, list[Entry]]]:
    """The workspace and its calls; each test's own changes are undone, these after the last of the file."""
    with django_db_blocker.unblock(), transaction.atomic(), time_machine.travel(NOW, tick=False):
        workspace = Workspace.objects.create(name="Larkfield Support", time_zone="Europe/Berlin")
        calls = field.entries()
        for place in range(0, len(calls) - TAIL, 150):
            record(workspace.lane, calls[place : min(place + 150, len(calls) - TAIL)])
        fold_all()
        record(workspace.lane, calls[-TAIL:])
        yield workspace, calls
        transaction.set_rollback(True)


@pytest.fixture
def workspace(crowded, db) -> Workspace:
    found: Workspace = crowded[0]
    found.refresh_from_db()
    return found


@pytest.fixture
def calls(crowded) -> list[Entry]:
    found: list[Entry] = crowded[1]
    return found


@pytest.fixture
def owner(workspace: Workspace, now) -> Client:
    return logged_in(workspace, "owner@larkfield.example", Role.OWNER)
