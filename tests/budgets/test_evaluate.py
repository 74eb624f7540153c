"""Periods and thresholds: every instant in exactly one period of every zone, every cent in exactly one sum."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costwatch.budgets import evaluate
from costwatch.budgets.evaluate import Rule, bounds, limit, next_look, reached
from costwatch.lib.periods import Period, zone_names

ZONES = sorted(zone_names())
BERLIN = ZoneInfo("Europe/Berlin")
instants = st.datetimes(datetime(2024, 1, 1), datetime(2030, 12, 31), timezones=st.just(UTC))
amounts = st.decimals(0, 10**6, places=12, allow_nan=False, allow_infinity=False)
calendars = st.builds(
    Rule,
    st.sampled_from(sorted(evaluate.CALENDAR)),
    st.sampled_from(ZONES).map(ZoneInfo),
    st.integers(1, 7),
    st.just(Decimal(100)),
)


def rule(period="monthly", **more):
    return Rule(period, BERLIN, 1, Decimal(100), **more)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize("period", sorted(evaluate.CALENDAR))
def test_periods_of_every_zone_follow_each_other_without_gap_or_overlap(period):
    for name in ZONES:
        own = Rule(period, ZoneInfo(name), 1, Decimal(1))
        here = at("2024-03-25T00:00")
        for _ in range(16):  # days over the change of March, weeks into summer, months and years over all
            now = bounds(own, here)
            assert here in now, name
            following = bounds(own, now.end)
            assert following.start == now.end, name
            assert evaluate.before(own, following) == now, name
            here = now.end


@settings(max_examples=300, deadline=None)
@given(calendars, st.lists(st.tuples(instants, amounts), max_size=40))
def test_the_sums_of_all_periods_are_the_total_in_every_zone(own, events):
    sums: dict[Period, Decimal] = defaultdict(Decimal)
    for when, amount in events:
        period = bounds(own, when)
        assert when in period
        sums[period] += amount
    assert sum(sums.values()) == sum(amount for _, amount in events)
    ordered = sorted(sums)
    assert all(a.end <= b.start for a, b in pairwise(ordered))


@settings(max_examples=300, deadline=None)
@given(calendars, instants)
def test_every_instant_of_a_period_has_that_period(own, when):
    period = bounds(own, when)
    middle = period.start + (period.end - period.start) / 3
    for inside in (period.start, middle, period.end - timedelta(microseconds=1)):
        assert bounds(own, inside) == period
    assert bounds(own, period.end) != period


@given(amounts, st.decimals("0.01", 10**6, places=2), st.sets(st.integers(1, 1000), min_size=1, max_size=6))
def test_a_look_is_due_exactly_when_something_is_left_to_tell(spent, whole, thresholds):
    wanted = [Decimal(t) for t in thresholds]
    told = reached(spent, whole, wanted)
    assert list(told) == sorted(t for t in wanted if spent / whole * 100 >= t)
    look = next_look(whole, wanted, told)
    assert look is None or look > spent
    assert (look is None) == (len(told) == len(wanted))


def test_weeks_begin_on_their_day_and_months_on_their_first_midnight():
    assert bounds(rule("weekly"), at("2026-11-18T13:00")).start == at("2026-11-15T23:00")
    assert bounds(Rule("weekly", BERLIN, 7, Decimal(1)), at("2026-11-18T13:00")).start == at("2026-11-14T23:00")
    assert bounds(rule(), at("2026-10-31T23:00")) == Period(at("2026-10-31T23:00"), at("2026-11-30T23:00"))
    assert bounds(rule("quarterly"), at("2026-11-18T13:00")).start == at("2026-09-30T22:00")
    assert bounds(rule("yearly"), at("2026-12-31T23:00")).end == at("2027-12-31T23:00")


def test_rolling_windows_have_their_length_whatever_the_clock_does():
    over_dst = at("2026-10-25T12:00")
    assert bounds(rule("rolling_24h"), over_dst) == Period(at("2026-10-24T12:00"), over_dst)
    assert bounds(rule("rolling_30d"), over_dst).start == at("2026-09-25T12:00")


NO_PERIODS = ("", "hourly", "rolling_", "rolling_0h", "rolling_-1d", "rolling_24", "rolling_24H", "rolling_367d",
              "rolling_99999h", "rolling_1h ", "Daily", "rolling_\u0661h")  # fmt: skip


@pytest.mark.parametrize("name", NO_PERIODS)
def test_other_words_are_no_periods(name):
    assert not evaluate.is_period(name)


@given(amounts, st.decimals(0, 100, places=2))
def test_what_moves_on_is_never_negative_nor_above_its_cap(spent_before, percent):
    own = rule(carry_over=percent)
    november = bounds(own, at("2026-11-18T13:00"))
    moved = limit(own, november, spent_before) - 100
    assert 0 <= moved <= percent
    assert moved == min(max(0, 100 - spent_before), percent)


def test_planned_amounts_are_those_of_the_local_month():
    own = rule(planned={"2026-11": Decimal(7)})
    assert limit(own, bounds(own, at("2026-10-31T23:00"))) == 7
    assert limit(own, bounds(own, at("2026-10-31T22:59"))) == 100
