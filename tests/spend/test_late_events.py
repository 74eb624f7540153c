"""An event that came after its month was closed counts in the open month, in every answer that adds up."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from costwatch.ledger import months, sheets
from costwatch.ledger.fold import fold_all
from costwatch.ledger.models import ClosedMonth
from costwatch.ledger.verify import verify
from costwatch.spend import export
from costwatch.spend.events import events
from costwatch.spend.filters import SpendFilter
from costwatch.spend.queries import query
from costwatch.spend.reach import reached
from costwatch.spend.session_paths import paths
from costwatch.spend.session_sums import session_sums
from costwatch.spend.sessions import sessions
from costwatch.spend.sums import Sums
from tests.ledger.make import entry

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
OPEN = datetime(2025, 10, 31, 23, tzinfo=UTC)  # October ends in Berlin
LATE = datetime(2025, 10, 20, 12, tzinfo=UTC)
OCTOBER = SpendFilter(datetime(2025, 9, 30, 22, tzinfo=UTC), OPEN)
NOVEMBER = SpendFilter(OPEN, datetime(2025, 11, 30, 23, tzinfo=UTC))
BOTH = SpendFilter(OCTOBER.start, NOVEMBER.end)


@pytest.fixture(params=["not folded", "folded", "in sheets"])
def late(request, workspace, stored):
    """A call in time, the month closed, and then two calls of one session that came too late, and one of November."""
    stored([entry("early", timestamp=LATE, session_id="in-time", agent_id="a", user_id="u", cost="1")])
    months.close(workspace, date(2025, 10, 1), "Ada", datetime(2025, 12, 1, tzinfo=UTC))
    stored([
        *(entry(f"late-{n}", timestamp=LATE + timedelta(hours=n), session_id="late", run_id="r", agent_id="b",
                user_id="u", cost=str(2 + n)) for n in range(2)),
        entry("november", timestamp=OPEN + timedelta(days=3), session_id="late", agent_id="a", cost="8"),
    ], folded=0)  # fmt: skip
    if request.param != "not folded":
        fold_all()
    if request.param == "in sheets":
        sheets.make(100, enough_events=1)


@pytest.mark.parametrize("group_by", [[], ["agent"], ["user"], ["agent", "user"], ["session"]])
def test_sums_by_anything_have_it_in_the_open_month_and_once(workspace, late, group_by):
    costs = [query(workspace, span, group_by).total for span in (OCTOBER, NOVEMBER, BOTH)]
    assert [(s.cost, s.calls, s.events) for s in costs] == [(1, 1, 1), (13, 3, 3), (14, 4, 4)]
    by_agent = query(workspace, BOTH, ["agent"], "month").groups
    assert [(g.values["agent"], g.bucket, g.sums.cost) for g in by_agent] == [
        ("a", OCTOBER.start, 1), ("a", OPEN, 8), ("b", OPEN, 5)
    ]  # fmt: skip
    assert verify(deep=True).ok


def test_conversations_have_it_there_too(workspace, late):
    told = [
        {row.session_id: (row.cost, row.calls) for row in sessions(workspace, span).rows}
        for span in (OCTOBER, NOVEMBER, BOTH)
    ]
    assert told == [{"in-time": (1, 1)}, {"late": (13, 3)}, {"in-time": (1, 1), "late": (13, 3)}]
    assert [paths(workspace, span).cost for span in (OCTOBER, NOVEMBER, BOTH)] == [1, 13, 14]


@pytest.mark.parametrize("bucket", ["none", "month", "day"])
def test_sessions_are_counted_where_their_calls_count(workspace, late, bucket):
    def counted(span):
        groups = session_sums(workspace, span, ["agent"], bucket)
        agents = {g.values["agent"] for g in groups}
        return agents, sum(g.sums.runs for g in groups), sum(g.sums.cost for g in groups)

    for _ in range(2):
        told = [counted(span) for span in (OCTOBER, NOVEMBER, BOTH)]
        assert told == [({"a"}, 1, 1), ({"a", "b"}, 1, 13), ({"a", "b"}, 2, 14)]
        if ClosedMonth.objects.exists():  # opened again, what was moved stays where it is
            months.reopen(workspace, date(2025, 10, 1), "Ada")


def test_an_amount_is_reached_where_the_calls_count(workspace, late):
    assert [one and one.at for one in reached(workspace, OCTOBER, [Decimal(1), Decimal("1.5")])] == [LATE, None]
    found = reached(workspace, NOVEMBER, [Decimal(5), Decimal(6)])
    assert [one.at for one in found] == [OPEN, OPEN + timedelta(days=3)]


def test_the_call_itself_keeps_its_own_time_in_lists_and_files(workspace, late):
    assert [e["event_id"] for e in events(workspace, OCTOBER, order="time").items] == ["early", "late-0", "late-1"]
    assert [e["event_id"] for e in events(workspace, NOVEMBER).items] == ["november"]
    rows = [row for batch in export.events(workspace, OCTOBER).batches for row in batch]
    assert [row[0] for row in rows] == [LATE, LATE, LATE + timedelta(hours=1)]


def test_nothing_is_left_of_it_in_the_closed_month_but_what_it_had(workspace, late):
    groups = query(workspace, OCTOBER, ["agent", "user"], "day").groups
    assert [(g.values, g.sums.cost) for g in groups] == [({"agent": "a", "user": "u"}, 1)]
    assert query(workspace, OCTOBER.with_value("agent", "b")).total == Sums()
    assert query(workspace, OCTOBER.with_value("session", "late"), ["model"]).groups == []
