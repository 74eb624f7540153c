"""What an unpriced call costs at most: the dearest current prices of its provider, of all where it is not known."""

from datetime import timedelta
from decimal import Decimal

import pytest

from costwatch.pricing.specs import Component, ScheduleSpec, Version
from costwatch.pricing.usage import CostSource
from tests.pricing.small import DAY, book_of, call, said

pytestmark = pytest.mark.thorough
M = 1_000_000
LINES = {
    ("acme", "cheap"): {"input": 1, "output": 30, "web_search": 10},
    ("acme", "dear"): {"input": 5, "output": 20},
    ("globex", "big"): {"input": 100, "output": 200, "page": 4},
}


def bound(book, tokens_in=M, tokens_out=0, provider="acme", **fields) -> Decimal:
    priced = book.price(call(tokens_in, tokens_out, model="unheard-of", provider=provider, **fields))
    assert (priced.cost, priced.source, priced.price_version) == (None, CostSource.UNPRICED, None)
    return priced.upper_bound


def test_input_and_output_are_each_bound_by_the_dearest_model_of_the_provider():
    book = book_of(LINES)
    assert (bound(book, M, 0), bound(book, 0, M), bound(book, M, M)) == (5, 30, 35)
    assert bound(book, M, M, provider="globex") == 300


def test_a_provider_that_nobody_knows_is_bound_by_the_dearest_of_all():
    book = book_of(LINES)
    assert bound(book, M, M, provider="nobody") == 300
    assert bound(book, M, M, provider=None) == 300


def test_a_provider_under_another_of_its_names_has_its_own_bound():
    book = book_of({("mistral", "large"): {"input": 2, "output": 6}, **LINES})
    assert bound(book, M, M, provider="Mistral-AI ") == 8


def test_a_provider_without_chat_models_is_bound_by_the_dearest_of_all():
    book = book_of({("vectors", "embed"): {"input": 900}, ("sounds", "hear"): {"audio_second": 5}, **LINES})
    assert bound(book, M, M, provider="vectors") == bound(book, M, M, provider="sounds") == 300


def test_a_model_that_only_embeds_bounds_nobody():
    book = book_of({("acme", "embed"): {"input": 900}, **LINES})
    assert bound(book) == 5


def test_prices_that_have_ended_or_have_not_begun_bound_nothing():
    old, new = said(input=50, output=50), said(input=70, output=70)
    versions = [Version(None, DAY, old), Version(DAY, DAY + timedelta(days=1), said(input=2, output=2)),
                Version(DAY + timedelta(days=1), None, new)]  # fmt: skip
    book = book_of({("acme", "m"): versions})
    assert bound(book) == 2
    assert bound(book, timestamp=DAY - timedelta(days=400)) == 2  # of the book, not of the call


def test_the_price_of_long_prompts_and_of_regions_are_counted_but_of_no_other_tier():
    book = book_of({
        ("acme", "m"): {"input": 1, "output": 2, "output_above_100": 9},
        ("acme", "m", "eu"): {"input": 3, "output": 2},
        ("acme", "m", "", "priority"): {"input": 80, "output": 80},
    })  # fmt: skip
    assert (bound(book, M, 0), bound(book, 0, M)) == (3, 9)


@pytest.mark.parametrize("hour", [0, 12])
def test_the_dear_hours_are_counted_whenever_the_book_was_read(hour):
    busy = ScheduleSpec("busy", "UTC", (("12:00", "13:00"),))
    lines = {("acme", "m"): {"input": 1, "output": 2}, ("acme", "m", "", "standard", "busy"): {"input": 4, "output": 8}}
    book = book_of(lines, schedules=[busy], now=DAY.replace(hour=hour))
    assert bound(book, M, M) == 12


@pytest.mark.parametrize("hour", [0, 12])
def test_the_common_price_is_counted_where_the_hours_are_the_cheap_ones(hour):
    night = ScheduleSpec("night", "UTC", (("12:00", "13:00"),))
    lines = {
        ("acme", "m"): {"input": 4, "output": 8},
        ("acme", "m", "", "standard", "night"): {"input": 1, "output": 1},
    }
    book = book_of(lines, schedules=[night], now=DAY.replace(hour=hour))
    assert bound(book, M, M) == 12


def test_prices_for_other_numbers_of_units_are_compared_for_one():
    lines = {("acme", "a"): [Version(None, None, (Component("input", Decimal("0.003"), 1000),
                                                  Component("output", Decimal("0.000001"), 1)))],
             ("acme", "b"): {"input": 2, "output": "0.5"}}  # fmt: skip
    assert (bound(book_of(lines), M, 0), bound(book_of(lines), 0, M)) == (3, 1)


def test_fees_are_bound_by_the_dearest_anywhere_and_unknown_ones_count_nothing():
    book = book_of({("globex", "searcher"): {"input": 1, "output": 1, "web_search": 25}, **LINES})
    assert bound(book, units={"web_searches": 1000}) == 5 + 10  # acme has its own
    assert bound(book, units={"page": 1000}) == 5 + 4
    assert bound(book, units={"page": 1000}, provider="nobody") == 100 + 4
    assert bound(book, units={"unheard_of": 1000}) == 5


def test_a_call_of_which_nothing_was_counted_has_no_bound():
    priced = book_of(LINES).price(call(None, None, model="unheard-of"))
    assert (priced.source, priced.upper_bound) == (CostSource.USAGE_UNKNOWN, 0)


def test_one_count_is_enough_for_a_bound():
    assert bound(book_of(LINES), None, M) == 30
    assert bound(book_of(LINES), M, None) == 5


def test_an_empty_book_bounds_nothing_and_prices_nothing():
    assert bound(book_of({}), M, M) == 0
    assert bound(book_of({}), M, M, units={"web_search": 3}) == 0
