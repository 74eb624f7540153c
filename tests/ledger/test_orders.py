"""Repricing in the worker: counted, confirmed, applied, whatever is killed or repeated meanwhile."""

from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from costwatch.accounts.models import AuditEntry
from costwatch.ledger import orders
from costwatch.ledger.fold import fold_all
from costwatch.ledger.models import Cut, SpendAdjustment, SpendDay
from costwatch.ledger.record import record
from costwatch.ledger.tasks import reprice as task
from costwatch.ledger.verify import verify
from costwatch.pricing import agree, book
from costwatch.pricing.agreements import parse
from costwatch.pricing.models import RepriceOrder
from tests.ledger.make import NOW, entry

pytestmark = pytest.mark.django_db
EVER = (NOW - timedelta(days=900), NOW + timedelta(days=900))
State = RepriceOrder.State


@pytest.fixture(autouse=True)
def three_calls(workspace):
    """Of one, two and nine days ago, a million tokens each, unpriced; then a price."""
    book.forget()
    record(workspace.lane, [entry(model="m", provider="acme", minutes=-60 * 24 * d, cost=None, upper_bound=Decimal(9),
                                  input_tokens=1_000_000, output_tokens=0) for d in (1, 2, 9)])  # fmt: skip
    agree.add(workspace, parse({"provider": "acme", "model": "m", "input": 4, "output": 4}, ZoneInfo("UTC")), "x")
    yield
    book.forget()


def place(workspace, **options):
    return orders.place(workspace, *EVER, [], "new quote", "ek@l.example", **options)


def spent() -> Decimal:
    fold_all()
    return sum(row.cost for row in SpendDay.objects.filter(cut=Cut.TOTAL))


def test_an_order_is_counted_first_and_changes_nothing(workspace):
    order = place(workspace)
    task()
    order.refresh_from_db()
    assert (order.state, order.events, SpendAdjustment.objects.count()) == (State.COUNTED, 3, 0)
    assert [(c.model, c.events, c.old, c.new, c.priced) for c in orders.changes_of(order)] == [("m", 1, 0, 4, 1)] * 3


def test_confirmed_it_is_applied_once_and_the_books_balance(workspace):
    order = place(workspace)
    task()
    assert orders.confirm(order, "ek@l.example")
    assert not orders.confirm(order, "ek@l.example")
    task()
    task()
    order.refresh_from_db()
    assert (order.state, spent()) == (State.APPLIED, 12)
    assert verify(deep=True).ok
    assert place(workspace, apply=True) and task() is None
    assert RepriceOrder.objects.latest("pk").changes == []
    assert spent() == 12


def test_only_the_part_of_the_range_that_has_events_is_walked(workspace):
    order = place(workspace)
    assert order.end - order.start < timedelta(days=9)
    fold_all()
    folded = place(workspace)
    assert folded.start <= NOW - timedelta(days=9) and folded.end > NOW - timedelta(days=1)


def test_an_order_for_a_workspace_without_events_is_done_at_once(workspace):
    other = type(workspace).objects.create(name="Empty")
    order = orders.place(other, *EVER, [], "x", "x", apply=True)
    task()
    order.refresh_from_db()
    assert (order.state, order.events) == (State.APPLIED, 0)


def test_progress_is_kept_slice_by_slice_so_that_another_worker_goes_on(workspace):
    order = place(workspace, apply=True)
    orders.work(0)
    order.refresh_from_db()
    assert order.start < order.reached < order.end and order.state == State.APPLYING
    first = order.events
    task()
    order.refresh_from_db()
    assert order.state == State.APPLIED and order.events == 3 >= first
    assert sum(c.new for c in orders.changes_of(order)) == 12


def test_a_slice_that_fails_leaves_nothing_half_done_and_says_so(workspace, monkeypatch):
    order = place(workspace, apply=True)

    def broken(*args, **options):
        orders_reprice(*args, **options)
        raise RuntimeError("disk of glass")

    orders_reprice = orders.reprice
    monkeypatch.setattr(orders, "reprice", broken)
    task()
    order.refresh_from_db()
    assert order.state == State.FAILED and order.finished_at
    assert not SpendAdjustment.objects.exists()


def test_the_audit_log_has_who_confirmed_it_and_what_came_of_it(workspace):
    order = place(workspace)
    task()
    orders.confirm(order, "ek@l.example", "192.0.2.7")
    task()
    confirmed, applied = AuditEntry.objects.filter(action__startswith="reprice").order_by("pk")
    assert (confirmed.action, confirmed.ip, applied.action) == ("reprice.confirmed", "192.0.2.7", "reprice.applied")
    assert applied.facts["events"] == 3 and Decimal(applied.facts["difference"]) == 12
    assert applied.facts["why"] == "new quote"


def test_models_that_are_not_named_are_left_alone(workspace):
    orders.place(workspace, *EVER, ["another"], "x", "x", apply=True)
    task()
    assert spent() == 0
