"""Repricing: the difference as adjustments, exact in every rollup, once however often it is applied."""

from datetime import timedelta
from decimal import Decimal

import pytest

from costwatch.ledger.fold import fold_all
from costwatch.ledger.models import Cut, Run, SpendAdjustment, SpendDay, UsageEvent
from costwatch.ledger.record import record
from costwatch.ledger.reprice import reprice
from costwatch.ledger.verify import verify
from costwatch.pricing import book
from costwatch.pricing.models import PriceComponent, PriceLine, PriceVersion
from costwatch.pricing.usage import CostSource
from tests.ledger.make import NOW, entry

pytestmark = pytest.mark.django_db
SPAN = (NOW - timedelta(days=3), NOW + timedelta(days=1))


def price(model: str, input_price: str, output_price: str, valid_from=None):
    """USD per million tokens."""
    line, _ = PriceLine.objects.get_or_create(provider="openai", model=model)
    version = PriceVersion.objects.create(line=line, valid_from=valid_from)
    for unit, usd in (("input", input_price), ("output", output_price)):
        PriceComponent.objects.create(version=version, unit=unit, price=Decimal(usd), per=1_000_000)
    return book.load(NOW)


def day_cost(cut: Cut = Cut.TOTAL) -> Decimal:
    fold_all()
    return sum(row.cost for row in SpendDay.objects.filter(cut=cut))


def test_a_dry_run_says_what_would_change_and_changes_nothing(lane):
    record(lane, [entry(model="m", input_tokens=1_000_000, output_tokens=0, cost="1")])
    found = reprice(lane, *SPAN, price("m", "3", "9"))
    assert (found.events, found.changed, found.old, found.new, found.applied) == (1, 1, Decimal(1), Decimal(3), False)
    assert [(c.model, c.events, c.new - c.old) for c in found.changes] == [("m", 1, Decimal(2))]
    assert not SpendAdjustment.objects.exists()


def test_applied_it_is_in_every_rollup_and_the_event_keeps_what_it_was(lane):
    record(lane, [entry(model="m", input_tokens=1_000_000, output_tokens=0, cost="1", run_id="r", user_id="u")])
    fold_all()
    reprice(lane, *SPAN, price("m", "3", "9"), apply=True)
    assert verify(deep=True).ok
    assert day_cost() == day_cost(Cut.USER) == Run.objects.get().cost == 3
    assert UsageEvent.objects.get().cost == 1
    assert verify(deep=True).ok


def test_applying_twice_changes_nothing_the_second_time(lane):
    record(lane, [entry(model="m", input_tokens=1_000_000, output_tokens=0, cost="1")])
    prices = price("m", "3", "9")
    assert reprice(lane, *SPAN, prices, apply=True).changed == 1
    assert reprice(lane, *SPAN, prices, apply=True).changed == 0
    assert day_cost() == 3


def test_a_price_that_arrives_late_prices_what_was_unpriced(lane):
    record(
        lane,
        [entry(model="new", cost=None, upper_bound=Decimal(9), requests=2, input_tokens=1_000_000, output_tokens=0)],
    )
    assert day_cost() == 0
    found = reprice(lane, *SPAN, price("new", "5", "9"), apply=True)
    assert [c.priced for c in found.changes] == [1]
    assert day_cost() == 5
    row = SpendDay.objects.get(cut=Cut.TOTAL)
    assert (row.unpriced_calls, row.upper_bound) == (0, 0)
    made = SpendAdjustment.objects.get()
    assert (made.cost_source, made.price_version_id is not None) == (CostSource.CATALOG, True)
    assert verify(deep=True).ok


def test_a_price_that_is_taken_back_makes_the_calls_unpriced_again(lane):
    record(lane, [entry(model="gone", cost="4")])
    price("other", "1", "2")
    reprice(lane, *SPAN, book.load(NOW), apply=True)
    row_cost = day_cost()
    assert row_cost == 0 and SpendDay.objects.get(cut=Cut.TOTAL).unpriced_calls == 1


def test_only_the_chosen_models_and_days_are_touched(lane):
    record(lane, [entry(model=m, minutes=-60 * 24 * d, input_tokens=1_000_000, output_tokens=0, cost="1")
                  for m in ("a", "b") for d in (0, 1, 9)])  # fmt: skip
    price("a", "2", "2")
    found = reprice(lane, *SPAN, price("b", "2", "2"), models=["a"], apply=True)
    assert found.changed == 2
    assert day_cost() == 6 + 2


def test_other_workspaces_are_left_alone(lane):
    record(lane + 1, [entry(model="m", cost="1")])
    assert reprice(lane, *SPAN, price("m", "3", "9")).events == 0


def test_the_cost_of_errors_moves_along(lane):
    record(lane, [entry(model="m", input_tokens=1_000_000, output_tokens=0, cost="1", error=True)])
    reprice(lane, *SPAN, price("m", "3", "9"), apply=True)
    fold_all()
    assert SpendDay.objects.get(cut=Cut.TOTAL).error_cost == 3
