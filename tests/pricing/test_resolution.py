"""Which line of the book a call is billed by: every line here has a price of its own, so that a cost names its line."""

from decimal import Decimal

import pytest

from costwatch.pricing.specs import Alias, Version
from costwatch.pricing.usage import CostSource
from tests.pricing.small import DAY, book_of, call, said

pytestmark = pytest.mark.thorough
M = 1_000_000


def rates(**lines):
    """A book: "provider/model[/region[/tier]]" with _ for a blank -> USD per million tokens of input."""
    keys = {tuple("" if part == "_" else part for part in name.split("/")): usd for name, usd in lines.items()}
    return book_of({key: {"input": usd} for key, usd in keys.items()})


def rate(book, model, provider=None, **fields) -> Decimal | None:
    return book.price(call(M, None, model, provider=provider, **fields)).cost


REGIONS = rates(**{
    "openai/m": 1, "openai/m/regional": 2, "openai/m/_/batch": 3, "openai/m/regional/batch": 4, "openai/n": 5,
    "openai/n/_/batch": 6, "openai/n/regional": 7, "openai/n/_/priority": 8,
    "azure/m": 11, "azure/m/datazone": 12, "azure/m/datazone-eu": 13, "azure/n": 14, "azure/n/datazone": 15,
    "bedrock/anthropic.claude-9/regional": 21, "bedrock/anthropic.claude-9/global": 22,
    "bedrock/amazon.nova-9": 23, "bedrock/anthropic.claude-8/regional": 24,
    "anthropic/claude-9": 31, "anthropic/claude-9/us": 32,
})  # fmt: skip


@pytest.mark.parametrize(
    ("provider", "model", "fields", "line"),
    [
        ("openai", "m", {}, 1),
        ("openai", "m", {"region": "eu"}, 2),
        ("openai", "m", {"region": "EU "}, 2),
        ("openai", "m", {"region": "worldwide"}, 1),
        ("openai", "m", {"batch": True}, 3),
        ("openai", "m", {"region": "eu", "batch": True}, 4),
        ("openai", "m", {"region": "eu", "service_tier": "flex"}, 2),
        ("openai", "m", {"service_tier": "PRIORITY"}, 1),
        ("openai", "n", {"service_tier": "PRIORITY "}, 8),
        ("openai", "n", {"service_tier": "priority", "batch": True}, 6),
        ("openai", "n", {"region": "eu", "batch": True}, 7),  # the place goes before the tier
        ("azure", "m", {"region": "eu"}, 13),
        ("azure", "m", {"region": "us"}, 12),
        ("azure", "n", {"region": "eu"}, 15),
        ("azure", "n", {"region": "swedencentral"}, 14),
        ("azure", "n", {"region": "EU Data Zone"}, 15),
        ("azure", "azure/eu/m", {}, 13),
        ("azure", "azure/us/m", {"region": "global"}, 11),
        ("bedrock", "anthropic.claude-9", {}, 21),
        ("bedrock", "us-gov.anthropic.claude-9-v1:0", {}, 21),
        ("bedrock", "global.anthropic.claude-9-v1:0", {}, 22),
        ("bedrock", "anthropic.claude-9", {"region": "global"}, 22),
        ("bedrock", "claude-9", {}, 21),
        ("bedrock", "apac.amazon.nova-9-v1:0:300k", {}, 23),
        ("bedrock", "global.amazon.nova-9", {}, 23),
        ("bedrock", "global.anthropic.claude-8", {}, 24),  # nothing else is known
        ("anthropic", "claude-9", {"region": "us"}, 32),
        ("anthropic", "claude-9", {"region": "us-east1"}, 32),
        ("anthropic", "claude-9", {"region": "eu"}, 31),
    ],
)
def test_a_region_and_a_tier_have_the_closest_line(provider, model, fields, line):
    assert rate(REGIONS, model, provider, **fields) == line


