"""Intervals and verdicts: known values, honest error rates on made samples, and what may never happen."""

import math
import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from costwatch.spend.compare import Interval, Moments, judge, student, together, verdict


def moments(pairs):
    xs, ys = zip(*pairs, strict=True)
    return Moments(len(xs), sum(xs), sum(ys), sum(x * x for x in xs), sum(y * y for y in ys),
                   sum(x * y for x, y in pairs))  # fmt: skip


def means(values):
    return moments([(value, 1.0) for value in values])


@pytest.mark.parametrize(("freedom", "quantile"), [(5, 2.5706), (10, 2.2281), (29, 2.0452), (60, 2.0003), (1e6, 1.96)])
def test_quantiles_of_t_are_those_of_the_tables(freedom, quantile):
    assert student(freedom) == pytest.approx(quantile, rel=0.002)


def test_the_variance_of_a_mean_is_that_of_the_textbook():
    side = means([2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0])
    assert (side.ratio, side.variance) == (5.0, pytest.approx(32 / 7 / 8))


def test_calls_of_one_run_are_not_taken_for_independent():
    """Ten runs whose calls all cost the same within each: the spread is that of ten, not of a hundred values."""
    per_call = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0]
    clustered = moments([(cost * 10, 10.0) for cost in per_call])
    alone = means([cost for cost in per_call for _ in range(10)])
    assert clustered.ratio == alone.ratio
    assert clustered.variance == pytest.approx(10 * alone.variance, rel=0.12)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.01, 0.2, "worse"), (-0.2, -0.01, "better"), (-0.04, 0.04, "no_difference"), (0.01, 0.04, "no_difference"),
     (-0.1, 0.2, "too_little_data"), (None, None, "too_little_data")],
)  # fmt: skip
def test_the_interval_decides(low, high, expected):
    assert verdict(Interval(0.0, low, high), 0.05) == expected


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [(["better", "worse"], "worse"), (["better", "too_little_data"], "too_little_data"), ([], "too_little_data"),
     (["no_difference", "better"], "better"), (["no_difference"], "no_difference")],
)  # fmt: skip
def test_several_verdicts_make_one(verdicts, expected):
    assert together(verdicts) == expected


def test_below_thirty_units_there_is_too_little_data_whatever_they_cost():
    assert judge(means([1.0] * 29), means([100.0] * 1000)).verdict == "too_little_data"
    assert judge(means([1.0, 1.1] * 15), means([100.0, 110.0] * 15)).verdict == "worse"


def test_nothing_at_all_is_too_little_data():
    nothing = Moments(0, 0, 0, 0, 0, 0)
    judged = judge(nothing, nothing)
    assert (judged.baseline, judged.candidate, judged.difference, judged.verdict) == (
        None, None, None, "too_little_data")  # fmt: skip


def test_a_rate_of_zero_has_an_interval_too():
    judged = judge(moments([(0.0, 10.0)] * 50), moments([(0.0, 10.0)] * 50), 0.01, rate=True)
    assert judged.baseline.low == 0 and 0.005 < judged.baseline.high < 0.01
    assert judged.verdict == "no_difference"


def test_errors_that_rise_from_one_to_ten_in_a_hundred_are_worse():
    old = moments([(0.0, 10.0)] * 90 + [(1.0, 10.0)] * 10)
    new = moments([(1.0, 10.0)] * 100)
    judged = judge(old, new, rate=True)
    assert judged.difference.value == pytest.approx(0.09)
    assert judged.verdict == "worse"


def _share_of(expected, factor, times=300, units=60, seed=5):
    made = random.Random(seed)
    found = 0
    for _ in range(times):
        old, new = ([math.exp(made.gauss(0, 0.8)) for _ in range(units)] for _ in range(2))
        found += judge(means(old), means([cost * factor for cost in new])).verdict in expected
    return found / times


def test_of_equal_releases_with_skewed_costs_at_most_one_in_twenty_is_called_different():
    assert _share_of(("worse", "better"), 1.0) <= 0.07


def test_a_release_twice_as_dear_is_found_with_sixty_runs():
    assert _share_of(("worse",), 2.0) >= 0.95


@given(
    st.lists(st.tuples(st.floats(0, 1e4), st.integers(1, 50)), min_size=1, max_size=60),
    st.lists(st.tuples(st.floats(0, 1e4), st.integers(1, 50)), min_size=1, max_size=60),
    st.booleans(),
)
@example(old=[(0.0, 1), (1.0, 1)], new=[(0.0, 1), (2.2250738585072014e-308, 1)], rate=False)
@example(old=[(0.0, 1), (2.2250738585072014e-308, 1)], new=[(0.0, 1), (1.0, 1)], rate=False)
def test_an_interval_holds_its_estimate_and_never_fails(old, new, rate):
    sides = [moments([(min(x, y) if rate else x, float(y)) for x, y in side]) for side in (old, new)]
    judged = judge(*sides, rate=rate)
    for part in (judged.baseline, judged.candidate, judged.difference):
        if part is not None and part.low is not None:
            assert part.low - 1e-9 <= part.value <= part.high + 1e-9


@given(st.lists(st.floats(0.01, 1e4), min_size=30, max_size=60), st.floats(0.1, 10))
def test_swapping_the_sides_turns_better_into_worse(costs, factor):
    turned = {"better": "worse", "worse": "better"}
    old, new = means(costs), means([cost * factor for cost in costs])
    one, other = judge(old, new, 0).verdict, judge(new, old, 0).verdict
    assert turned.get(one, one) == other
