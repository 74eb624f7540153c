"""Rules that hold for every amount, number and time that is told, found by trying many."""

import re
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costwatch.dashboards import display
from tests.dashboards.page import as_read

pytestmark = pytest.mark.thorough
amounts = st.decimals(min_value=Decimal(-10) ** 9, max_value=Decimal(10) ** 9, places=12)
positive = st.decimals(min_value=Decimal("1E-12"), max_value=Decimal(10) ** 9, places=12)
shares = st.decimals(min_value=0, max_value=1, places=9)


def read(text: str) -> Decimal:
    """A told amount as a number."""
    return Decimal(text.replace("−", "-").replace("$", "").replace(",", "").replace("+", ""))


def tokens(text: str) -> Decimal:
    """Told tokens as a number."""
    unit = {"k": 10**3, "M": 10**6, "B": 10**9}.get(text[-1], 1)
    return read(text.rstrip("kMB")) * unit


@given(amounts)
def test_money_is_never_off_by_more_than_half_a_cent_or_half_of_its_last_digit(amount):
    told = display.money(amount)
    half = Decimal("0.005") if abs(amount) >= Decimal("0.01") else Decimal(1).scaleb(amount.adjusted() - 2) / 2
    assert abs(read(told) - amount) <= max(half, Decimal("0.5E-10") * 2)
    assert told.startswith("−") == (read(told) < 0)
    assert re.fullmatch(r"−?\$\d{1,3}(,\d{3})*\.\d{2,10}", told)


@given(positive)
def test_what_costs_something_never_looks_like_nothing(amount):
    for told in (display.money(amount), display.unit_cost(amount), display.single_cost(amount)):
        assert any(digit in told for digit in "123456789")
    assert read(display.every_digit(amount)) == amount


@given(amounts, amounts)
def test_of_two_amounts_the_smaller_is_told_as_no_more(one, other):
    low, high = sorted((one, other))
    for tell in (display.money, display.every_digit, display.about):
        assert read(tell(low)) <= read(tell(high))


@given(amounts)
def test_a_change_has_its_sign_and_is_the_same_amount(amount):
    told = display.money_change(amount)
    assert told.lstrip("+−") == display.money(amount).lstrip("−")
    assert told.startswith("+") == (amount > 0)


@given(amounts)
def test_the_two_parts_of_a_headline_are_its_money(amount):
    whole, cents = display.headline(amount)
    if abs(amount) >= 100_000:
        assert (read(whole), cents) == (amount.quantize(Decimal(1), ROUND_HALF_EVEN), "")
    else:
        assert whole + cents == display.money(amount)


@given(st.lists(st.one_of(st.none(), amounts), max_size=8))
def test_a_column_of_amounts_has_one_width_behind_the_point_and_hides_no_amount(column):
    decimals = display.aligned_decimals(column)
    told = [display.fixed(amount, decimals) for amount in column]
    for amount, text in zip(column, told, strict=True):
        if amount is None:
            assert text == "–"
            continue
        assert len(text.partition(".")[2]) == decimals
        assert abs(read(text) - amount) <= Decimal(1).scaleb(-decimals) / 2
        assert "E" not in text
        if abs(amount) >= Decimal("1E-10"):
            assert read(text) != 0


@given(st.integers(-(10**14), 10**14))
def test_tokens_have_at_most_three_digits_and_are_off_by_less_than_a_two_hundredth(number):
    told = display.tokens(number)
    value = tokens(told)
    assert abs(value - number) <= abs(number) / Decimal(199)
    if 10_000 <= abs(number) < 10**12:
        assert len(told.strip("−kMB").replace(".", "")) == 3


@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_more_tokens_are_never_told_as_fewer(one, other):
    low, high = sorted((one, other))
    assert tokens(display.tokens(low)) <= tokens(display.tokens(high))


@given(shares, st.integers(0, 2))
def test_a_share_is_told_rounded_and_nothing_that_is_there_is_0(share, decimals):
    told = as_read(display.percent(share, decimals))
    if told.startswith("<"):
        assert 0 < share * 100 < Decimal(1).scaleb(-decimals)
    else:
        assert abs(Decimal(told.removesuffix(" %")) - share * 100) <= Decimal(1).scaleb(-decimals) / 2
        assert share == 0 or Decimal(told.removesuffix(" %")) > 0


@given(shares)
def test_coverage_is_never_rounded_up_to_everything(share):
    told = Decimal(as_read(display.coverage(share)).removesuffix(" %"))
    assert told <= share * 100
    assert (told == 100) == (share == 1)


@given(amounts, amounts)
def test_a_change_is_bad_when_dearer_and_good_when_cheaper_and_points_there(now, before):
    told = display.change(now, before)
    if before <= 0 or now == before:
        assert told.state == "muted"
        return
    ratio = (now - before) / before
    assert told.text.startswith("▲" if ratio > 0 else "▼")
    if abs(ratio) > Decimal("0.006"):
        assert told.state == ("bad" if ratio > 0 else "ok")
    assert display.change(now, before, judged=False).state == "muted"


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=900)))
def test_a_duration_can_be_read_back_to_its_last_unit(span):
    told, seconds = as_read(display.duration(span)), span.total_seconds()
    if told.endswith(" ms"):
        assert abs(float(told[:-3]) / 1000 - seconds) <= 0.00051 and seconds < 1
    elif told.endswith(" s"):
        assert abs(float(told[:-2]) - seconds) <= 0.0501 and seconds < 60
    elif told.endswith(" h"):
        days, hours = re.fullmatch(r"(\d+) d (\d+) h", told).groups()
        assert int(hours) < 24
        assert 0 <= round(seconds) - (int(days) * 86_400 + int(hours) * 3600) < 3600
    else:
        parts = [int(part) for part in told.split(":")]
        assert all(part < 60 for part in parts[1:])
        assert sum(part * 60**place for place, part in enumerate(reversed(parts))) == round(seconds)


@given(st.dates(date(1990, 1, 1), date(2099, 12, 31)), st.integers(0, 800))
def test_days_name_both_ends_and_each_part_once(first, length):
    last = first + timedelta(days=length)
    told = display.days(first, last)
    assert told.startswith(str(first.day))
    assert told.endswith(str(last.year))
    assert f"{last.day} {last:%b}" in told
    assert told.count(str(last.year)) == 1
    if first.year != last.year:
        assert f"{first.day} {first:%b} {first.year}" in told
    assert (" – " in told) == ((first.year, first.month) != (last.year, last.month))
