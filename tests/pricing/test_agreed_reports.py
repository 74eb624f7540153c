"""Whose word on a cost counts where prices were agreed, and many calls under many names."""

from decimal import Decimal

import pytest

from costwatch.pricing.usage import CostSource
from tests.pricing.small import agreed, agreement, book_of, call

pytestmark = pytest.mark.thorough
M = 1_000_000


@pytest.fixture(scope="module")
def book():
    return book_of({
        ("acme", "m"): {"input": 2, "output": 8}, ("acme", "gift"): {"input": 0}, ("acme", "embed"): {"input": "0.1"},
    })  # fmt: skip


class TestReported:
    def test_whoever_is_trusted_is_believed_before_any_agreement_under_all_its_names(self, book):
        seen = agreed(book, agreement("*", provider="", input=1, output=1), trusted=["mistral"])
        for provider in ("mistral", "mistral_ai", "MistralAI"):
            told = seen.price(call(M, 0, "x", provider=provider, reported_cost=Decimal("0.1234567890123")))
            assert (told.cost, told.source) == (Decimal("0.123456789012"), CostSource.REPORTED)
        assert seen.price(call(M, 0, reported_cost=Decimal(3))).source is CostSource.OVERRIDE

    def test_nothing_reported_is_also_a_report(self, book):
        priced = agreed(book, trusted=["acme"]).price(call(M, 0, reported_cost=Decimal(0)))
        assert (priced.cost, priced.source) == (0, CostSource.REPORTED)

    def test_openrouter_is_believed_over_an_agreement_and_explains_its_charge(self, book):
        seen = agreed(book, agreement("*", provider="openrouter", input=1, output=1))
        usage = call(M, 0, "acme/m", provider="openrouter", reported_cost=Decimal("0.5"))
        priced = seen.price(usage)
        assert (priced.cost, priced.source) == (Decimal("0.5"), CostSource.REPORTED)
        assert [(part.component, part.cost) for part in seen.parts(usage, priced)] == [("reported", Decimal("0.5"))]


def test_many_calls_are_priced_in_their_order(book):
    seen = agreed(book, agreement(input=1, output=1))
    usages = [call(n, 0, model) for n, model in enumerate(("m", "embed", "new", "gift", "m"))]
    assert seen.price_many(usages) == [seen.price(usage) for usage in usages]
    assert [told.source for told in seen.price_many(usages)] == [
        CostSource.OVERRIDE, CostSource.CATALOG, CostSource.UNPRICED, CostSource.FREE, CostSource.OVERRIDE,
    ]  # fmt: skip


def test_names_are_remembered_within_bounds(book, monkeypatch):
    monkeypatch.setattr("costwatch.pricing.overrides.RESOLVED_AT_MOST", 10)
    seen = agreed(book, agreement("m*", input=1, output=1))
    costs = [seen.price(call(M, 0, f"m{number % 25}")).cost for number in range(60)]
    assert set(costs) == {Decimal(1)} and len(seen._resolved) <= 10
