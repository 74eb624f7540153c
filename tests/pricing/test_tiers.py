"""Long prompts: above which length other prices hold, for what, and for whom never."""

from decimal import Decimal

import pytest

from costwatch.pricing.usage import CostSource
from tests.pricing.small import agreed, agreement, book_of, call, one

pytestmark = pytest.mark.thorough
M = Decimal(1_000_000)
LADDER = {"input": 1, "output": 10, "input_above_100": 2, "output_above_100": 20, "input_above_1000": 4}


@pytest.mark.parametrize(
    ("tokens_in", "expected"),
    [
        (0, 50 * 10),
        (99, 99 * 1 + 50 * 10),
        (100, 100 * 1 + 50 * 10),
        (101, 101 * 2 + 50 * 20),
        (1000, 1000 * 2 + 50 * 20),
        (1001, 1001 * 4 + 50 * 20),  # the output keeps the price of the step below
        (1_000_000, 1_000_000 * 4 + 50 * 20),
    ],
)
def test_the_whole_request_costs_the_prices_of_the_highest_step_it_is_above(tokens_in, expected):
    assert one(**LADDER).price(call(tokens_in, 50)).cost == expected / M


def test_the_steps_may_be_listed_in_any_order():
    backwards = dict(reversed(LADDER.items()))
    for tokens_in in (100, 101, 1001):
        usage = call(tokens_in, 7)
        assert one(**backwards).price(usage).cost == one(**LADDER).price(usage).cost


@pytest.mark.parametrize(("requests", "rate"), [(1, 4), (2, 1), (5000, 1)])
def test_a_sum_of_several_requests_stays_at_the_short_price(requests, rate):
    assert one(**LADDER).price(call(2000, 0, requests=requests)).cost == 2000 * rate / M


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"cached_input_tokens": 150}, 50 * 2 + 150 * 1),
        ({"cache_write_tokens": 150}, 50 * 2 + 150 * 3),
        ({"audio_input_tokens": 150}, 200 * 2),
        ({"units": {"request": 1}}, 200 * 2),
    ],
)
def test_cached_written_and_heard_tokens_count_for_the_length(fields, expected):
    book = one(input=1, output=10, cache_read="0.5", cache_write_5m="1.25", input_above_100=2, cache_read_above_100=1,
               cache_write_5m_above_100=3)  # fmt: skip
    assert book.price(call(200, 0, **fields)).cost == expected / M
    assert book.price(call(50, 150)).cost == (50 + 150 * 10) / M  # what is generated does not


def test_a_unit_without_a_price_above_the_step_keeps_its_own():
    book = one(input=2, output=8, cache_read="0.2", web_search=10, input_above_100=4)
    usage = call(200, 10, cached_input_tokens=150, units={"web_search": 3})
    assert book.price(usage).cost == (50 * 4 + 150 * Decimal("0.2") + 10 * 8) / M + Decimal("0.03")


def test_a_kind_that_falls_back_takes_the_long_price_of_its_whole():
    book = one(input=2, output=8, input_above_100=4, output_above_100=16)
    usage = call(200, 20, cached_input_tokens=120, cache_write_tokens=30, reasoning_tokens=15)
    assert book.price(usage).cost == (200 * 4 + 20 * 16) / M


def test_below_the_first_step_a_model_that_has_only_long_prices_is_unpriced():
    book = one(input_above_100=4, output_above_100=16)
    short, long = book.price(call(100, 1)), book.price(call(101, 1))
    assert (short.cost, short.source) == (None, CostSource.UNPRICED)
    assert long.cost == (101 * 4 + 16) / M


def test_a_prompt_of_unknown_length_is_a_short_one():
    assert one(**LADDER).price(call(None, 50)).cost == 500 / M


def test_each_tier_served_has_steps_of_its_own():
    book = book_of({("acme", "m"): LADDER, ("acme", "m", "", "batch"): {"input": "0.5", "output": 5}})
    assert book.price(call(2000, 0, batch=True)).cost == 1000 / M
    assert book.price(call(2000, 0)).cost == 8000 / M


def test_an_agreed_price_has_its_own_steps_and_none_of_the_catalogues():
    flat = agreed(one(**LADDER), agreement(input=1, output=10))
    assert flat.price(call(2000, 0)).cost == 2000 / M
    steep = agreed(one(input=1, output=10), agreement(input=1, output=10, input_above_100=3))
    assert [steep.price(call(n, 0)).cost for n in (100, 101)] == [100 / M, 303 / M]
    assert steep.price(call(500, 0, requests=2)).cost == 500 / M


def test_a_discount_is_taken_off_the_price_of_the_length():
    seen = agreed(one(**LADDER), agreement(multiplier="0.5"))
    priced = seen.price(call(1001, 50))
    assert (priced.list_cost, priced.cost) == ((4004 + 1000) / M, (2002 + 500) / M)


def test_the_parts_of_a_long_call_name_the_prices_of_its_step():
    book = one(**LADDER)
    usage = call(1001, 50)
    parts = book.parts(usage, book.price(usage))
    assert [(p.component, p.tokens, p.unit_price) for p in parts] == [("input", 1001, 4), ("output", 50, 20)]
