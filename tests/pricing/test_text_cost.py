"""The short way to the cost of a call with text tokens only: the same amount as through its parts, or none."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costwatch.pricing.calculate import MOST_PICODOLLARS, PLACES, Prices, cost
from costwatch.pricing.specs import Component
from tests.pricing.small import call

PICO = st.integers(0, 10**10) | st.sampled_from([MOST_PICODOLLARS - 1, 1])
TOKENS = st.integers(0, 10**9)


def prices(**picodollars: int | Decimal) -> Prices:
    """Prices by unit, in 1e-12 USD of one token."""
    return Prices([Component(unit, Decimal(price) * PLACES, 1) for unit, price in picodollars.items()])


@given(st.fixed_dictionaries({"input": PICO.filter(bool), "output": PICO},
                             optional={"cache_read": PICO, "cache_write_5m": PICO, "cache_write_1h": PICO}),
       TOKENS, TOKENS, TOKENS, TOKENS, TOKENS)  # fmt: skip
def test_it_is_what_the_parts_come_to(table, rest, read, written, long, answer):
    usage = call(rest + read + written + long, answer, cached_input_tokens=read, cache_write_tokens=written,
                 cache_write_1h_tokens=long)  # fmt: skip
    amount = prices(**table).text_cost(usage)
    assert amount == cost(usage, prices(**table))
    assert amount.as_tuple().exponent == -12


@pytest.mark.parametrize("picodollars", [MOST_PICODOLLARS, MOST_PICODOLLARS * 10**6, Decimal("0.5"), Decimal("7.25")])
def test_there_is_none_at_prices_too_high_or_with_more_places_than_a_cost_has(picodollars):
    for table in ({"input": picodollars}, {"input": 1, "output": picodollars}, {"input": 1, "cache_read": picodollars}):
        assert prices(**table).text_cost(call(10, 5)) is None


@pytest.mark.parametrize("more", [{"audio_input_tokens": 1}, {"audio_output_tokens": 1}, {"image_input_tokens": 1},
                                  {"image_output_tokens": 1}, {"units": {"web_search": Decimal(1)}},
                                  {"cached_input_tokens": 11}, {"cache_write_tokens": 6, "cached_input_tokens": 6},
                                  {"input_tokens": None}])  # fmt: skip
def test_there_is_none_for_a_call_that_has_more_than_text_or_parts_larger_than_the_whole(more):
    usage = call(10, 5)
    for name, value in more.items():
        setattr(usage, name, value)
    assert prices(input=1, output=2).text_cost(call(10, 5)) == 20 * PLACES
    assert prices(input=1, output=2).text_cost(usage) is None


@pytest.mark.parametrize("apart", ["reasoning", "request"])
def test_there_is_none_where_something_else_has_a_price_of_its_own(apart):
    assert prices(input=1, output=2, **{apart: 3}).text_cost(call(10, 5)) is None
