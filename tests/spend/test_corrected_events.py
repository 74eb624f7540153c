"""Events after repricing: what they cost now, and what they were recorded as."""

from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from costwatch.ledger.record import record
from costwatch.ledger.reprice import reprice
from costwatch.pricing import agree, book
from costwatch.pricing.agreements import parse
from costwatch.spend.events import event, events
from costwatch.spend.filters import SpendFilter
from tests.ledger.make import NOW, entry

pytestmark = pytest.mark.django_db
SPAN = (NOW - timedelta(days=1), NOW + timedelta(days=1))


@pytest.fixture(autouse=True)
def fresh_book():
    book.forget()
    yield
    book.forget()


def agreed(workspace, **fields):
    fields = {"provider": "acme", "model": "m", **fields}
    return agree.add(workspace, parse(fields, ZoneInfo("UTC")), "ek@l.example")


def repriced(workspace, reason="new quote"):
    prices = book.fresh().for_workspace(workspace.lane)
    return reprice(workspace.lane, *SPAN, prices, reason=reason, apply=True)


def test_an_event_that_was_never_corrected_says_so(workspace):
    record(workspace.lane, [entry("e", cost="1")])
    assert event(workspace, "e")["recorded"] is None


def test_a_late_price_shows_the_cost_with_its_price_and_parts_and_that_it_was_unpriced(workspace):
    record(workspace.lane, [entry("e", model="m", provider="acme", cost=None, upper_bound=Decimal(9),
                                  input_tokens=1_000_000, output_tokens=0)])  # fmt: skip
    agreed(workspace, input=4, output=18)
    repriced(workspace)
    told = event(workspace, "e")
    assert (Decimal(told["cost_usd"]), told["cost_source"], told["upper_bound_usd"]) == (4, "override", None)
    assert told["price"]["model"] == "m" and told["price"]["override"]
    assert [(part["component"], Decimal(part["cost_usd"])) for part in told["cost_parts"]] == [("input", 4)]
    was = told["recorded"]
    assert (was["cost_usd"], was["cost_source"], was["reason"]) == (None, "unpriced", "new quote")


def test_several_corrections_add_up_and_the_last_one_says_where_the_cost_comes_from(workspace):
    record(workspace.lane, [entry("e", model="m", provider="acme", cost="1", input_tokens=1_000_000, output_tokens=0)])
    for usd in (4, 7, 5):
        agreed(workspace, input=usd, output=usd)
        repriced(workspace, f"quote of {usd}")
    (told,) = events(workspace, SpendFilter(*SPAN, {}, {})).items
    assert Decimal(told["cost_usd"]) == 5
    assert Decimal(told["recorded"]["cost_usd"]) == 1 and told["recorded"]["reason"] == "quote of 5"


def test_an_event_that_is_free_now_costs_nothing(workspace):
    record(workspace.lane, [entry("e", model="m", provider="acme", cost="1")])
    agreed(workspace, free=True)
    repriced(workspace)
    told = event(workspace, "e")
    assert (Decimal(told["cost_usd"]), told["cost_source"], told["cost_parts"]) == (0, "free", [])


def test_a_price_that_was_taken_back_leaves_no_cost(workspace):
    version = agreed(workspace, input=4, output=4)
    record(workspace.lane, [entry("e", model="m", provider="acme", cost="1", price_version=version.pk)])
    agree.end(version, SPAN[0], "ek@l.example")
    repriced(workspace)
    told = event(workspace, "e")
    assert (told["cost_usd"], told["cost_source"], told["price"]) == (None, "unpriced", None)
    assert Decimal(told["recorded"]["cost_usd"]) == 1


def test_net_and_list_cost_are_both_told(workspace):
    record(
        workspace.lane,
        [entry("e", model="m", provider="acme", cost="0.85", list_cost=Decimal(1)), entry("f", cost="2")],
    )
    assert Decimal(event(workspace, "e")["list_cost_usd"]) == 1
    assert Decimal(event(workspace, "f")["list_cost_usd"]) == 2
