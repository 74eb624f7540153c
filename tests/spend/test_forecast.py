"""What the coming days will cost: a flat past goes on, weekdays keep their share, too little is no forecast."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.forecast import cases, wape
from costwatch.spend.forecast import forecast, outlook, run_rate

pytestmark = pytest.mark.thorough

MONDAY = date(2026, 10, 5)
DAY = timedelta(days=1)
CENT = Decimal("0.01")
amounts = st.decimals(0, 100_000, places=2)
pasts = st.lists(amounts, min_size=7, max_size=90).filter(lambda past: past[0] > 0)


def days(past, first=MONDAY):
    """A history that begins on a Monday."""
    return [(first + DAY * n, Decimal(amount)) for n, amount in enumerate(past)]


def ahead(history, n):
    """The forecast of the next n days."""
    return forecast(history, history[-1][0] + DAY * n)


@pytest.mark.parametrize("length", [7, 13, 14, 56, 90])
def test_a_flat_past_goes_on(length):
    found = ahead(days(["12.34"] * length), 10)
    assert found.mid == Decimal("123.40")
    assert {amount for _, amount in found.daily} == {Decimal("12.34")}


def test_less_than_a_week_is_not_enough():
    assert ahead(days(["5"] * 6), 10) is None
    assert forecast([], MONDAY) is None


def test_days_before_the_first_that_cost_something_are_no_history():
    assert ahead(days(["0"] * 50 + ["5"] * 6), 10) is None
    assert ahead(days(["0"] * 50 + ["5"] * 7), 10).method == "last7"


def test_a_past_that_cost_nothing_forecasts_nothing():
    assert ahead(days(["0"] * 60), 10) is None


@pytest.mark.parametrize(("length", "method"), [(7, "last7"), (13, "last7"), (14, "weekday"), (56, "weekday")])
def test_a_fortnight_is_needed_to_know_weekdays(length, method):
    assert ahead(days(["5"] * length), 3).method == method


def test_weekdays_keep_their_share():
    week = ["100"] * 5 + ["50"] * 2
    found = ahead(days(week * 8), 7)
    by_day = [amount for _, amount in found.daily]
    assert all(abs(amount - 100) < 5 for amount in by_day[:5])
    assert all(abs(amount - 50) < 5 for amount in by_day[5:])


def test_an_office_that_is_closed_at_weekends_is_not_forecast_too_low():
    # days with next to nothing say little about how high spend is; counted in full they took 28 % off this forecast
    found = ahead(days((["100"] * 5 + ["0"] * 2) * 8), 7)
    assert abs(found.mid - 500) < 25


def test_a_rise_is_followed_within_two_weeks():
    found = ahead(days(["100"] * 42 + ["200"] * 14), 7)
    assert 1250 < found.mid < 1400


def test_days_without_a_row_cost_nothing():
    whole = days((["100"] * 5 + ["0"] * 2) * 8)
    assert ahead(whole, 7) != ahead(whole[:20], 7)
    gaps = [row for row in whole[:-2] if row[1]] + whole[-2:]
    assert ahead(gaps, 7) == ahead(whole, 7)


def test_a_day_below_zero_counts_as_nothing():
    past = ["10"] * 30
    assert ahead(days([*past[:20], "-5", *past[:9]]), 7) == ahead(days([*past[:20], "0", *past[:9]]), 7)


def test_the_days_add_up_to_the_forecast():
    found = ahead(days(["0.333", "0.107", "0.049"] * 10), 17)
    assert sum(amount for _, amount in found.daily) == found.mid
    assert found.daily[0][0] == MONDAY + DAY * 30 and len(found.daily) == 17


def test_a_steady_past_makes_a_narrower_band_than_a_restless_one():
    steady, restless = ahead(days(["10", "11"] * 70), 5), ahead(days(["1", "30", "4"] * 46), 5)
    width = [(found.high - found.low) / found.mid for found in (steady, restless)]
    assert width[0] < width[1] / 2


def test_no_day_left_is_an_error_of_the_caller():
    with pytest.raises(ValueError, match="after the last day"):
        ahead(days(["1"] * 20), 0)
    with pytest.raises(ValueError, match="weekday"):
        forecast(days(["1"] * 20), MONDAY + DAY * 30, method="trend")


@settings(deadline=None, max_examples=60)
@given(pasts, st.integers(1, 40))
def test_the_band_holds_the_forecast_and_nothing_is_negative(past, n):
    found = ahead(days(past), n)
    if found is not None:
        assert 0 <= found.low <= found.mid <= found.high


@settings(deadline=None, max_examples=60)
@given(pasts, st.integers(1, 40), st.sampled_from([10, 100, 1000]))
def test_a_hundred_times_the_spend_is_a_hundred_times_the_forecast(past, n, factor):
    small, large = ahead(days(past), n), ahead(days([amount * factor for amount in past]), n)
    if small is not None:
        for name in ("low", "mid", "high"):
            assert abs(getattr(large, name) - getattr(small, name) * factor) <= factor * CENT


@settings(deadline=None, max_examples=40)
@given(st.lists(amounts, min_size=60, max_size=80), st.lists(amounts, min_size=1, max_size=20))
def test_what_comes_later_changes_no_forecast_made_before(past, later):
    history, origin = days(past + later), MONDAY + DAY * len(past)
    known = [row for row in history if row[0] < origin]
    assert forecast(known, origin + DAY * 20) == forecast(days(past), origin + DAY * 20)


@settings(deadline=None, max_examples=40)
@given(st.lists(amounts, min_size=1, max_size=30), st.lists(amounts, min_size=56, max_size=56))
def test_what_is_older_than_eight_weeks_changes_the_band_only(old, recent):
    if any(recent) and recent[0] > 0 and old[0] > 0:
        first = MONDAY - DAY * len(old)
        assert ahead(days(old + recent, first), 9).mid == ahead(days(recent), 9).mid


def test_a_period_costs_what_is_spent_and_what_is_to_come():
    coming = ahead(days(["10"] * 30), 5)
    assert outlook(Decimal(100), Decimal(4), coming).mid == 150


def test_a_day_that_cost_more_than_thought_costs_at_least_that():
    coming = ahead(days(["10"] * 30), 5)
    found = outlook(Decimal(100), Decimal(70), coming)
    assert found.mid == 100 + 70 + 40
    assert found.low >= 170 and found.high >= found.mid


def test_the_run_rate_goes_on_as_it_began():
    assert run_rate(Decimal(100), Decimal(10), 30) == 300
    assert run_rate(Decimal(100), Decimal("10.5"), 31) == Decimal("295.24")


def test_on_public_series_it_beats_the_run_rate_and_its_band_holds_what_it_promises():
    found = list(cases())
    assert len(found) > 2_000
    assert wape(found, "weekday") < 0.145 < wape(found, "run-rate")
    assert wape(found, "weekday") < wape(found, "last7")
    assert 0.75 < sum(case.in_band for case in found) / len(found) < 0.85