SELLERS = book_of(
    {
        ("openai", "gpt-9"): {"input": 1},
        ("openai", "gpt-9-2026-01-02"): {"input": 2},
        ("openai", "ft:gpt-9"): {"input": 3},
        ("azure", "gpt-8"): {"input": 4},
        ("anthropic", "claude-9"): {"input": 5},
        ("google", "gemini-9"): {"input": 6},
        ("google", "gemma-9"): {"input": 0},
        ("vertex", "mistral-9"): {"input": 7},
        ("openrouter", "openai/gpt-9"): {"input": 8},
        ("openrouter", "openai/gpt-9:free"): {"input": 0},
        ("groq", "openai/oss-9"): {"input": 9},
        ("together", "shared-9"): {"input": 10},
        ("fireworks", "shared-9"): {"input": 11},
        ("together", "only-9"): {"input": 12},
        ("xai", "grok-9"): {"input": 13},
        ("azure", "gpt-9"): [Version(DAY, None, said(input=14))],
    },
    [Alias("openai", "chat-latest", "gpt-9")],
)


@pytest.mark.parametrize(
    ("provider", "model", "line"),
    [
        ("openai", "gpt-9", 1),
        ("OPENAI ", " GPT-9 ", 1),
        ("openai_chat", "openai/gpt-9", 1),
        ("openai", "chat-latest", 1),
        ("openai", "gpt-9-2026-05-06", 1),
        ("openai", "gpt-9-20260506", 1),
        ("openai", "gpt-9-0506", 1),
        ("openai", "gpt-9-2605", 1),
        ("openai", "gpt-9-2026-01-02", 2),  # a dated one with a price of its own
        ("openai", "gpt-9-20260102", 1),  # which is written otherwise
        ("openai", "gpt-9-2026-13-02", None),  # no month
        ("openai", "gpt-9-2026", None),  # no date
        ("openai", "ft:gpt-9:acme::abc", 3),
        ("openai", "ft:gpt-9-2026-05-06:acme::abc", 3),
        ("azure", "gpt-9.ft-0a1b", 3),
        ("openai", "ft:gpt-8:acme::abc", None),
        ("azure", "gpt-8", 4),
        ("azure", "claude-9", 5),
        ("azure", "grok-9", 13),
        ("azure", "gemini-9", None),  # Microsoft does not sell it
        ("vertex", "gemini-9", 6),
        ("vertex", "claude-9", 5),
        ("vertex", "claude-9@20260506", 5),
        ("vertex", "claude-9@default", 5),
        ("vertex", "publishers/anthropic/models/claude-9", 5),
        ("google", "mistral-9", 7),
        ("google", "gemma-9", 0),
        ("vertex", "gemma-9", None),  # given away by its maker only
        ("openrouter", "openai/gpt-9", 8),
        ("openrouter", "openrouter/openai/gpt-9", 8),
        ("openrouter", "gpt-9", None),
        ("openrouter", "openai/gpt-9:free", 0),
        ("groq", "openai/oss-9", 9),
        ("groq", "groq/openai/oss-9", 9),
        ("nobody", "gpt-9", None),
        ("openai", "gpt-9-mini", None),
        ("openai", "gpt", None),
        ("openai", "", None),
        ("openai", "openai/", None),
        # programs in between: the name tells whose price it is
        ("litellm", "azure/gpt-8", 4),
        ("litellm", "gpt-9", 1),
        ("portkey", "claude-9", 5),
        ("gateway", "litellm/openai/gpt-9", 1),
        (None, "gpt-9", 1),
        (None, "openai/gpt-9", 1),
        (None, "azure/gpt-8", 4),
        (None, "gpt-8", 4),  # one seller only
        (None, "only-9", 12),
        (None, "shared-9", None),  # two sellers, two prices: no guess
        (None, "together_ai/shared-9", 10),
        (None, "fireworks_ai/shared-9", 11),
        (None, "nobody/gpt-9", None),
    ],
)  # fmt: skip
def test_a_model_is_billed_by_the_seller_that_is_named_or_the_only_one_that_can_be_meant(provider, model, line):
    priced = SELLERS.price(call(M, None, model, provider=provider))
    assert priced.cost == line
    assert (priced.source is CostSource.UNPRICED) == (line is None)


