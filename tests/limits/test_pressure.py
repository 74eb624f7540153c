"""How close minutes come to a limit: peaks, percentiles over silent minutes too, what counts for which limit."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costwatch.limits.pressure import MEASURES, pressed

START = datetime(2026, 11, 18, 9, tzinfo=UTC)


@dataclass
class Row:
    at: datetime
    provider: str = "openai"
    model: str = "m"
    key: str = "k"
    requests: int = 1
    input_tokens: int = 100
    cached_tokens: int = 40
    output_tokens: int = 10
    throttled: int = 0


@dataclass
class Limited:
    provider: str = "openai"
    model: str = ""
    key: str = ""
    requests: int | None = None
    tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_counts: bool = True


def row(minute, **fields):
    return Row(START + timedelta(minutes=minute), **fields)


def of(found, measure):
    return found.measures[MEASURES.index(measure)]


def test_the_highest_minute_is_the_sum_over_models_and_keys():
    rows = [row(0, model="a", requests=3), row(0, model="b", key="other", requests=4), row(1, requests=5)]
    found = of(pressed(rows, Limited(requests=10), 60), "requests")
    assert (found.peak, found.peak_at, found.share, found.near, found.hit) == (7, START, 0.7, 0, 0)


@pytest.mark.parametrize(
    ("limit", "peak"),
    [(Limited(model="a"), 3), (Limited(key="other"), 4), (Limited(provider="anthropic"), 0), (Limited(), 7)],
)
def test_a_limit_concerns_its_provider_model_and_key(limit, peak):
    rows = [row(0, model="a", requests=3), row(0, model="b", key="other", requests=4)]
    assert of(pressed(rows, limit, 60), "requests").peak == peak


def test_input_from_a_cache_counts_only_where_the_provider_counts_it():
    assert of(pressed([row(0)], Limited(), 60), "tokens").peak == 110
    assert of(pressed([row(0)], Limited(cached_counts=False), 60), "tokens").peak == 70
    assert of(pressed([row(0)], Limited(cached_counts=False), 60), "input_tokens").peak == 60


def test_minutes_near_the_limit_and_at_it_are_counted():
    rows = [row(n, requests=count) for n, count in enumerate([7, 8, 9, 10, 11])]
    found = pressed(rows, Limited(requests=10), 60)
    assert (of(found, "requests").near, of(found, "requests").hit, found.hit) == (4, 2, 2)


def test_minutes_in_which_the_provider_refused_are_hits_without_any_limit_known():
    found = pressed([row(0, throttled=2), row(1), row(2, throttled=1)], Limited(), 60)
    assert (found.throttled, len(found.refused), found.hit) == (3, 2, 2)


def test_the_tightest_measure_is_the_one_nearest_to_its_limit():
    found = pressed([row(0)], Limited(requests=100, output_tokens=20), 60)
    assert found.tightest.measure == "output_tokens"
    assert pressed([row(0)], Limited(), 60).tightest.measure == "requests"


def test_silent_minutes_are_minutes_too():
    rows = [row(n, requests=100) for n in range(3)]
    assert of(pressed(rows, Limited(), 60), "requests").p95 == 0
    assert of(pressed(rows, Limited(), 50), "requests").p95 == 100


def test_without_calls_there_is_no_peak():
    found = of(pressed([], Limited(requests=5), 60), "requests")
    assert (found.peak, found.peak_at, found.p95, found.share) == (0, None, 0, 0)


@given(st.lists(st.tuples(st.integers(0, 59), st.integers(0, 50)), max_size=40), st.integers(1, 60))
def test_figures_are_those_of_a_plain_count(calls, most):
    rows = [row(minute, requests=count) for minute, count in calls]
    minutes = [sum(count for at, count in calls if at == n) for n in range(60)]
    found = of(pressed(rows, Limited(requests=most), 60), "requests")
    assert found.peak == max(minutes)
    assert found.hit == sum(1 for count in minutes if count >= most)
    assert found.p95 == sorted(minutes)[56]
