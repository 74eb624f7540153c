"""A release after which runs or sessions are dearer: by medians with an interval, from enough of both."""

import random
from datetime import timedelta
from decimal import Decimal

import pytest

from costwatch.anomalies.detectors import step_change
from costwatch.anomalies.state import Settings
from tests.anomalies.memory import HOUR, NOW, MemoryBooks


def released(factor, runs=200, seed=3, each="run", ago=72):
    """Runs under two releases, the newer one `factor` times as dear; costs spread over a decade."""
    dice, books = random.Random(seed), MemoryBooks()
    for n in range(runs):
        cost = Decimal(str(round(dice.lognormvariate(-1, 0.8), 6)))
        books.spend(NOW - (ago + 1 + n % 300) * HOUR, cost, agent="triage", release="t@1", **{each: f"a{n}"})
        cost = Decimal(str(round(dice.lognormvariate(-1, 0.8) * factor, 6)))
        books.spend(NOW - (1 + n % (ago - 1)) * HOUR, cost, agent="triage", release="t@2", **{each: f"b{n}"})
    return books


@pytest.mark.parametrize("each", ["run", "session"])
def test_a_dear_release_is_told_with_its_interval(each):
    (found,) = step_change.look(released(2.5, each=each), NOW, Settings())
    assert found.subject == ("step", "agent", "triage")
    assert 1.4 < float(found.facts["ratio_low"]) < 2.5 < float(found.facts["ratio_high"]) < 4.2
    assert found.facts["release"] == "t@2" and found.facts["each"] == each
    assert f"200 {each}s of triage cost $" in found.message
    assert found.impact > 50


def test_the_same_cost_is_not_told_whatever_the_chance():
    assert not [f for seed in range(12) for f in step_change.look(released(1.0, seed=seed), NOW, Settings())]


def test_a_cheaper_release_is_no_incident():
    assert not step_change.look(released(0.4), NOW, Settings())


def test_few_runs_prove_nothing():
    assert not step_change.look(released(2.5, runs=29), NOW, Settings())


def test_less_than_the_floor_is_not_told():
    assert not step_change.look(released(2.5), NOW, Settings(floor=Decimal(1000)))


def test_a_release_of_last_month_is_no_news():
    books = released(2.5, ago=400)
    assert not step_change.look(books, NOW, Settings())


def test_equal_costs_have_an_interval_of_no_width():
    found = step_change.step([Decimal(1)] * 40, [Decimal(3)] * 40, 3.5)
    assert found.low == pytest.approx(3) == pytest.approx(found.high)
    assert found.after - found.before == 2
    assert timedelta(days=14) < step_change.BEFORE
