"""An order for repricing goes its way through its states and no other; what it changes is told day by day."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from costwatch.accounts.models import AuditEntry, Workspace
from costwatch.ledger import commands, months, orders
from costwatch.ledger.models import SpendAdjustment
from costwatch.ledger.record import record
from costwatch.ledger.reprice import Change, Repricing
from costwatch.ledger.verify import verify
from costwatch.pricing import agree, book
from costwatch.pricing.agreements import parse
from costwatch.pricing.models import RepriceOrder
from costwatch.pricing.usage import CostSource
from costwatch.spend.filters import SpendFilter
from costwatch.spend.queries import query
from tests.ledger.make import entry

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
State = RepriceOrder.State
AT = datetime(2025, 10, 30, 21, tzinfo=UTC)
SPAN = (AT - timedelta(days=5), AT + timedelta(days=5))


@pytest.fixture(autouse=True)
def calls(workspace):
    """A million tokens of two models every twelve hours, recorded at a dollar; one of them costs four now."""
    book.forget()
    record(workspace.lane, [
        entry(f"{model}-{n}", model=model, provider="acme", timestamp=AT + timedelta(hours=12 * n), cost="1",
              cost_source=CostSource.OVERRIDE, input_tokens=1_000_000, output_tokens=0)
        for model in ("large", "small") for n in range(4)
    ])  # fmt: skip
    for model, usd in (("large", 4), ("small", 1)):
        agree.add(
            workspace, parse({"provider": "acme", "model": model, "input": usd, "output": 1}, ZoneInfo("UTC")), "x"
        )
    yield
    book.forget()


def place(workspace, models=(), reason="new quote", **options):
    return orders.place(workspace, *SPAN, models, reason, "ada@l.example", **options)


def spent(workspace):
    return query(workspace, SpendFilter(*SPAN)).total.cost


@pytest.mark.parametrize(
    ("state", "after_work", "confirmed"),
    [
        (State.COUNTING, State.COUNTED, False),
        (State.COUNTED, State.COUNTED, True),
        (State.APPLYING, State.APPLIED, False),
        (State.APPLIED, State.APPLIED, False),
        (State.FAILED, State.FAILED, False),
    ],
)
def test_work_moves_what_is_under_way_and_only_what_was_counted_can_be_confirmed(
    workspace, state, after_work, confirmed
):
    order = place(workspace)
    RepriceOrder.objects.filter(pk=order.pk).update(state=state)
    assert orders.confirm(order, "ada@l.example") is confirmed
    order.refresh_from_db()
    assert order.state == (State.APPLYING if confirmed else state)
    RepriceOrder.objects.filter(pk=order.pk).update(state=state)
    orders.work(60)
    order.refresh_from_db()
    assert order.state == after_work
    assert SpendAdjustment.objects.exists() is (state == State.APPLYING)


def test_what_was_counted_is_what_is_applied_by_local_day_and_model(workspace):
    order = place(workspace)
    orders.work(60)
    order.refresh_from_db()
    counted = orders.changes_of(order)
    days = [AT + timedelta(hours=12 * n) for n in range(4)]
    local = sorted({day.astimezone(ZoneInfo("Europe/Berlin")).date() for day in days})
    assert [(c.day, c.model) for c in counted if c.events] == [(day, "large") for day in local]
    assert (sum(c.events for c in counted), sum(c.new - c.old for c in counted)) == (4, 12)
    assert orders.confirm(order, "grace@l.example")
    order.refresh_from_db()
    assert (order.events, order.changes, order.reached) == (0, [], order.start)
    orders.work(60)
    order.refresh_from_db()
    assert orders.changes_of(order) == counted and order.events == 8
    assert spent(workspace) == 8 + 12
    assert [e.actor for e in AuditEntry.objects.filter(action__startswith="reprice.").order_by("pk")] == [
        "grace@l.example", "ada@l.example",
    ]  # fmt: skip
    assert verify(deep=True).ok


def test_orders_are_worked_on_in_the_order_in_which_they_came_each_workspace_for_itself(workspace):
    other = Workspace.objects.create(name="Other", time_zone="UTC")
    record(other.lane, [entry("large-0", model="large", provider="acme", timestamp=AT, cost="1")])
    first, second = place(other, apply=True), place(workspace, apply=True)
    orders.work(0)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.reached > first.start or first.state == State.APPLIED) and second.reached == second.start
    orders.work(60)
    second.refresh_from_db()
    assert second.state == State.APPLIED and spent(workspace) == 20
    assert spent(other) == 0  # where nobody agreed on a price the call has none now


def test_a_second_order_finds_nothing_to_change_and_one_of_another_model_neither(workspace):
    for models in ((), ("large",), ("small",)):
        place(workspace, models, apply=True)
        orders.work(60)
    found = [
        [(c.events, c.new - c.old) for c in orders.changes_of(order)] for order in RepriceOrder.objects.order_by("pk")
    ]
    assert sum(n for n, _ in found[0]) == 4 and found[1:] == [[], []]


def test_what_is_corrected_in_a_closed_month_is_told_and_counts_in_the_open_one(workspace, capsys):
    months.close(workspace, AT.date(), "Ada", datetime(2026, 1, 1, tzinfo=UTC))
    october = SpendFilter(SPAN[0], datetime(2025, 10, 31, 23, tzinfo=UTC))
    before = query(workspace, october).total.cost
    commands.reprice("2025-10-25", "2025-11-05", [], apply=True, workspace=workspace.name)
    said = capsys.readouterr().out.splitlines()[0]
    assert said == (
        "Larkfield Support: 8 events looked at, 4 repriced: $4.000000000000 → $16.000000000000, +12.000000000000."
        " +9.000000000000 of it counts in the open month, for its own is closed."
    )
    assert query(workspace, october).total.cost == before
    assert spent(workspace) == 20


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (Repricing(), "0 events looked at, all have the price of now."),
        (Repricing(12_345), "12,345 events looked at, all have the price of now."),
        (Repricing(9, 2, Decimal("1.5"), Decimal(1)),
         "9 events looked at, 2 would change (repeat with --apply): $1.5 → $1, -0.5."),
        (Repricing(9, 2, Decimal(0), Decimal("1E-12"), applied=True),
         "9 events looked at, 2 repriced: $0 → $0.000000000001, +0.000000000001."),
    ],
)  # fmt: skip
def test_a_repricing_is_told_in_one_sentence(found, said):
    assert commands.told(found) == said


def test_the_table_of_changes_is_aligned_and_its_amounts_are_written_out():
    rows = [
        Change(datetime(2026, 11, 1, tzinfo=UTC).date(), "m", 1, Decimal("1E-12"), Decimal(0), 0),
        Change(datetime(2026, 11, 2, tzinfo=UTC).date(), "a-long-name", 12_345, Decimal(5), Decimal("7.25"), 0),
    ]
    assert commands.table([]) == []
    assert commands.table(rows) == [
        "  day         model        events             old   new       difference",
        "  2026-11-01  m                 1  0.000000000001     0  -0.000000000001",
        "  2026-11-02  a-long-name  12,345               5  7.25            +2.25",
    ]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-03-29", datetime(2026, 3, 28, 23, tzinfo=UTC)),
        ("2026-03-29T03:00", datetime(2026, 3, 29, 1, tzinfo=UTC)),
        ("2026-11-17T16:00Z", datetime(2026, 11, 17, 16, tzinfo=UTC)),
        ("2026-11-17T16:00+05:45", datetime(2026, 11, 17, 10, 15, tzinfo=UTC)),
    ],
)
def test_a_date_as_typed_is_the_workspaces_unless_it_has_an_offset(workspace, text, at):
    assert commands.moment(text, workspace) == at
