"""What happened, in words: largest causes first, small ones together, amounts that add up."""

from decimal import Decimal as D

import pytest

from costwatch.dashboards.variance.words import drivers, phrase, sentence
from costwatch.spend.sums import Sums
from costwatch.spend.variance import EFFECTS
from tests.dashboards.page import as_read


def effects(**known):
    return dict.fromkeys(EFFECTS, D(0)) | {name: D(amount) for name, amount in known.items()}


def said(before, after, *, has_runs=True, **known):
    text = sentence(D(before), D(after), "1–18 Nov 2026", "1–18 Oct", effects(**known), has_runs)
    return as_read(text)


def test_a_rise_names_its_causes_largest_first():
    assert said(1000, 1412, runs=300, input=150, mix=-38) == (
        "Spend rose $412.00 (41 %), from $1,000.00 in 1–18 Oct to $1,412.00 in 1–18 Nov 2026: "
        "more runs +$300.00, longer prompts +$150.00, cheaper models −$38.00."
    )


def test_small_causes_are_told_together_and_the_amounts_add_up():
    text = said(100, 200, runs=90, calls="4.5", price="2.5", cache=3)
    assert text.endswith(": more runs +$90.00, all else +$10.00.")


def test_a_fall_is_a_fall():
    assert said(100, 40, runs=-60).startswith("Spend fell $60.00 (60 %), from $100.00")
    assert said(100, 40, runs=-60).endswith("fewer runs −$60.00.")


def test_what_cost_nothing_before_has_no_percentage():
    assert said(0, 40, runs=40).startswith("Spend rose $40.00, from $0.00 in 1–18 Oct")


def test_the_same_spend_says_so():
    assert said(40, 40, runs=5, input=-5) == "Spend is the same, $40.00 in 1–18 Nov 2026 and in 1–18 Oct."


def test_without_runs_more_calls_are_not_calls_per_run():
    assert "more calls +$10.00" in said(10, 20, has_runs=False, calls=10)
    assert "more calls per run +$10.00" in said(10, 20, calls=10)


@pytest.mark.parametrize("name", EFFECTS)
def test_every_effect_has_words_for_both_ways(name):
    assert phrase(name, D(1), True) and phrase(name, D(-1), True)


def test_drivers_are_told_in_their_own_units():
    before = Sums(calls=100, runs=10, input_tokens=400_000, cached_input_tokens=100_000, output_tokens=9_000)
    after = Sums(calls=300, runs=20, input_tokens=900_000, cached_input_tokens=90_000, output_tokens=30_000)
    assert {name: as_read(told) for name, told in drivers(before, after).items()} == {
        "runs": "10 → 20 runs begun",
        "calls": "10.00 → 15.00 calls a run",
        "input": "4,000 → 3,000 tokens a call",
        "output": "90 → 100 tokens a call",
        "cache": "25.0 % → 10.0 % of input from the cache",
    }


def test_drivers_that_cannot_be_told_are_left_out():
    assert drivers(Sums(), Sums(calls=5, runs=1)) == {}
    assert drivers(Sums(calls=4), Sums(calls=6, runs=1)) == {
        "calls": "4 → 6 calls", "input": "0 → 0 tokens a call", "output": "0 → 0 tokens a call",
    }  # fmt: skip
