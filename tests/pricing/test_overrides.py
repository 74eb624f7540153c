"""Agreed prices over the catalogue: which one decides, what it comes to, and that both costs are kept."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costwatch.accounts.models import AuditEntry, Workspace
from costwatch.pricing import agree, book
from costwatch.pricing import catalogue as catalogues
from costwatch.pricing.agreements import BadPrice, parse
from costwatch.pricing.models import PriceBook, PriceVersion
from costwatch.pricing.overrides import WorkspaceBook
from costwatch.pricing.specs import Alias, Catalogue, Component, LineKey, Version
from costwatch.pricing.usage import CostSource, Priced, Usage

pytestmark = pytest.mark.django_db
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


def test_a_new_agreement_ends_the_old_one_and_what_lasts_longer_goes_on(workspace):
    agreed(workspace, input=5, output=5)
    agreed(workspace, input=6, output=6, valid_from="2026-11-01", valid_until="2026-12-01")
    prices = [cost(workspace, at=datetime(2026, month, 15, tzinfo=UTC)) for month in (10, 11, 12)]
    assert prices == [5, 6, 5]
    assert agree.agreed(workspace).count() == 3


def test_what_held_stays_explainable_when_it_is_replaced_or_ended(workspace):
    first = agreed(workspace, input=5, output=5)
    agreed(workspace, input=6, output=6)
    assert book.fresh().describe(first.pk)["override"] is True
    first.refresh_from_db()
    assert first.withdrawn_at is not None


def test_an_agreement_can_be_ended_once(workspace):
    version = agreed(workspace, input=1, output=1)
    assert agree.end(version, NOW, "ek@l.example")
    assert not agree.end(version, NOW, "ek@l.example")
    assert (cost(workspace, at=NOW - timedelta(seconds=1)), cost(workspace)) == (1, 2)


def test_the_audit_log_says_who_what_and_why(workspace):
    agreed(workspace, input=1, output="4.50", source="Quote of 17 Nov")
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.facts["why"]) == ("ek@l.example", "price.added", "Quote of 17 Nov")
    assert entry.facts["price"] == "input $1 per 1M, output $4.5 per 1M"


def test_every_change_makes_the_processes_read_the_book_anew(workspace):
    before = PriceBook.objects.values_list("revision", flat=True).first() or 0
    version = agreed(workspace, input=1, output=1)
    agree.end(version, NOW, "x")
    assert PriceBook.objects.get().revision == before + 2


def test_a_sync_of_the_catalogue_leaves_agreements_alone(workspace):
    agreed(workspace, input=1, output=1)
    catalogues.store(Catalogue({}, []), "empty", "2", NOW)
    assert agree.agreed(workspace).get().valid_until is None
    catalogues.store(Catalogue({LineKey("acme", "large"): [Version(None, None, CHAT)]}, []), "again", "3", NOW)
    assert PriceVersion.objects.filter(line__workspace=workspace).count() == 1


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"input": "2,50"}, "input"),
        ({"input": "-1"}, "input"),
        ({"input": "NaN"}, "input"),
        ({"input": True}, "input"),
        ({"input": "1e9"}, "input"),
        ({"input": "0.0000000000001"}, "input"),
        ({"prices": {"inputs": 1}}, "prices.inputs"),
        ({"prices": [1]}, "prices"),
        ({}, "prices"),
        ({"input": 1, "free": "yes"}, "prices"),
        ({"free": "perhaps"}, "free"),
        ({"input": 1, "prices": {"input": 2}}, "prices"),
        ({"components": [{"unit": "input"}]}, "components[0].price"),
        ({"components": [{"unit": "?", "price": 1}]}, "components[0].unit"),
        ({"components": [{"unit": "input", "price": 1, "per": 0}]}, "components[0].per"),
        ({"components": "x"}, "components"),
        ({"multiplier": 11}, "multiplier"),
        ({"multiplier": "0.1234567"}, "multiplier"),
        ({"discount_percent": 101}, "discount_percent"),
        ({"input": 1, "model": " "}, "model"),
        ({"input": 1, "model": "x" * 201}, "model"),
        ({"input": 1, "provider": "a\0"}, "provider"),
        ({"input": 1, "tier": "gold"}, "tier"),
        ({"input": 1, "outptu": 8}, "outptu"),
        ({"input": 1, "valid_from": "17.11.2026"}, "valid_from"),
        ({"input": 1, "valid_from": "2026-11-17", "valid_until": "2026-11-17"}, "valid_until"),
    ],
)
def test_what_cannot_be_is_refused_with_its_field(fields, field):
    with pytest.raises(BadPrice) as refused:
        parse({"provider": "acme", "model": "large", **fields}, BERLIN)
    assert refused.value.field == field and refused.value.message


def test_fields_may_have_the_names_that_others_give_them(workspace):
    version = agreed(
        workspace, input_usd_per_million=2, output_per_1k="0.008", effective_from="2026-11-01", reason="why"
    )
    assert (version.source, version.valid_from) == ("why", datetime(2026, 10, 31, 23, tzinfo=UTC))
    assert cost(workspace, output_tokens=1_000_000) == 10


TOKENS = st.integers(0, 10**7)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2_000_000), TOKENS, TOKENS, st.integers(0, 50))
def test_a_discount_is_exact_to_twelve_places(multiplier, tokens_in, tokens_out, searches):
    share = Decimal(multiplier) / 1_000_000
    line = {"provider": "acme", "model": "large", "multiplier": str(share)}
    seen = _with(parse(line, BERLIN))
    units = {"web_search": Decimal(searches)} if searches else None
    told = seen.price(usage(input_tokens=tokens_in, output_tokens=tokens_out, units=units))
    exact = (Decimal(tokens_in) * 2 + Decimal(tokens_out) * 8) / 1_000_000 + Decimal(searches) / 100
    assert told.cost == round(exact * share, 12)
    assert told.list_cost == exact


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TOKENS, TOKENS, st.integers(0, 10**6), st.integers(0, 10**6))
def test_an_override_costs_what_it_says_and_more_tokens_never_cost_less(tokens_in, tokens_out, in_price, out_price):
    seen = _with(parse({"provider": "acme", "model": "large", "input": Decimal(in_price) / 10**5,
                        "output": Decimal(out_price) / 10**5, "source": "x"}, BERLIN))  # fmt: skip
    told = seen.price(usage(input_tokens=tokens_in, output_tokens=tokens_out)).cost
    assert told == (Decimal(tokens_in * in_price) + Decimal(tokens_out * out_price)) / 10**11
    assert seen.price(usage(input_tokens=tokens_in + 1, output_tokens=tokens_out)).cost >= told


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**5), st.integers(0, 10**5), st.booleans())
def test_the_parts_of_an_agreed_cost_add_up_to_it(rest, tokens_out, read, written, cached_price):
    prices = {"input": "1.234567", "output": "9.87654321", "cached_input": "0.1111111" if cached_price else ""}
    seen = _with(parse({"provider": "acme", "model": "large", **prices}, BERLIN))
    call = usage(input_tokens=rest + read + written, output_tokens=tokens_out, cached_input_tokens=read,
                 cache_write_tokens=written)  # fmt: skip
    told = seen.price(call)
    assert round(sum((part.cost for part in seen.parts(call, told)), Decimal(0)), 12) == told.cost


def _with(agreement) -> WorkspaceBook:
    workspace, _ = Workspace.objects.get_or_create(name="property")
    PriceVersion.objects.filter(line__workspace=workspace).delete()
    agree.add(workspace, agreement, "x")
    return book.fresh().for_workspace(workspace.pk)
