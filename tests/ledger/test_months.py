"""Closed months: they keep their sums to the last digit; what comes late counts in the open month."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costwatch.accounts.models import AuditEntry
from costwatch.ledger import months
from costwatch.ledger.fold import fold_all
from costwatch.ledger.models import ClosedMonth, Cut, Run, SpendAdjustment, SpendDay
from costwatch.ledger.record import record
from costwatch.ledger.reprice import reprice
from costwatch.ledger.verify import verify
from costwatch.pricing import book
from costwatch.pricing.models import PriceComponent
from costwatch.spend.filters import SpendFilter
from costwatch.spend.queries import query
from tests.ledger.make import entry
from tests.ledger.test_reprice import price

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
OCTOBER = date(2026, 10, 1)
NOW = datetime(2026, 11, 3, 9, tzinfo=UTC)
# Berlin: October ends at 23:00 UTC of the 31st
START, END = datetime(2026, 9, 30, 22, tzinfo=UTC), datetime(2026, 10, 31, 23, tzinfo=UTC)


def call(at: datetime, cost: str | None = "1", **fields: object):
    return replace_time(entry(cost=cost, **fields), at)


def replace_time(event, at):
    event.timestamp = at
    return event


def spent(workspace, start=START, end=END) -> Decimal:
    return query(workspace, SpendFilter(start, end, {}, {})).total.cost


def close(workspace, now=NOW):
    return months.close(workspace, OCTOBER, "Ada", now)


def test_a_closed_month_knows_what_it_came_to(workspace):
    record(workspace.lane, [call(START), call(END - timedelta(seconds=1), "2"), call(END, "4")])
    closed = close(workspace)
    assert (closed.month, closed.start, closed.end) == (OCTOBER, START, END)
    assert (closed.cost, closed.calls) == (Decimal(3), 2)
    assert AuditEntry.objects.get(action="month.closed").facts["cost"] == "3.000000000000"


def test_an_event_that_comes_late_counts_in_the_open_month(workspace):
    record(workspace.lane, [call(START + timedelta(days=3), agent_id="a")])
    close(workspace)
    record(workspace.lane, [call(START + timedelta(days=4), "5", agent_id="b", run_id="r"), call(NOW, "7")])
    for _ in range(2):
        assert (spent(workspace), spent(workspace, END, NOW + timedelta(hours=1))) == (1, 12)
        fold_all()
    november = query(workspace, SpendFilter(END, END + timedelta(days=1), {}, {}), ["agent"])
    assert [(g.values["agent"], g.sums.cost, g.sums.calls) for g in november.groups] == [("b", 5, 1)]
    assert Run.objects.get(run_id="r").cost == 5
    assert Run.objects.get(run_id="r").last_at < END
    assert verify(deep=True).ok


def test_what_is_moved_is_told_apart_by_its_reason(workspace):
    close(workspace)
    record(workspace.lane, [call(START + timedelta(days=4), "5")])
    out, into = SpendAdjustment.objects.order_by("occurred_at")
    assert (out.cost, out.events, into.cost, into.events) == (-5, -1, 5, 1)
    assert (into.occurred_at, into.reason) == (END, "came after its month was closed")


def test_a_duplicate_of_a_late_event_moves_nothing_again(workspace):
    close(workspace)
    late = [call(START + timedelta(days=4), "5", event_id="e")]
    assert record(workspace.lane, late) == []
    assert record(workspace.lane, [call(START + timedelta(days=4), "5", event_id="e")]) == [0]
    assert SpendAdjustment.objects.count() == 2


def test_repricing_a_closed_month_puts_the_difference_into_the_open_one(workspace):
    record(workspace.lane, [call(START + timedelta(days=2), "1", model="m", input_tokens=1_000_000, output_tokens=0)])
    close(workspace)
    prices = price("m", "3", "9")
    dry = reprice(workspace.lane, START, END, prices)
    assert (dry.new - dry.old, dry.carried) == (2, 2)
    assert reprice(workspace.lane, START, END, prices, apply=True).changed == 1
    assert (spent(workspace), spent(workspace, END, NOW)) == (1, 2)
    assert reprice(workspace.lane, START, END, prices, apply=True).changed == 0
    fold_all()
    assert (spent(workspace), spent(workspace, END, NOW)) == (1, 2)
    assert verify(deep=True).ok


def test_a_month_reopened_takes_corrections_again_and_none_twice(workspace):
    record(workspace.lane, [call(START + timedelta(days=2), "1", model="m", input_tokens=1_000_000, output_tokens=0)])
    close(workspace)
    reprice(workspace.lane, START, END, price("m", "3", "9"), apply=True)
    months.reopen(workspace, OCTOBER, "Ada")
    PriceComponent.objects.filter(unit="input").update(price=4)
    prices = book.load(NOW)
    assert reprice(workspace.lane, START, END, prices, apply=True).changed == 1
    assert (spent(workspace), spent(workspace, END, NOW)) == (2, 2)
    assert verify(deep=True).ok


def test_a_month_that_is_not_over_cannot_be_closed(workspace):
    with pytest.raises(months.CannotClose, match="from Sun 1 Nov 2026 01:00 Europe/Berlin on"):
        close(workspace, END + timedelta(minutes=59))
    close(workspace, END + timedelta(minutes=60))


def test_a_month_is_closed_once_and_only_the_last_can_be_reopened(workspace):
    close(workspace)
    with pytest.raises(months.CannotClose, match="closed already"):
        close(workspace)
    with pytest.raises(months.CannotClose, match="closed already"):
        months.close(workspace, date(2026, 9, 1), "Ada", NOW)
    with pytest.raises(months.CannotClose, match="only October 2026"):
        months.reopen(workspace, date(2026, 9, 1), "Ada")
    months.reopen(workspace, OCTOBER, "Ada")
    assert not ClosedMonth.objects.exists()
    with pytest.raises(months.CannotClose, match="no month is closed"):
        months.reopen(workspace, OCTOBER, "Ada")


def test_verify_says_when_a_closed_month_has_changed(workspace):
    record(workspace.lane, [call(START)])
    close(workspace)
    ClosedMonth.objects.update(cost=Decimal("0.5"))
    report = verify()
    assert not report.ok
    assert "closed October 2026 had 1 calls, 0.500000000000 USD, now 1, 1.000000000000" in report.differences[0]


def test_a_change_of_zone_moves_no_closed_month(workspace):
    record(workspace.lane, [call(START), call(END, "4")])
    close(workspace)
    type(workspace).objects.update(time_zone="Asia/Kathmandu")
    record(workspace.lane, [call(END - timedelta(hours=3), "8")])
    assert verify().ok


def test_another_workspace_is_not_closed_with_it(workspace):
    other = type(workspace).objects.create(name="Other", time_zone="Europe/Berlin")
    close(workspace)
    record(other.lane, [call(START)])
    assert not SpendAdjustment.objects.exists()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.integers(-40 * 24, 3 * 24), st.integers(0, 9), st.booleans()), min_size=1, max_size=12))
def test_whatever_comes_after_the_closing_the_closed_month_stands_and_nothing_is_lost(workspace, calls):
    ClosedMonth.objects.all().delete()
    before = spent(workspace, START - timedelta(days=60), NOW + timedelta(days=9))
    record(workspace.lane, [call(END + timedelta(hours=h), str(c)) for h, c, early in calls if early])
    closed = close(workspace)
    record(workspace.lane, [call(END + timedelta(hours=h), str(c)) for h, c, early in calls if not early])
    fold_all()
    assert spent(workspace) == closed.cost
    all_of_it = spent(workspace, START - timedelta(days=60), NOW + timedelta(days=9))
    assert all_of_it - before == sum(c for _, c, _ in calls)
    assert SpendDay.objects.filter(cut=Cut.TOTAL).aggregate(Sum("cost"))["cost__sum"] == all_of_it
    assert verify().ok
