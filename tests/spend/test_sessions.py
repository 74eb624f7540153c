"""What conversations cost, one by one and all together."""

from datetime import timedelta
from decimal import Decimal

import pytest

from costwatch.accounts.models import Workspace
from costwatch.ledger.fold import fold_all
from costwatch.ledger.record import record
from costwatch.spend.bounds import bounded
from costwatch.spend.filters import SpendFilter
from costwatch.spend.sessions import sessions
from tests.ledger.make import NOW, entry

DAY = 24 * 60


@pytest.fixture
def workspace(db) -> Workspace:
    return Workspace.objects.create(name="W", time_zone="UTC")


def span(days: int = 10, **include: tuple[str, ...]) -> SpendFilter:
    midnight = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
    return SpendFilter(midnight - timedelta(days=days - 1), midnight + timedelta(days=1), include)


def talk(name: str, *costs: str | None, **fields):
    return [entry(minutes=-30 + n, session_id=name, cost=cost, **fields) for n, cost in enumerate(costs)]


def test_a_session_is_the_sum_of_its_calls_folded_or_not(workspace):
    record(workspace.lane, talk("s-1", "1", "2", run_id="r-1"))
    fold_all()
    record(workspace.lane, [*talk("s-1", "4", run_id="r-2", error=True), *talk("s-2", "0.5"), entry(cost="9")])
    found = sessions(workspace, span())
    first = found.rows[0]
    assert (first.session_id, first.cost, first.calls, first.runs, first.errors) == ("s-1", 7, 3, 2, 1)
    assert first.duration == timedelta(minutes=1)
    assert (found.count, found.total, found.more) == (2, Decimal("7.5"), False)


def test_percentiles_and_bars_are_those_of_the_sessions_with_a_price(workspace):
    record(workspace.lane, [e for n in range(1, 11) for e in talk(f"s-{n}", f"0.0{n:02}")] + talk("new", None))
    found = sessions(workspace, span())
    assert (found.count, found.with_cost) == (11, 10)
    assert (found.p50, found.p90, found.p99) == (Decimal("0.005"), Decimal("0.009"), Decimal("0.010"))
    assert [(bar.low, bar.sessions) for bar in found.bars] == [
        (Decimal("0.001"), 1),
        (Decimal("0.002"), 3),
        (Decimal("0.005"), 5),
        (Decimal("0.01"), 1),
    ]
    assert sum(bar.cost for bar in found.bars) == found.total


def test_what_costs_nothing_or_very_much_has_a_bar_too(workspace):
    record(workspace.lane, talk("free", "0") + talk("dear", "123456"))
    assert [(bar.low, bar.high, bar.sessions) for bar in sessions(workspace, span()).bars] == [
        (None, Decimal("0.00001"), 1),
        (Decimal("50000"), None, 1),
    ]


def test_conditions_choose_calls(workspace):
    record(workspace.lane, talk("s-1", "1", agent_id="a", user_id="u") + talk("s-1", "5", agent_id="b"))
    record(workspace.lane, talk("s-2", "1", agent_id="b", tags={"customer": "x"}))
    assert [(r.session_id, r.cost) for r in sessions(workspace, span(agent=("a",))).rows] == [("s-1", 1)]
    assert [(r.session_id, r.cost) for r in sessions(workspace, span(user=("u",))).rows] == [("s-1", 1)]
    assert [r.session_id for r in sessions(workspace, span(**{"tag.customer": ("x",)})).rows] == ["s-2"]


@pytest.mark.parametrize(
    ("order", "first"),
    [("-cost", "b"), ("cost", "a"), ("-calls", "a"), ("started", "b"), ("-started", "a"), ("-duration", "a")],
)
def test_sessions_sort_and_come_in_pages(workspace, order, first):
    record(workspace.lane, [*talk("a", "0.1", "0.1"), entry(minutes=-60, session_id="b", cost="1")])
    page = sessions(workspace, span(), order, limit=1)
    assert page.rows[0].session_id == first
    assert page.more
    rest = sessions(workspace, span(), order, limit=1, offset=1)
    assert {page.rows[0].session_id, rest.rows[0].session_id} == {"a", "b"}
    assert not rest.more
    assert rest.count == 2
    beyond = sessions(workspace, span(), order, limit=1, offset=9)
    assert (beyond.rows, beyond.count) == ([], 2)


def test_only_so_many_calls_are_read_the_newest_days(workspace):
    record(workspace.lane, [entry(minutes=-n * DAY, session_id=f"s-{n}") for n in range(8)])
    assert bounded(workspace, span(), 100).start == span().start
    assert bounded(workspace, span(), 3).start == span(3).start
    assert bounded(workspace, span(agent=("a",)), 3).include == {"agent": ("a",)}


def test_of_a_day_with_more_calls_than_that_the_newest_hours_are_read(workspace):
    record(workspace.lane, [entry(minutes=-n * 60) for n in range(6)])
    assert bounded(workspace, span(), 2).start == NOW.replace(hour=12, minute=0, second=0, microsecond=0)
    record(workspace.lane, [entry() for _ in range(9)])
    assert bounded(workspace, span(), 2).start == NOW.replace(hour=13, minute=0, second=0, microsecond=0), "one hour"


def test_a_range_without_calls_has_no_sessions(workspace):
    found = sessions(workspace, span())
    assert (found.count, found.rows, found.bars, found.p50, found.total) == (0, [], [], None, 0)
