"""Agreed prices over the catalogue: which one decides, what it comes to, and that both costs are kept."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from costwatch.accounts.models import Workspace
from costwatch.pricing import agree, book
from costwatch.pricing.usage import CostSource, Priced
from tests.pricing.overrides.conftest import agreed, cost, price, usage

pytestmark = pytest.mark.django_db


def test_a_workspace_without_agreements_sees_the_catalogue_itself(workspace):
    assert book.fresh().for_workspace(workspace.pk) is book.current()


def test_an_override_is_what_counts_and_the_list_cost_is_kept(workspace):
    version = agreed(workspace, input="1.5", output=6)
    told = price(workspace)
    assert told == Priced(Decimal("1.5"), CostSource.OVERRIDE, version.pk, Decimal(0), Decimal(2))
    elsewhere = Workspace.objects.create(name="Elsewhere")
    assert cost(elsewhere) == 2


@pytest.mark.parametrize("fields", [{"multiplier": "0.85"}, {"discount_percent": 15}, {"discount_percent": "15.0"}])
def test_a_discount_is_so_much_of_the_list_price_rounded_once(workspace, fields):
    agreed(workspace, **fields)
    told = price(workspace, input_tokens=7)
    assert (told.cost, told.list_cost) == (Decimal("0.0000119"), Decimal("0.000014"))
    assert told.source is CostSource.OVERRIDE


def test_a_provider_wide_discount_spares_what_has_its_own_agreement(workspace):
    agreed(workspace, model="*", multiplier="0.5")
    agreed(workspace, model="small", multiplier="0.9")
    assert (cost(workspace), cost(workspace, "small")) == (1, Decimal("0.9"))
    assert cost(workspace, provider="openrouter") == 2


def test_free_is_zero_on_purpose(workspace):
    agreed(workspace, model="own-*", free=True)
    told = price(workspace, "own-llama")
    assert (told.cost, told.source) == (Decimal(0), CostSource.FREE)


def test_the_most_special_agreement_decides(workspace):
    agreed(workspace, model="*", provider="", multiplier="0.1")
    agreed(workspace, model="l*", multiplier="0.2")
    agreed(workspace, model="lar*", multiplier="0.3")
    assert cost(workspace) == Decimal("0.6")
    agreed(workspace, model="large-latest", multiplier="0.4")
    assert cost(workspace) == cost(workspace, "large-latest") == Decimal("0.8")
    agreed(workspace, multiplier="0.5")
    assert (cost(workspace), cost(workspace, "large-latest")) == (1, Decimal("0.8"))


def test_another_name_of_the_same_model_is_meant_and_a_dated_one_with_a_price_of_its_own_is_not(workspace):
    agreed(workspace, input="1.5", output=6)
    assert cost(workspace, "large-latest") == cost(workspace, "models/large") == Decimal("1.5")
    assert cost(workspace, "large-20260101") == Decimal("1.5")
    assert price(workspace, "large-2025-01-02").source is CostSource.CATALOG


def test_an_answer_of_a_model_that_nobody_knows_is_never_free_unsaid(workspace):
    agreed(workspace, model="acme-next", input=4)
    assert cost(workspace, "acme-next") == 4
    assert price(workspace, "acme-next", output_tokens=10).source is CostSource.UNPRICED
    agreed(workspace, model="acme-next", input=4, output=0)
    assert cost(workspace, "acme-next", output_tokens=10) == 4


def test_a_model_that_nobody_knows_gets_its_price_also_without_a_provider(workspace):
    assert cost(workspace, "acme-next") is None
    agreed(workspace, model="acme-next", input=4, output=18)
    assert cost(workspace, "acme-next") == cost(workspace, "acme-next", provider=None) == 4
    assert price(workspace, "acme-next").list_cost is None


def test_an_agreement_holds_within_its_dates(workspace):
    agreed(workspace, input=1, output=1, valid_from="2026-11-10", valid_until="2026-11-20")
    at = datetime(2026, 11, 9, 23, tzinfo=UTC)  # midnight in Berlin
    assert cost(workspace, at=at) == 1
    assert cost(workspace, at=at - timedelta(microseconds=1)) == 2
    assert cost(workspace, at=datetime(2026, 11, 19, 23, tzinfo=UTC)) == 2


def test_a_standard_price_leaves_the_batch_price_of_the_catalogue_alone(workspace):
    agreed(workspace, input="1.5", output=6)
    assert cost(workspace, batch=True) == 1
    assert cost(workspace, service_tier="priority") == Decimal("1.5")  # no price of its own in the catalogue
    agreed(workspace, input="0.7", output=3, tier="batch")
    assert cost(workspace, batch=True) == Decimal("0.7")


def test_a_discount_holds_for_every_tier_unless_one_is_named(workspace):
    agreed(workspace, multiplier="0.5")
    assert cost(workspace, batch=True) == Decimal("0.5")
    agreed(workspace, multiplier="0.9", tier="batch")
    assert (cost(workspace, batch=True), cost(workspace)) == (Decimal("0.9"), 1)


def test_a_trusted_report_leads_and_openrouter_is_trusted_from_the_start(workspace):
    agreed(workspace, provider="", input=1, output=1)
    report = {"reported_cost": Decimal("0.123")}
    assert price(workspace, provider="openrouter", **report).source is CostSource.REPORTED
    assert price(workspace, **report).source is CostSource.OVERRIDE
    agree.trust(workspace, "acme", True, "ek@l.example")
    assert price(workspace, **report) == Priced(Decimal("0.123"), CostSource.REPORTED, None, Decimal(0))
    agree.trust(workspace, "acme", False, "ek@l.example")
    assert price(workspace, **report).source is CostSource.OVERRIDE


def test_a_fee_that_nothing_is_agreed_on_is_that_of_the_catalogue(workspace):
    agreed(workspace, input=1, output=1)
    call = usage(units={"web_search": Decimal(3)})
    prices = book.fresh().for_workspace(workspace.pk)
    told = prices.price(call)
    assert (told.cost, told.source) == (Decimal("1.03"), CostSource.OVERRIDE)
    assert {part.component: part.cost for part in prices.parts(call, told)} == {
        "input": 1,
        "web_search": Decimal("0.03"),
    }


def test_the_parts_of_a_discounted_call_add_up_with_the_discount_as_one_of_them(workspace):
    agreed(workspace, multiplier="0.85")
    call = usage(output_tokens=500_000)
    prices = book.fresh().for_workspace(workspace.pk)
    told = prices.price(call)
    parts = prices.parts(call, told)
    assert [part.component for part in parts] == ["input", "output", "discount"]
    assert sum(part.cost for part in parts) == told.cost == Decimal("5.1")
    assert prices.describe(told.price_version)["model"] == "large"


def test_a_call_of_unknown_usage_stays_unknown(workspace):
    agreed(workspace, input=1, output=1)
    assert price(workspace, input_tokens=None, output_tokens=None).source is CostSource.USAGE_UNKNOWN
    agreed(workspace, multiplier="0.5")
    assert price(workspace, input_tokens=None, output_tokens=None).source is CostSource.USAGE_UNKNOWN


def test_a_context_threshold_can_be_agreed_on(workspace):
    components = [
        {"unit": "input", "price": 1},
        {"unit": "output", "price": 1},
        {"unit": "input", "price": "2", "threshold": 100},
    ]
    agreed(workspace, components=components)
    assert cost(workspace, input_tokens=100) == Decimal("0.0001")
    assert cost(workspace, input_tokens=101) == Decimal("0.000202")
