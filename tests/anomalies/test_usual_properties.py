"""What is usual does not depend on the currency, the week or the sensitivity in any way that surprises."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costwatch.anomalies.state import SENSITIVITIES, Lesson, Settings
from costwatch.anomalies.usual import Usual, profile
from costwatch.anomalies.words import capital, clock, day, name, percent, plain, times, usd
from tests.anomalies.test_spells import found

pytestmark = pytest.mark.thorough
MONDAY = datetime(2026, 6, 1, tzinfo=UTC)
HOUR, WEEK = timedelta(hours=1), timedelta(weeks=1)
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "America/New_York"])
money = st.decimals(0, 1_000, places=4)
weeks_of = st.lists(st.lists(money, min_size=12, max_size=12), min_size=3, max_size=6)
BERLIN = ZoneInfo("Europe/Berlin")


def hours(weeks, factor=Decimal(1)):
    """Of each week the same twelve hours (every fourteenth) with these amounts."""
    return {
        MONDAY + n * WEEK + 14 * i * HOUR: amount * factor
        for n, row in enumerate(weeks)
        for i, amount in enumerate(row)
    }


def known(weeks, place="UTC", factor=Decimal(1)):
    return profile(hours(weeks, factor), MONDAY + len(weeks) * WEEK, ZoneInfo(place), "hour")


@given(weeks_of, ZONES, st.integers(0, 167))
def test_ten_times_the_spend_is_ten_times_the_bound(weeks, place, hour):
    at = MONDAY + len(weeks) * WEEK + hour * HOUR
    one, ten = known(weeks, place).at(at), known(weeks, place, Decimal(10)).at(at)
    assert ten == Usual(one.mid * 10, one.spread * 10, one.burst * 10)
    for how in SENSITIVITIES.values():
        assert ten.bound(how) == one.bound(how) * 10


@given(weeks_of, ZONES, st.integers(0, 167))
def test_a_bound_is_never_below_what_is_expected_and_falls_with_the_sensitivity(weeks, place, hour):
    usual = known(weeks, place).at(MONDAY + len(weeks) * WEEK + hour * HOUR)
    low, normal, high = (usual.bound(SENSITIVITIES[one]) for one in ("low", "normal", "high"))
    assert 0 <= usual.mid <= high <= normal <= low
    assert usual.spread >= 0 and usual.burst >= 0


@given(money, st.integers(2, 6), st.integers(0, 500))
def test_what_never_changes_is_expected_to_the_cent(amount, weeks, hour):
    amounts = {MONDAY + n * HOUR: amount for n in range(weeks * 168)}
    usual = profile(amounts, MONDAY + weeks * WEEK, ZoneInfo("UTC"), "hour").at(MONDAY + hour * HOUR)
    assert usual == Usual(amount, Decimal(0), Decimal(0))
    assert usual.bound(SENSITIVITIES["normal"]) == 2 * amount


@given(weeks_of, ZONES)
def test_hours_without_spend_say_the_same_written_down_or_not(weeks, place):
    bare = hours(weeks)
    full = {MONDAY + n * HOUR: Decimal(0) for n in range(len(weeks) * 168)} | bare
    until = MONDAY + len(weeks) * WEEK
    one, other = (profile(amounts, until, ZoneInfo(place), "hour") for amounts in (bare, full))
    for hour in range(0, 168, 7):
        assert one.at(until + hour * HOUR) == other.at(until + hour * HOUR)


@pytest.mark.parametrize("place", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
def test_every_day_of_a_year_is_measured_as_its_own_weekday_also_where_the_clocks_change(place):
    zone = ZoneInfo(place)
    midnights = [datetime(2026, 1, 5, tzinfo=zone) + timedelta(days=n) for n in range(364)]
    amounts = {at.astimezone(UTC): Decimal(100 if at.weekday() == 0 else 1 + at.weekday()) for at in midnights}
    for number in range(56, 363):
        at = midnights[number].astimezone(UTC)
        past = {start: usd for start, usd in amounts.items() if at - 8 * WEEK <= start < at}
        usual = profile(past, at, zone, "day").at(at)
        own = amounts[at]
        assert abs(usual.mid - own) < abs(usual.mid - (Decimal(100) if own != 100 else Decimal(1))), at


@pytest.mark.parametrize(("amount", "told"), [
    ("0", "$0.00"), ("0.004", "$0.00400"), ("0.0001234", "$0.000123"), ("0.01", "$0.01"), ("1234.565", "$1,234.56"),
    ("1000000", "$1,000,000.00"), ("0.000000000001", "$0.00000000000100"),
])  # fmt: skip
def test_dollars_in_sentences_have_cents_or_three_digits(amount, told):
    assert usd(Decimal(amount)) == told


@pytest.mark.parametrize(
    ("ratio", "told"), [("2.14", "2.1 ×"), ("9.9", "9.9 ×"), ("10", "10 ×"), ("1234.5", "1,234 ×")]
)
def test_ratios_have_one_digit_below_ten(ratio, told):
    assert times(Decimal(ratio)) == told


@pytest.mark.parametrize(("share", "told"), [
    (0.042, "4.2 %"), (Decimal("0.35"), "35 %"), (0, "0.0 %"), (1, "100 %"), (0.1, "10 %"),
])  # fmt: skip
def test_shares_are_percentages(share, told):
    assert percent(share) == told


@pytest.mark.parametrize(("dimension", "value", "told"), [
    ("agent", "triage", "agent triage"), ("key", "prod", "API key prod"), ("tag.customer", "Orbit", "customer Orbit"),
    ("agent", "", "usage without agent"), ("key", "", "usage without API key"),
    ("model", "x" * 80, "model " + "x" * 80),
    ("model", "x" * 81, "model " + "x" * 79 + "…"),
])  # fmt: skip
def test_a_value_is_named_with_what_it_is(dimension, value, told):
    assert name(dimension, value) == told


def test_times_are_those_of_the_zone_and_sentences_begin_large():
    at = datetime(2026, 11, 18, 23, 30, tzinfo=UTC)
    assert (clock(at, BERLIN), day(at, BERLIN)) == ("Thu 19 Nov 00:30", "Thu 19 Nov")
    assert (capital("iPhone agent"), capital(""), capital("ß")) == ("IPhone agent", "", "SS")
    assert plain(Decimal("1.5")) == "1.500000000000"


@pytest.mark.parametrize(("level", "hours_", "finding", "covered"), [
    (None, None, (Decimal(10**9), None), True), ("30", None, (Decimal(30), 14), True),
    ("30", None, (Decimal("30.01"), 14), False),
    ("30", {14}, (Decimal(1), 14), True), ("30", {14}, (Decimal(1), 15), False), ("30", {14}, (Decimal(1), None), True),
    (None, {0, 23}, (Decimal(1), 23), True), (None, set(), (Decimal(1), 0), False),
])  # fmt: skip
def test_a_lesson_holds_up_to_its_level_at_its_hours(level, hours_, finding, covered):
    lesson = Lesson("spend", "agent", "a", None if level is None else Decimal(level),
                    None if hours_ is None else frozenset(hours_))  # fmt: skip
    assert lesson.covers(found(level=finding[0], hour=finding[1])) is covered
    for other in ({"value": "b"}, {"dimension": "model"}, {"detector": "newcomer"}):
        assert not lesson.covers(found(level=Decimal(0), hour=14, **other))


def test_the_defaults_are_those_of_the_documentation():
    assert (Settings().floor, Settings().sensitivity, Settings().off) == (Decimal(10), "normal", frozenset())
    assert [SENSITIVITIES[name].times for name in ("low", "normal", "high")] == [3, 2, Decimal("1.5")]
