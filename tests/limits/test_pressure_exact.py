"""Every figure of every limit against its definition, over minutes of several models and keys."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costwatch.limits.pressure import MEASURES, pressed
from tests.limits.test_pressure import Limited, row

pytestmark = pytest.mark.thorough
START = datetime(2026, 11, 18, 9, tzinfo=UTC)
count = st.integers(0, 30)
some = st.one_of(st.none(), st.integers(1, 60))


@dataclass
class Case:
    """Rows, a limit, and how many minutes the span has."""

    rows: list
    limit: Limited
    span: int


@st.composite
def cases(draw):
    span = draw(st.integers(1, 45))
    rows = []
    for minute in draw(st.lists(st.integers(0, span - 1), max_size=25)):
        given_input = draw(count)
        rows.append(
            row(minute, provider=draw(st.sampled_from(["openai", "openai", "google"])),
                model=draw(st.sampled_from(["m", "n"])), key=draw(st.sampled_from(["k", "l", ""])),
                requests=draw(count), input_tokens=given_input, cached_tokens=draw(st.integers(0, given_input)),
                output_tokens=draw(count), throttled=draw(st.sampled_from([0, 0, 0, 2])))
        )  # fmt: skip
    limit = Limited(model=draw(st.sampled_from(["", "m"])), key=draw(st.sampled_from(["", "k"])),
                    cached_counts=draw(st.booleans()), **{measure: draw(some) for measure in MEASURES})  # fmt: skip
    return Case(rows, limit, span)


def counts(case):
    """measure → what each minute of the span, the silent ones too, came to."""
    found = {measure: [0] * case.span for measure in MEASURES}
    refused, throttled = [False] * case.span, 0
    for one in case.rows:
        limit = case.limit
        if one.provider != "openai" or limit.model not in ("", one.model) or limit.key not in ("", one.key):
            continue
        minute = (one.at - START) // timedelta(minutes=1)
        given_input = one.input_tokens if limit.cached_counts else one.input_tokens - one.cached_tokens
        found["requests"][minute] += one.requests
        found["input_tokens"][minute] += given_input
        found["output_tokens"][minute] += one.output_tokens
        found["tokens"][minute] += given_input + one.output_tokens
        refused[minute] |= one.throttled > 0
        throttled += one.throttled
    return found, refused, throttled


@given(cases())
def test_peaks_shares_and_minutes_at_the_limit_are_those_of_the_definition(case):
    wanted, refused, throttled = counts(case)
    found = pressed(case.rows, case.limit, case.span)
    assert found.throttled == throttled
    at_limit = [*refused]
    for one in found.measures:
        minutes, most = wanted[one.measure], getattr(case.limit, one.measure)
        assert (one.limit, one.peak) == (most, max(minutes))
        assert one.peak_at is None or minutes[(one.peak_at - START) // timedelta(minutes=1)] == one.peak
        # the least number that at least 95 % of the minutes do not exceed
        assert one.p95 == min(n for n in minutes if sum(m <= n for m in minutes) >= Fraction(95, 100) * case.span)
        assert one.near == (sum(m >= Fraction(8, 10) * most for m in minutes) if most else 0)
        assert one.hit == (sum(m >= most for m in minutes) if most else 0)
        assert one.share == (one.peak / most if most else None)
        if most:
            at_limit = [before or m >= most for before, m in zip(at_limit, minutes, strict=True)]
    assert found.hit == sum(at_limit)


@given(cases())
def test_the_tightest_measure_is_one_with_the_largest_share(case):
    found = pressed(case.rows, case.limit, case.span)
    shares = [Fraction(one.peak, one.limit) for one in found.measures if one.limit]
    if shares:
        assert Fraction(found.tightest.peak, found.tightest.limit) == max(shares)
    else:
        assert found.tightest.measure == "requests"


def test_a_minute_at_the_limit_and_another_one_in_which_the_provider_refused_are_two():
    rows = [row(0, requests=10), row(5, requests=1, throttled=1), row(9, requests=12, throttled=3)]
    found = pressed(rows, Limited(requests=10), 60)
    assert (found.hit, found.throttled) == (3, 4)


@given(cases(), st.integers(0, 30))
def test_more_silent_minutes_change_no_peak_and_never_raise_what_most_minutes_stay_below(case, more):
    first, then = (pressed(case.rows, case.limit, span) for span in (case.span, case.span + more))
    assert [one.peak for one in first.measures] == [one.peak for one in then.measures]
    assert all(a.p95 >= b.p95 for a, b in zip(first.measures, then.measures, strict=True))
    assert first.hit == then.hit
