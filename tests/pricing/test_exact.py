"""Any prices, any counts: the cost is that of a calculation in whole fractions, rounded once to 12 places.

The calculation here knows nothing of the engine: it deals out the tokens, kind after kind, and adds up fractions.
"""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costwatch.pricing.calculate import PriceAt
from costwatch.pricing.overrides import Override, OverrideAt
from costwatch.pricing.specs import Component, Version
from costwatch.pricing.timeline import Timeline
from costwatch.pricing.usage import CostSource
from tests.pricing.small import agreed, book_of, call

pytestmark = pytest.mark.thorough
WHOLES = {
    "cache_read": "input", "cache_write_5m": "input", "cache_write_1h": "cache_write_5m", "input_audio": "input",
    "input_image": "input", "reasoning": "output", "output_audio": "output", "output_image": "output",
}  # fmt: skip
COUNTED = {
    "cache_read": "cached_input_tokens", "cache_write_5m": "cache_write_tokens",
    "cache_write_1h": "cache_write_1h_tokens", "input_audio": "audio_input_tokens",
    "input_image": "image_input_tokens", "reasoning": "reasoning_tokens", "output_audio": "audio_output_tokens",
    "output_image": "image_output_tokens",
}  # fmt: skip
PRICES = st.decimals(0, 2000, places=9)
PER = st.sampled_from([1, 1000, 1_000_000, 3, 7_777])
Table = dict[str, Component]


@st.composite
def tables(draw, always=("input", "output")) -> Table:
    """unit -> what it costs; prompt and answer always have a price, and one of all is more than nothing."""
    kinds = {*always, *draw(st.sets(st.sampled_from(sorted(WHOLES))))}
    table = {kind: Component(kind, draw(PRICES), draw(PER)) for kind in sorted(kinds)}
    table["input"] = Component("input", draw(st.decimals("0.000000001", 2000, places=9)), draw(PER))
    return table


@st.composite
def counts(draw, most=10**7) -> dict[str, int]:
    """What was counted, every part inside its whole."""
    found = {}
    for whole, parts in (
        ("input", ["cache_read", "cache_write_5m", "cache_write_1h", "input_audio", "input_image"]),
        ("output", ["reasoning", "output_audio", "output_image"]),
    ):
        left = draw(st.integers(0, most))
        found[whole] = left
        for part in parts:
            found[part] = draw(st.integers(0, left) | st.just(0))
            left -= found[part]
    return found


def usage_of(counts: dict[str, int], **fields):
    parts = {COUNTED[kind]: count or None for kind, count in counts.items() if kind in COUNTED}
    return call(counts["input"], counts["output"], **parts, **fields)


def expected(counts: dict[str, int], table: Table) -> Fraction:
    rest = dict(counts)
    for part in ("cache_read", "cache_write_5m", "cache_write_1h", "input_audio", "input_image"):
        rest["input"] -= counts[part]
    for part in ("reasoning", "output_audio", "output_image"):
        rest["output"] -= counts[part]
    return sum((tokens * rate(kind, table) for kind, tokens in rest.items()), Fraction(0))


def rate(kind: str, table: Table) -> Fraction:
    while kind not in table:
        kind = WHOLES[kind]
    return Fraction(table[kind].price) / table[kind].per


def rounded(amount: Fraction) -> Decimal:
    """To 12 places, half to even, as Python rounds fractions."""
    return Decimal(round(amount * 10**12)).scaleb(-12)


def one_version(table: Table) -> list[Version]:
    return [Version(None, None, tuple(table.values()))]


@settings(max_examples=150)
@given(tables(), counts())
def test_a_call_costs_the_sum_of_its_tokens_to_the_last_place(table, counted):
    book = book_of({("acme", "m"): one_version(table)})
    usage = usage_of(counted)
    priced = book.price(usage)
    assert priced.cost == rounded(expected(counted, table))
    assert sum((part.tokens for part in book.parts(usage, priced)), 0) == counted["input"] + counted["output"]


