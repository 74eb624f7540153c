"""Our prices against two tables: the package they come from, and one that was made independently."""

import tomllib
from datetime import UTC, datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from genai_prices import Usage as PackageUsage
from genai_prices.data import providers

from costwatch.pricing.names import canonical_provider
from costwatch.pricing.usage import Usage
from tests.pricing.witness import Disagreement, disagreements

pytestmark = pytest.mark.thorough
REVIEWED = tomllib.loads((Path(__file__).parent / "reviewed.toml").read_text())["reviewed"]
CORRECTED = {
    "deepseek": {"deepseek-chat", "deepseek-reasoner", "deepseek-v3.2", "deepseek-v4-flash", "deepseek-v4-pro"},
    "anthropic": {"claude-sonnet-4-0"},
    "google": {"claude-4-sonnet", "gemini-3.6-flash", "gemini-1.5-pro", "gemini-2.5-flash-preview"},
    "aws": {
        f"{where}.anthropic.claude-sonnet-4{version}-v1:0"
        for where in ("global", "regional")
        for version in ("-20250514", "-5-20250929")
    },
    "x-ai": {"grok-4.5"},
    "openai": {"ft:gpt-3.5-turbo-"},  # its id is the beginning of a name
}


@pytest.mark.parametrize("at", [datetime(2026, 1, 5, 16, 40, tzinfo=UTC), datetime(2026, 11, 5, 16, 40, tzinfo=UTC)])
@pytest.mark.parametrize("tokens", [1000, 250_000])
def test_every_model_of_the_package_costs_what_the_package_says_unless_corrected(book, at, tokens):
    different = set()
    for provider in providers:
        for model in provider.models:
            prices = model.get_prices(at)
            if prices.input_mtok is None or model.id in CORRECTED.get(provider.id, ()):
                continue
            counts = {"input_tokens": tokens, "output_tokens": 500}
            counts |= {"cache_read_tokens": 300} if prices.cache_read_mtok is not None else {}
            theirs = prices.calc_price(PackageUsage(**counts))["total_price"]
            ours = book.price(_usage(provider.id, model.id, at, counts)).cost
            if ours is None or abs(ours - theirs) > Decimal("1e-12"):
                different.add((provider.id, model.id, ours, theirs))
    assert not different


def _usage(provider: str, model: str, at: datetime, counts: dict[str, int]) -> Usage:
    seller = "vertex" if provider == "google" and model.startswith("claude") else canonical_provider(provider)
    name = model.replace("regional.", "us.") if provider == "aws" else model
    tokens = {"input_tokens": counts["input_tokens"], "output_tokens": counts["output_tokens"]}
    return Usage(
        model=name, provider=seller, timestamp=at, **tokens, cached_input_tokens=counts.get("cache_read_tokens")
    )


@pytest.fixture(scope="module")
def found(book) -> list[Disagreement]:
    return list(disagreements(book))


def _listed(found: Disagreement, row: list) -> bool:
    provider, pattern, units = row
    return found.provider == provider and found.unit in units and fnmatchcase(found.model, pattern)


def test_a_disagreement_with_the_second_witness_was_reviewed(found):
    rows = [row for review in REVIEWED for row in review["prices"]]
    assert [each for each in found if not any(_listed(each, row) for row in rows)] == []


def test_a_reviewed_disagreement_still_is_one(found):
    rows = [row for review in REVIEWED for row in review["prices"]]
    assert [row for row in rows if not any(_listed(each, row) for each in found)] == []


def test_the_witness_agrees_on_almost_everything(found):
    assert len({(each.provider, each.model) for each in found}) < 50
