"""The difference of two spans, split: parts add up to it exactly, and each part answers to its own cause alone."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costwatch.spend.variance import EFFECTS, Cell, Rates, add, in_cents, split

D = Decimal
CENT = D("0.01")
LIST = Rates(D("0.000003"), D("0.0000003"), D("0.00000375"), D("0.000015"))
CHEAP = Rates(D("0.0000005"), D("0.00000005"), D("0.0000005"), D("0.000002"))


def cell(calls=100, runs=10, input=1000, cached=0, written=0, output=100, rates=LIST, times=1):
    """Usage of `calls` calls with so many tokens each, priced at its rates."""
    plain = input - cached - written
    each = plain * rates.input + cached * rates.cached + written * rates.written + output * rates.output
    return Cell(calls, runs, input * calls, cached * calls, written * calls, output * calls,
                (each * calls * times).quantize(D("1e-12")), rates)  # fmt: skip


def moved(before, after):
    """The effects that are not nothing."""
    return {name: amount for name, amount in split(before, after).items() if amount}


def one(before, after):
    return moved({"m": before}, {"m": after})


def test_the_same_usage_has_no_effects():
    assert one(cell(), cell()) == {}


@pytest.mark.parametrize(
    ("effect", "after"),
    [
        ("runs", cell(calls=200, runs=20)),
        ("calls", cell(calls=200, runs=10)),
        ("input", cell(input=1500)),
        ("output", cell(output=200)),
        ("cache", cell(cached=500)),
        ("cache", cell(written=500)),
        ("price", cell(rates=Rates(D("0.000002"), D("0.0000002"), D("0.0000025"), D("0.00001")))),
        ("other", cell(times=D("0.5"))),
    ],
)
def test_one_cause_is_one_effect_and_all_of_the_difference(effect, after):
    assert one(cell(), after) == {effect: after.cost - cell().cost}


def test_a_dearer_model_is_an_effect_of_the_mix():
    before = {"dear": cell(calls=50), "cheap": cell(calls=50, rates=CHEAP)}
    after = {"dear": cell(calls=80), "cheap": cell(calls=20, rates=CHEAP)}
    found = moved(before, after)
    assert list(found) == ["mix"] and found["mix"] > 0


def test_a_move_to_a_model_that_was_not_there_before_is_the_mix_and_not_its_price():
    before, after = {"old": cell()}, {"old": cell(calls=40, runs=4), "new": cell(calls=60, runs=6, rates=CHEAP)}
    found = moved(before, after)
    assert list(found) == ["mix"]
    assert found["mix"] == cell(calls=60, rates=CHEAP).cost - cell(calls=60).cost


def test_what_was_not_there_before_is_all_new_runs():
    assert moved({}, {"m": cell()}) == {"runs": cell().cost}
    assert moved({"m": cell()}, {}) == {"runs": -cell().cost}


def test_without_runs_more_calls_are_calls():
    before, after = cell(runs=0), cell(calls=150, runs=0)
    assert one(before, after) == {"calls": after.cost - before.cost}


def test_runs_and_calls_per_run_are_told_apart():
    found = one(cell(calls=100, runs=10), cell(calls=300, runs=20))
    assert found == {"runs": cell().cost, "calls": cell().cost}


def test_longer_prompts_are_valued_at_the_price_and_the_cache_of_before():
    before, after = cell(), cell(input=2000, cached=1000, rates=replace(LIST, input=D("0.000006")))
    found = one(before, after)
    assert found["input"] == 100 * 1000 * LIST.input
    assert found["cache"] == 100 * 1000 * (LIST.cached - LIST.input)
    assert found["price"] == 100 * 1000 * LIST.input


def test_a_price_that_is_known_for_one_span_only_serves_both():
    before, after = replace(cell(), cost=D(0), rates=None), cell()
    assert one(before, after) == {"other": after.cost}, "it was not priced then"


def test_without_any_price_what_a_token_came_to_is_its_price():
    before, after = replace(cell(), rates=None), replace(cell(times=2), rates=None)
    assert one(before, after) == {"price": before.cost}
    twice_as_long = Cell(100, 10, 200_000, 0, 0, 20_000, before.cost * 3)
    assert one(before, twice_as_long)["price"] == before.cost, "a token costs half as much again"


def test_what_has_no_tokens_has_a_price_per_call():
    before, after = Cell(10, 10, cost=D("0.40")), Cell(30, 30, cost=D("1.50"))
    assert one(before, after) == {"runs": D("0.80"), "price": D("0.30")}


def test_a_list_price_of_zero_explains_no_cost():
    free = replace(cell(), rates=Rates())
    found = one(free, replace(free, cost=free.cost * 2))
    assert found == {"price": free.cost}


def test_corrections_without_calls_are_other():
    before, after = {"m": cell()}, {"m": cell(), "gone": Cell(cost=D("-3.5"))}
    assert moved(before, after) == {"other": D("-3.5")}
    carried_out = Cell(-5, -1, -100, 0, 0, -10, D("-2"))
    assert moved({"m": carried_out}, {"m": cell()}) == {"runs": cell().cost, "other": D(2)}


rates = st.builds(Rates, *[st.decimals(0, D("0.0001"), places=10)] * 4)
counts = st.integers(0, 10**7)


@st.composite
def cells(draw):
    """Any usage: parts within the whole, a cost that need not follow from the rates."""
    prompt = draw(counts)
    cached = draw(st.integers(0, prompt))
    written = draw(st.integers(0, prompt - cached))
    cost = draw(st.decimals(0, 10**6, places=12))
    return Cell(draw(st.integers(0, 10**5)), draw(st.integers(0, 10**4)), prompt, cached, written, draw(counts), cost,
                draw(st.none() | rates))  # fmt: skip


groups = st.dictionaries(st.sampled_from("abcd"), cells(), max_size=4)


@settings(deadline=None, max_examples=150)
@given(groups, groups)
def test_the_effects_add_up_to_the_difference_to_the_last_digit(before, after):
    found = split(before, after)
    assert tuple(found) == EFFECTS
    difference = sum(c.cost for c in after.values()) - sum(c.cost for c in before.values())
    assert sum(found.values()) == difference


@settings(deadline=None, max_examples=80)
@given(groups, groups)
def test_where_no_price_changed_there_is_no_effect_of_price(before, after):
    known = {model: LIST if model < "c" else CHEAP for model in "abcd"}
    before, after = ({m: replace(c, rates=known[m]) for m, c in cells.items()} for cells in (before, after))
    listed = [c for c in (*before.values(), *after.values()) if c.input or c.output]
    if len(listed) == len(before) + len(after):
        assert split(before, after)["price"] == 0


@settings(deadline=None, max_examples=60)
@given(groups, groups)
def test_the_way_back_has_the_opposite_sum_and_a_copy_no_effects(before, after):
    assert sum(split(after, before).values()) == -sum(split(before, after).values())
    assert not any(split(before, before).values())


@settings(deadline=None, max_examples=80)
@given(st.decimals(-1000, 1000, places=12), st.lists(st.decimals(-1000, 1000, places=12), max_size=9))
def test_cents_lead_from_the_rounded_start_to_the_rounded_end(start, amounts):
    steps = in_cents(start, amounts)
    assert sum(steps) == (start + sum(amounts)).quantize(CENT) - start.quantize(CENT)
    assert all(abs(step - amount) <= CENT for step, amount in zip(steps, amounts, strict=True))


def test_groups_add_up():
    parts = [split({"m": cell()}, {"m": cell(calls=200, runs=20)}), split({}, {"m": cell()})]
    assert add(parts)["runs"] == cell().cost * 2
    assert add([]) == dict.fromkeys(EFFECTS, D(0))