@settings(max_examples=100)
@given(tables(), tables(), counts())
def test_an_agreed_price_costs_the_same_sum_and_keeps_that_of_the_catalogue_beside_it(ours, listed, counted):
    book = book_of({("acme", "m"): one_version(listed)})
    version = OverrideAt(77, tuple(ours.values()))
    seen = agreed(book, Override("acme", "m", "", "standard", Timeline([(None, None, version)])))
    priced = seen.price(usage_of(counted))
    assert (priced.cost, priced.list_cost) == (rounded(expected(counted, ours)), rounded(expected(counted, listed)))
    assert (priced.source, priced.price_version) == (CostSource.OVERRIDE, 77)


@settings(max_examples=100)
@given(tables(), counts(), st.integers(0, 2_000_000))
def test_a_discount_is_so_much_of_the_exact_sum_and_rounded_once(table, counted, millionths):
    book = book_of({("acme", "m"): one_version(table)})
    version = OverrideAt(77, (), Decimal(millionths) / 10**6)
    seen = agreed(book, Override("acme", "m", "", "", Timeline([(None, None, version)])))
    priced = seen.price(usage_of(counted))
    exact = expected(counted, table)
    assert priced.cost == rounded(exact * millionths / 10**6)
    assert priced.list_cost == rounded(exact)
    assert round(sum(part.cost for part in seen.parts(usage_of(counted), priced)), 12) == priced.cost


@settings(max_examples=60)
@given(tables(), tables(), counts(3000), st.integers(0, 3000))
def test_above_a_step_every_unit_that_has_a_price_there_costs_that(low, high, counted, threshold):
    components = (*low.values(), *(component._replace(threshold=threshold or 1) for component in high.values()))
    book = book_of({("acme", "m"): [Version(None, None, components)]})
    table = low | high if counted["input"] > (threshold or 1) else low
    assert book.price(usage_of(counted)).cost == rounded(expected(counted, table))


@settings(max_examples=60)
@given(tables(), counts(), st.dictionaries(st.sampled_from(["web_search", "page", "image"]), st.integers(0, 10**6)))
def test_fees_come_on_top_of_the_tokens(table, counted, fees):
    prices = {"web_search": Fraction(10, 1000), "page": Fraction(1, 3000), "image": Fraction(39, 1000)}
    components = (
        *table.values(),
        Component("web_search", Decimal(10), 1000),
        Component("page", Decimal(1), 3000),
        Component("image", Decimal("0.039"), 1),
    )
    book = book_of({("acme", "m"): [Version(None, None, components)]})
    exact = expected(counted, table) + sum(amount * prices[name] for name, amount in fees.items())
    assert book.price(usage_of(counted, units=fees)).cost == rounded(exact)


@pytest.mark.parametrize(
    ("price", "per", "tokens", "cost"),
    [
        ("0.0000005", 1_000_000, 1, "0.000000000000"),  # half to even: down
        ("0.0000015", 1_000_000, 1, "0.000000000002"),  # and up
        ("0.0000025", 1_000_000, 1, "0.000000000002"),
        ("0.0000025000001", 1_000_000, 1, "0.000000000003"),
        ("1", 3, 1, "0.333333333333"),
        ("1", 3, 2, "0.666666666667"),
        ("999", 1, 10**9, "999000000000.000000000000"),
    ],
)
def test_a_cost_is_rounded_half_to_even_at_the_twelfth_place(price, per, tokens, cost):
    book = book_of({("acme", "m"): [Version(None, None, (Component("input", Decimal(price), per),))]})
    version = OverrideAt(5, (Component("input", Decimal(price), per), Component("output", Decimal(1))))
    seen = agreed(book, Override("acme", "m", "", "standard", Timeline([(None, None, version)])))
    assert [book.price(call(tokens)).cost, seen.price(call(tokens)).cost] == [Decimal(cost)] * 2


def test_a_price_of_nothing_is_free_and_a_call_of_nothing_is_not():
    assert PriceAt(1, ()).free and PriceAt(1, (Component("input", Decimal(0)),)).free
    dear = book_of({("acme", "m"): [Version(None, None, (Component("input", Decimal(1)),))]})
    assert (dear.price(call(0, 0)).cost, dear.price(call(0, 0)).source) == (0, CostSource.CATALOG)
    given_away = book_of({("acme", "m"): [Version(None, None, ())]})
    assert (given_away.price(call(10, 5)).cost, given_away.price(call(10, 5)).source) == (0, CostSource.FREE)
