"""A workspace, a small catalogue that is stored, and prices agreed on over it."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from costwatch.accounts.models import Workspace
from costwatch.pricing import agree, book
from costwatch.pricing import catalogue as catalogues
from costwatch.pricing.agreements import parse
from costwatch.pricing.specs import Alias, Catalogue, Component, LineKey, Version
from costwatch.pricing.usage import Priced, Usage

NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
CHAT = (Component("input", Decimal(2)), Component("output", Decimal(8)))
SEARCH = (*CHAT, Component("web_search", Decimal(10), 1000))
HALF = (Component("input", Decimal(1)), Component("output", Decimal(4)))


@pytest.fixture
def workspace():
    return Workspace.objects.create(name="Larkfield", time_zone="Europe/Berlin")


@pytest.fixture(autouse=True)
def catalogue(db):
    lines = {
        LineKey("acme", "large"): [Version(None, None, SEARCH)],
        LineKey("acme", "large", "", "batch"): [Version(None, None, HALF)],
        LineKey("acme", "large-2025-01-02"): [Version(None, None, HALF)],
        LineKey("acme", "small"): [Version(None, None, HALF)],
        LineKey("openrouter", "large"): [Version(None, None, CHAT)],
    }
    catalogues.store(Catalogue(lines, [Alias("acme", "large-latest", "large")]), "test", "1", NOW)
    book.forget()
    yield
    book.forget()


def usage(model="large", provider="acme", at=NOW, **fields):
    counts = {"input_tokens": 1_000_000, "output_tokens": 0} | fields
    return Usage(model=model, provider=provider, timestamp=at, **counts)


def agreed(workspace, **fields):
    return agree.add(workspace, parse({"provider": "acme", "model": "large", **fields}, BERLIN), "ek@l.example")


def price(workspace, *args, **fields) -> Priced:
    return book.fresh().for_workspace(workspace.pk).price(usage(*args, **fields))


def cost(workspace, *args, **fields) -> Decimal | None:
    return price(workspace, *args, **fields).cost
