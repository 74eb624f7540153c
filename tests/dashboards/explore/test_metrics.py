"""What each measure is, how it reads, and when it is not known."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costwatch.dashboards.explore.metrics import METRICS
from costwatch.spend.sums import Sums, add
from tests.dashboards.page import as_read

SUMS = Sums(events=5, calls=10, errors=1, runs=4, unpriced_calls=2, input_tokens=3_000, cached_input_tokens=750,
            cache_write_tokens=20, output_tokens=1_000, reasoning_tokens=400, cost=Decimal("2.40"),
            error_cost=Decimal("0.30"))  # fmt: skip
UNPRICED = Sums(events=1, calls=3, unpriced_calls=3, input_tokens=10)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [("cost", Decimal("2.40"), "$2.40"), ("calls", 10, "10"), ("input_tokens", 3_000, "3,000"),
     ("cached_input_tokens", 750, "750"), ("cache_write_tokens", 20, "20"), ("output_tokens", 1_000, "1,000"),
     ("reasoning_tokens", 400, "400"), ("cost_per_call", Decimal("0.30"), "$0.300"),
     ("cost_per_run", Decimal("0.60"), "$0.600"), ("cost_per_session", Decimal("0.60"), "$0.600"),
     ("cost_per_1m_tokens", Decimal("600"), "$600"),
     ("error_cost", Decimal("0.30"), "$0.30"), ("error_share", Decimal("0.1"), "10.0 %"),
     ("cached_share", Decimal("0.25"), "25.0 %")],
)  # fmt: skip
def test_every_measure_of_the_same_sums(name, value, text):
    assert METRICS[name].of(SUMS) == value
    assert as_read(METRICS[name].shown(SUMS)) == text


def test_a_call_without_a_price_takes_no_part_in_the_cost_per_call():
    assert METRICS["cost_per_call"].of(SUMS) == Decimal("2.40") / 8


@pytest.mark.parametrize("name", ["cost", "error_cost", "cost_per_call", "cost_per_run", "cost_per_1m_tokens"])
def test_money_of_what_has_no_price_at_all_is_unpriced_and_never_zero(name):
    assert METRICS[name].of(UNPRICED) is None
    assert METRICS[name].shown(UNPRICED) == "unpriced"
    assert METRICS[name].exported(UNPRICED) is None


@pytest.mark.parametrize("name", ["cost_per_call", "cost_per_run", "cost_per_1m_tokens", "error_share", "cached_share"])
def test_a_ratio_with_nothing_to_divide_by_is_not_known(name):
    assert METRICS[name].of(Sums()) is None
    assert METRICS[name].shown(Sums()) == "–"
    assert METRICS[name].exported(Sums()) is None


@given(st.lists(st.tuples(st.integers(1, 10**6), st.integers(0, 10**9)), min_size=2, max_size=5))
def test_the_ratio_of_a_whole_is_that_of_its_sums_not_the_mean_of_its_parts(parts):
    rows = [Sums(calls=calls, runs=calls, cost=Decimal(cost)) for calls, cost in parts]
    whole = METRICS["cost_per_run"].of(add(rows))
    assert whole == Decimal(sum(cost for _, cost in parts)) / sum(calls for calls, _ in parts)


@pytest.mark.parametrize(
    ("name", "now", "before", "difference", "state"),
    [("cost", {"cost": Decimal(3)}, {"cost": Decimal(2)}, "+$1.00", "bad"),
     ("cost", {"cost": Decimal(2)}, {"cost": Decimal("2.5")}, "−$0.50", "ok"),
     ("calls", {}, {"calls": 12}, "−2", "muted"),
     ("cached_share", {"cached_input_tokens": 1500}, {}, "+25.0 pt", "ok"),
     ("error_share", {"errors": 0}, {}, "−10.0 pt", "ok"),
     ("output_tokens", {"output_tokens": 2_500_000}, {}, "+2.50M", "muted")],
)  # fmt: skip
def test_a_change_has_its_amount_and_says_whether_it_is_good_news(name, now, before, difference, state):
    fields = {name: getattr(SUMS, name) for name in Sums.__slots__}
    one, other = Sums(**{**fields, **now}), Sums(**{**fields, **before})
    metric = METRICS[name]
    assert as_read(metric.difference_text(metric.difference(one, other))) == difference
    assert metric.change(one, other).state == state


def test_what_is_unpriced_on_one_side_has_no_difference():
    cost = METRICS["cost"]
    assert cost.difference(SUMS, UNPRICED) is None
    assert cost.difference_text(None) == cost.change(SUMS, UNPRICED).text == "–"


def test_files_have_whole_counts_and_twelve_places_of_money():
    assert METRICS["calls"].exported(SUMS) == 10
    assert str(METRICS["cost_per_run"].exported(Sums(runs=3, calls=1, cost=Decimal(1)))) == "0.333333333333"
    assert [METRICS[name].column for name in ("cost", "calls", "cached_share")] == ["cost_usd", "calls", "cached_share"]
