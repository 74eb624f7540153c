"""A workspace with a small price catalogue, members of it, calls without a price, and how its pages are read."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from costwatch.accounts.models import Member, Workspace
from costwatch.dashboards import unpriced
from costwatch.ledger import orders
from costwatch.ledger.fold import fold_all
from costwatch.ledger.record import record
from costwatch.pricing import book
from costwatch.pricing import catalogue as catalogues
from costwatch.pricing.agreements import parse
from costwatch.pricing.specs import Catalogue, Component, LineKey, Version
from tests.ledger.make import entry

CHANGE = datetime(2026, 10, 1, tzinfo=UTC)
PRICE = {"input": "4.00", "cached_input": "0.40", "output": "18", "valid_from": "2026-11-17", "match": "exact"}


def chat(usd_in, usd_out, *more):
    return (Component("input", Decimal(usd_in)), Component("output", Decimal(usd_out)), *more)


@pytest.fixture(autouse=True)
def catalogue(db, monkeypatch):
    monkeypatch.setattr(book, "LOOK_EVERY", 0.001)
    search = Component("web_search", Decimal(10), 1000)
    above = Component("input", Decimal(9), threshold=200_000)
    lines = {
        LineKey("acme", "acme-large"): [
            Version(None, CHANGE, chat(5, 20)),
            Version(CHANGE, None, chat(4, 16, Component("cache_read", Decimal("0.4")), search, above)),
        ],
        LineKey("acme", "acme-large", "", "batch"): [Version(None, None, chat(2, 8))],
        LineKey("globex", "small"): [Version(None, None, chat("0.15", "0.6"))],
    }
    catalogues.store(Catalogue(lines, []), "acme-prices 1", "1", timezone.now())
    book.forget()
    yield
    book.forget()


@pytest.fixture
def workspace() -> Workspace:
    return Workspace.objects.create(name="Larkfield", time_zone="Europe/Berlin")


def browser(workspace, role):
    client = Client()
    client.force_login(Member.objects.create(workspace=workspace, role=role, email=f"{role}@l.example", password="!"))
    return client


@pytest.fixture
def admin(workspace):
    return browser(workspace, "admin")


@pytest.fixture
def viewer(workspace):
    return browser(workspace, "viewer")


@pytest.fixture
def calls(workspace):
    """Two unpriced calls of a new model and a priced one, a day apart."""
    unpriced.recount(workspace.lane)
    call = {"model": "acme-large-2", "provider": "acme", "task": "report", "cost": None, "upper_bound": Decimal("9.8"),
            "input_tokens": 1_000_000, "output_tokens": 100_000}  # fmt: skip
    record(workspace.lane, [entry("one", **call), entry("two", minutes=-1440, cached_input_tokens=500_000, **call),
                            entry("known", model="small", provider="globex", cost="3")])  # fmt: skip
    fold_all()
    yield
    unpriced.recount(workspace.lane)


def text(response, status=200):
    assert response.status_code == status, response.content[:800]
    return response.content.decode()


def work():
    orders.work(10)


def agreement(model, usd):
    return parse({"provider": "acme", "model": model, "input": usd, "output": usd}, ZoneInfo("UTC"))
