"""Names that mean another model from a day on, and other names of a model."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costwatch.pricing.specs import Alias, ScheduleSpec, Version
from costwatch.pricing.usage import CostSource
from tests.pricing.small import DAY, book_of, call, said

pytestmark = pytest.mark.thorough
M = 1_000_000
LATER = DAY + timedelta(days=30)
SECOND = timedelta(seconds=1)


def rate(book, name="latest", at=DAY, **fields) -> Decimal | None:
    return book.price(call(M, 0, model=name, timestamp=at, **fields)).cost


LINES = {("acme", "one"): {"input": 1}, ("acme", "two"): {"input": 2}, ("acme", "three"): {"input": 3}}


def test_a_name_means_its_model_from_its_day_on():
    book = book_of(LINES, [Alias("acme", "latest", "two", DAY, LATER), Alias("acme", "latest", "three", LATER),
                           Alias("acme", "latest", "one", None, DAY)])  # fmt: skip
    at = [DAY - SECOND, DAY, LATER - SECOND, LATER]
    assert [rate(book, at=moment) for moment in at] == [1, 2, 2, 3]


def test_a_name_that_has_ended_means_nothing_any_more():
    book = book_of(LINES, [Alias("acme", "latest", "one", None, DAY)])
    assert rate(book, at=DAY - SECOND) == 1
    priced = book.price(call(M, 0, model="latest", timestamp=DAY))
    assert (priced.cost, priced.source) == (None, CostSource.UNPRICED)


def test_between_two_meanings_a_name_has_none():
    book = book_of(LINES, [Alias("acme", "latest", "one", None, DAY), Alias("acme", "latest", "two", LATER)])
    at = [DAY - SECOND, DAY, LATER - SECOND, LATER]
    assert [rate(book, at=moment) for moment in at] == [1, None, None, 2]


def test_before_its_first_day_a_name_means_nothing_yet():
    book = book_of(LINES, [Alias("acme", "latest", "one", DAY)])
    assert [rate(book, at=moment) for moment in (DAY - SECOND, DAY)] == [None, 1]


def test_a_moving_name_follows_the_prices_of_the_model_it_means():
    lines = {("acme", "one"): [Version(None, DAY, said(input=1)), Version(DAY, None, said(input=4))],
             ("acme", "two"): [Version(None, LATER, said(input=2)), Version(LATER, None, said(input=5))]}  # fmt: skip
    change = DAY + timedelta(days=10)
    book = book_of(lines, [Alias("acme", "latest", "one", None, change), Alias("acme", "latest", "two", change)])
    at = [DAY - SECOND, DAY, change - SECOND, change, LATER - SECOND, LATER]
    assert [rate(book, at=moment) for moment in at] == [1, 4, 4, 2, 2, 5]


def test_a_tier_without_a_price_yet_is_standard_under_a_moving_name_too():
    lines = {**LINES, ("acme", "two", "", "batch"): [Version(LATER, None, said(input="0.5"))]}
    book = book_of(lines, [Alias("acme", "latest", "one", None, DAY), Alias("acme", "latest", "two", DAY)])
    at = [DAY - SECOND, DAY, LATER]
    assert [rate(book, "two", moment, batch=True) for moment in at] == [2, 2, Decimal("0.5")]
    assert [rate(book, "latest", moment, batch=True) for moment in at] == [1, 2, Decimal("0.5")]


def test_a_moving_name_has_the_hours_of_the_model_it_means():
    night = ScheduleSpec("noon", "UTC", (("12:00", "13:00"),))
    lines = {**LINES, ("acme", "two", "", "standard", "noon"): {"input": 9}}
    book = book_of(
        lines, [Alias("acme", "latest", "one", None, DAY), Alias("acme", "latest", "two", DAY, LATER),
                Alias("acme", "latest", "three", LATER)], [night],
    )  # fmt: skip
    at = [DAY - timedelta(days=1), DAY, DAY + timedelta(hours=1), LATER]
    assert [rate(book, at=moment) for moment in at] == [1, 9, 2, 3]


def test_a_name_for_ever_shares_everything_with_its_model():
    lines = {**LINES, ("acme", "one", "eu"): {"input": 7}, ("acme", "one", "", "batch"): {"input": "0.5"}}
    book = book_of(lines, [Alias("acme", "nick", "one")])
    assert (rate(book, "nick"), rate(book, "nick", batch=True)) == (1, Decimal("0.5"))


def test_a_name_of_a_model_that_nobody_sells_is_no_name():
    assert rate(book_of(LINES, [Alias("acme", "latest", "gone"), Alias("else", "latest", "one")])) is None


def test_a_model_keeps_its_own_prices_where_another_one_is_nicknamed_like_it():
    assert rate(book_of(LINES, [Alias("acme", "two", "one")]), "two") == 2


@settings(max_examples=100)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 40), st.sampled_from(["one", "two", "three"])), max_size=6),
    st.booleans(),
)
def test_at_every_moment_a_name_means_what_was_said_last_and_has_not_ended(said_of, for_ever):
    """Later beginnings lead; each lasts until its own end, at most until the next one begins."""
    starts: dict[int, tuple[int, str]] = {start: (length, model) for start, length, model in said_of}
    aliases = [
        Alias("acme", "latest", model, DAY + timedelta(days=start), DAY + timedelta(days=start + length))
        for start, (length, model) in starts.items()
    ]
    if for_ever:
        aliases.append(Alias("acme", "latest", "one", DAY + timedelta(days=41)))
    book = book_of(LINES, aliases)
    price = {"one": 1, "two": 2, "three": 3}
    for day in range(84):
        begun = [start for start in starts if start <= day]
        meant = None
        if for_ever and day >= 41:
            meant = 1
        elif begun:
            length, model = starts[max(begun)]
            meant = price[model] if day < max(begun) + length else None
        assert rate(book, at=DAY + timedelta(days=day)) == meant


KEYS = st.sampled_from([("", "standard"), ("", "batch"), ("", "priority"), ("eu", "standard"), ("eu", "batch")])
BEGINS = st.none() | st.integers(0, 60)


@st.composite
def models(draw):
    """The lines of a model: a standard one since ever, others from some day on; each with a price of its own."""
    number = draw(st.integers(1, 50)) * 10
    lines = {("", "standard"): (None, number)}
    for i, key in enumerate(sorted(draw(st.sets(KEYS)) - {("", "standard")}, reverse=True), 1):
        later = key[1] != "standard" and (key[0], "standard") in lines
        lines[key] = (draw(BEGINS) if later else None, number + i)
    return lines


@settings(max_examples=100)
@given(st.fixed_dictionaries({"one": models(), "two": models()}), st.integers(0, 60))
def test_under_a_moving_name_a_call_costs_what_it_costs_under_the_name_of_the_model(lines, day):
    change = DAY + timedelta(days=day)
    found = {}
    for model, own in lines.items():
        for (region, tier), (begin, usd) in own.items():
            start = None if begin is None else DAY + timedelta(days=begin)
            found["openai", model, "regional" if region else "", tier] = [Version(start, None, said(input=usd))]
    book = book_of(found, [Alias("openai", "latest", "one", None, change), Alias("openai", "latest", "two", change)])
    for moment in range(0, 70, 3):
        at = DAY + timedelta(days=moment)
        for how in ({}, {"batch": True}, {"region": "eu"}, {"region": "eu", "batch": True}):
            meant = "one" if at < change else "two"
            assert rate(book, "latest", at, provider="openai", **how) == rate(book, meant, at, provider="openai", **how)
