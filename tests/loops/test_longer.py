"""A task whose runs get longer week by week."""

import random
from datetime import date, timedelta
from decimal import Decimal

import pytest

from costwatch.loops.longer import Week, judge

FIRST = date(2026, 9, 7)


def weeks(*calls: float, runs: int = 40, dollars: str = "0.01") -> list[Week]:
    return [Week(FIRST + timedelta(weeks=n), runs, each, each * 1 * Decimal(dollars) if isinstance(each, Decimal) else
                 Decimal(str(each)) * Decimal(dollars)) for n, each in enumerate(calls)]  # fmt: skip


def test_five_weeks_each_longer_than_the_one_before_are_named_with_what_they_cost_more():
    found = judge(weeks(10, 10, 12, 14, 16, 18))
    assert found is not None
    assert (found.since, found.weeks, found.calls) == (FIRST + timedelta(weeks=1), 5, (10, 18))
    assert found.extra == Decimal("0.08") * 40


def test_a_week_that_falls_back_a_little_does_not_hide_it():
    found = judge(weeks(10, 12, 11, 15, 18))
    assert found is not None and found.calls == (10, 18)


@pytest.mark.parametrize(
    "calls",
    [
        (),
        (10, 13, 16, 20),  # too few weeks to call it a trend
        (10, 14, 11, 16, 12, 18),
        (10, 11, 12, 13, 14),  # growth, but less than by half
        (10, 13, 16, 20, 20, 20, 20),  # it grew, and is even now
        (20, 18, 15, 12, 10),
        (10, 10, 10, 10, 30),  # a step is a release, and another rule's matter
    ],
)
def test_steps_swings_and_a_little_growth_are_not(calls):
    assert judge(weeks(*calls)) is None


def test_a_week_with_few_runs_or_none_says_nothing():
    assert judge(weeks(10, 12, 15, 18, 22, runs=19)) is None
    gap = weeks(10, 12, 15, 18, 22, 25)
    assert judge([gap[0], gap[1], *gap[3:]]) is None


def test_cheaper_runs_that_got_longer_cost_nothing_more():
    mixed = [Week(w.monday, w.runs, w.calls, Decimal(9 - n)) for n, w in enumerate(weeks(10, 12, 15, 18, 22))]
    found = judge(mixed)
    assert found is not None and found.extra == 0


def test_chance_hardly_looks_like_growth():
    chance = random.Random(5)
    alarms = sum(judge(weeks(*[chance.gauss(20, 3) for _ in range(9)])) is not None for _ in range(2_000))
    assert alarms / 2_000 < 0.01
