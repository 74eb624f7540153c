"""A workspace in Berlin at a fixed time, members of it, and a few calls."""

from collections.abc import Callable
from decimal import Decimal

import pytest
import time_machine
from django.test import Client

from costwatch.accounts.models import Member, Role, Workspace
from costwatch.ledger.entry import Entry
from costwatch.ledger.fold import fold_all
from costwatch.ledger.record import record
from costwatch.pricing import book
from tests.ledger.make import NOW, entry

DAY = 24 * 60  # minutes, the unit of tests.ledger.make.entry


@pytest.fixture
def now():
    """Wed 18 Nov 2026 14:32:07 in Berlin; the clock of Python stands still there."""
    with time_machine.travel(NOW, tick=False):
        yield NOW


@pytest.fixture
def workspace(db) -> Workspace:
    return Workspace.objects.create(name="Larkfield Support", time_zone="Europe/Berlin")


@pytest.fixture
def stranger(db) -> Client:
    """Logged in to another workspace."""
    other = Workspace.objects.create(name="Somebody else", time_zone="UTC")
    return logged_in(other, "eve@else.example")


@pytest.fixture
def client(workspace: Workspace, now) -> Client:
    """Logged in as a viewer, the least of the roles."""
    return logged_in(workspace, "viewer@larkfield.example", Role.VIEWER)


@pytest.fixture
def viewer(filled: Workspace, now) -> Client:
    """The same of the workspace that a file of tests fills once."""
    return logged_in(filled, "viewer@larkfield.example", Role.VIEWER)


@pytest.fixture
def admin(workspace: Workspace, now) -> Client:
    return logged_in(workspace, "admin@larkfield.example", Role.ADMIN)


@pytest.fixture
def send(workspace: Workspace) -> Callable[..., None]:
    """Records entries of the workspace."""

    def record_all(*entries: Entry) -> None:
        record(workspace.lane, list(entries))

    return record_all


@pytest.fixture
def month(send) -> None:
    """Three agents over a month and four weeks before it: sums that can be worked out by hand."""
    send(
        entry(minutes=-10, agent_id="reasoning", cost="2", run_id="r-1", task="refund", user_id="u-1"),
        entry(minutes=-60, agent_id="reasoning", cost="3", run_id="r-1", task="refund", user_id="u-1"),
        entry(minutes=-5 * DAY, agent_id="triage", cost="1.25", run_id="r-2", task="route"),
        entry(minutes=-6 * DAY, agent_id=None, cost="0.50"),
        entry(minutes=-6 * DAY, agent_id="triage", cost=None, upper_bound=Decimal("0.25"), model="new-model"),
        entry(minutes=-28 * DAY - 120, agent_id="reasoning", cost="4", run_id="r-0"),
        entry(minutes=-30 * DAY, agent_id="lookup", cost="0.75"),
        # after this time of day four weeks earlier: not compared
        entry(minutes=-28 * DAY + 120, agent_id="reasoning", cost="100"),
    )
    fold_all()


def logged_in(workspace: Workspace, email: str, role: Role = Role.OWNER) -> Client:
    member = Member.objects.create(workspace=workspace, email=email, role=role)
    client = Client()
    client.force_login(member)
    return client


def priced(**fields) -> Entry:
    """An entry with the cost that the price book says."""
    made = entry(model="gpt-5-mini", **fields)
    price = book.current().price(made)
    made.cost, made.cost_source, made.price_version = price.cost, price.source, price.price_version
    return made
