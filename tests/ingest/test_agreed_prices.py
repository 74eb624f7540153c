"""Events of a workspace that agreed on other prices: net and list cost are both stored; others pay the list price."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from costwatch.accounts.models import Workspace
from costwatch.ledger.models import UsageEvent
from costwatch.pricing import agree, book
from costwatch.pricing import catalogue as catalogues
from costwatch.pricing.agreements import parse
from costwatch.pricing.specs import Catalogue, Component, LineKey, Version
from costwatch.pricing.usage import CostSource
from ingest.accept import accept_events

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)
CALL = {"model": "large", "provider": "acme", "input_tokens": 1_000_000, "output_tokens": 0}


@pytest.fixture(autouse=True)
def catalogue(db):
    components = (Component("input", Decimal(2)), Component("output", Decimal(8)))
    catalogues.store(Catalogue({LineKey("acme", "large"): [Version(None, None, components)]}, []), "r", "1", NOW)
    book.forget()
    yield
    book.forget()


def stored(workspace, **fields) -> UsageEvent:
    book.fresh()
    assert accept_events(workspace.lane, [{**CALL, **fields}], NOW).accepted == 1
    return UsageEvent.objects.filter(lane=workspace.lane).latest("received_at")


def agreed(name, **fields) -> Workspace:
    workspace = Workspace.objects.create(name=name)
    agree.add(workspace, parse({"provider": "acme", "model": "large", **fields}, ZoneInfo("UTC")), "x")
    return workspace


def test_a_discounted_call_is_stored_with_its_net_and_its_list_cost():
    event = stored(agreed("Larkfield", discount_percent=15))
    assert (event.cost, event.list_cost, event.cost_source) == (Decimal("1.7"), 2, CostSource.OVERRIDE)


def test_an_agreed_price_too():
    event = stored(agreed("Larkfield", input=1, output=1))
    assert (event.cost, event.list_cost, event.cost_source) == (1, 2, CostSource.OVERRIDE)


def test_a_call_at_the_list_price_needs_no_second_cost():
    agreed("Larkfield", input=1, output=1)
    event = stored(Workspace.objects.create(name="Elsewhere"))
    assert (event.cost, event.list_cost, event.cost_source) == (2, None, CostSource.CATALOG)


def test_what_a_trusted_provider_reports_leads_over_what_is_agreed():
    workspace = agreed("Larkfield", input=1, output=1)
    agree.trust(workspace, "acme", True, "x")
    event = stored(workspace, cost_usd="0.5")
    assert (event.cost, event.cost_source) == (Decimal("0.5"), CostSource.REPORTED)


def test_a_price_with_too_many_zeros_stops_no_event_from_being_stored():
    workspace = agreed("Larkfield", components=[{"unit": "input", "price": 1_000_000, "per": 1}])
    event = stored(workspace)
    assert (event.cost, event.cost_source) == (None, CostSource.UNPRICED)