def test_a_seller_that_had_no_price_yet_is_not_billed_by_its_makers():
    early = SELLERS.price(call(M, None, "gpt-9", provider="azure", timestamp=DAY.replace(year=2025)))
    assert (early.cost, rate(SELLERS, "gpt-9", "azure")) == (None, 14)


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("gpt-9", "openai"), ("azure/gpt-9", "azure"), ("vertex_ai/claude-9", "vertex"), ("claude-9", "anthropic"),
        ("chat-latest", "openai"), ("only-9", "together"), ("shared-9", None), ("unheard-of", None),
        ("ollama/unheard-of", "ollama"), ("litellm/gpt-9", "openai"), ("", None), ("GPT-9-20260506", "openai"),
    ],
)  # fmt: skip
def test_who_is_billed_is_told_by_the_name_where_it_is_clear(model, provider):
    assert SELLERS.provider_of(model) == provider


@pytest.mark.parametrize("provider", ["ollama", "vllm", "hosted_vllm", "lm_studio", "llama.cpp", "local", "llamafile"])
def test_on_machines_of_ones_own_nothing_is_billed_whatever_runs_there(provider):
    for fields in ({}, {"units": {"web_search": 3}}, {"batch": True}, {"reported_cost": Decimal(5)}):
        priced = SELLERS.price(call(M, M, "gpt-9", provider=provider, **fields))
        assert (priced.cost, priced.source, priced.price_version) == (0, CostSource.FREE, None)


@pytest.mark.parametrize("model", ["big:120b-cloud", "Big-Cloud", "big:cloud"])
def test_what_ollama_runs_in_its_cloud_is_billed_and_so_not_free(model):
    assert SELLERS.price(call(M, M, model, provider="ollama")).source is CostSource.UNPRICED


@pytest.mark.parametrize(
    ("provider", "model", "source"),
    [
        ("openrouter", "openai/gpt-9", CostSource.REPORTED),
        ("open-router", "never/heard", CostSource.REPORTED),
        (None, "openrouter/never/heard", CostSource.REPORTED),
        ("openai", "gpt-9", CostSource.CATALOG),
        ("openai", "never-heard", CostSource.UNPRICED),
        ("nobody", "gpt-9", CostSource.UNPRICED),
    ],
)
def test_only_openrouter_is_believed_without_being_trusted(provider, model, source):
    priced = SELLERS.price(call(M, None, model, provider=provider, reported_cost=Decimal("0.5")))
    assert priced.source is source
    assert (priced.cost == Decimal("0.5")) == (source is CostSource.REPORTED)


def test_a_report_is_rounded_to_twelve_places_half_to_even():
    for sent, kept in (("0.0000000000005", "0"), ("0.0000000000015", "0.000000000002"), ("1E-13", "0")):
        told = SELLERS.price(call(0, 0, "x", provider="openrouter", reported_cost=Decimal(sent)))
        assert told.cost == Decimal(kept)


def test_the_second_call_of_a_name_costs_what_the_first_one_did():
    for _ in range(2):
        assert [rate(SELLERS, name, "openai") for name in ("gpt-9", "GPT-9", "gpt-9-0506", "never")] == [1, 1, 1, None]


def test_a_price_is_described_with_what_it_is_for():
    priced = REGIONS.price(call(M, None, "m", provider="openai", region="eu", batch=True))
    told = REGIONS.describe(priced.price_version)
    assert (told["provider"], told["model"], told["region"], told["tier"]) == ("openai", "m", "regional", "batch")
    assert REGIONS.describe(10**9) is None
