"""Sessions, their order, pages, percentiles and bars are those of plain counting, under any conditions."""

from collections import Counter, defaultdict
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costwatch.ledger.adjust import Adjustment, adjust
from costwatch.ledger.fold import fold_all
from costwatch.ledger.models import UsageEvent
from costwatch.spend.filters import SpendFilter
from costwatch.spend.sessions import ORDERS, sessions
from tests.spend.talks import END, START, by_session, percentile, spent, talks
from tests.spend.test_exactness import first_of_run
from tests.spend.usage import selected

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
per_data = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
DIMENSIONS = {"agent": ["triage", "lookup", ""], "model": ["small"], "user": ["u-1", ""], "tag.team": ["a", ""],
              "operation": ["chat"], "run": [""], "session": ["s-1-3", "s-1-4", "s-1-5", "s-1-6"]}  # fmt: skip
EDGES = [Decimal(text) for text in (
    "0.00001", "0.00002", "0.00005", "0.0001", "0.0002", "0.0005", "0.001", "0.002", "0.005", "0.01", "0.02", "0.05",
    "0.1", "0.2", "0.5", "1", "2", "5", "10", "20", "50", "100", "200", "500", "1000", "2000", "5000", "10000", "20000",
    "50000",
)]  # fmt: skip


@st.composite
def filters(draw):
    hours = st.integers(0, 240)
    first, last = sorted((draw(hours), draw(hours)))
    step = (END - START) / 240
    parts = {}
    for part in ("include", "exclude"):
        names = draw(st.lists(st.sampled_from(sorted(DIMENSIONS)), max_size=2, unique=True))
        parts[part] = {
            name: tuple(draw(st.lists(st.sampled_from(DIMENSIONS[name]), min_size=1, unique=True))) for name in names
        }
    return SpendFilter(START + first * step, START + (last + 1) * step, **parts)


def told(row):
    return (
        row.session_id,
        row.cost,
        row.calls,
        row.priced,
        row.first_at,
        row.last_at,
        row.errors,
        row.runs,
        row.tokens,
    )


def plain(calls, begins):
    """What one row should tell of these calls."""
    return (
        calls[0].session_id, spent(calls), sum(e.requests for e in calls),
        sum(e.requests for e in calls if e.cost is not None), calls[0].timestamp, calls[-1].timestamp,
        sum(e.requests for e in calls if e.error), len({e.event_id for e in calls} & begins),
        sum((e.input_tokens or 0) + (e.output_tokens or 0) for e in calls),
    )  # fmt: skip


def sorted_by(order, rows):
    name = order.removeprefix("-")
    value = {"cost": lambda r: r.cost, "calls": lambda r: r.calls, "started": lambda r: r.first_at,
             "last": lambda r: r.last_at, "duration": lambda r: r.last_at - r.first_at}[name]  # fmt: skip
    return sorted(rows, key=lambda row: (value(row), row.number), reverse=order.startswith("-"))


@pytest.mark.parametrize(("seed", "folded"), [(1, 200), (2, 0), (3, 50)])
def test_the_list_is_that_of_plain_counting(workspace, stored, seed, folded):
    entries = stored(talks(seed), folded)
    begins = first_of_run(entries)

    @per_data
    @given(filters(), st.sampled_from([sign + name for name in ORDERS for sign in ("", "-")]), st.integers(1, 9))
    def ask(filter, order, limit):
        wanted = by_session(selected(entries, filter))
        whole = sessions(workspace, filter, order, limit=1_000)
        assert {told(row) for row in whole.rows} == {plain(calls, begins) for calls in wanted.values()}
        assert whole.rows == sorted_by(order, whole.rows)
        assert (whole.count, whole.more) == (len(wanted), False)
        pages, offset = [], 0
        while True:
            page = sessions(workspace, filter, order, limit, offset)
            pages += page.rows
            offset += limit
            assert (page.count, page.more) == (len(wanted), len(wanted) > offset)
            if not page.more:
                break
        assert pages == whole.rows

    ask()


@pytest.mark.parametrize("seed", [1, 4])
def test_percentiles_and_bars_are_those_of_the_sessions_with_a_priced_call(workspace, stored, seed):
    entries = stored(talks(seed), 100)

    @per_data
    @given(filters())
    def ask(filter):
        found = sessions(workspace, filter)
        talks = by_session(selected(entries, filter)).values()
        costs = [spent(calls) for calls in talks if any(e.cost is not None for e in calls)]
        assert (found.with_cost, found.total) == (len(costs), sum(costs))
        if costs:
            shares = [Decimal("0.5"), Decimal("0.9"), Decimal("0.99")]
            assert [found.p50, found.p90, found.p99] == [percentile(costs, share) for share in shares]
        bars, sums = Counter(), defaultdict(Decimal)
        for cost in costs:
            low = max((edge for edge in EDGES if edge <= cost), default=None)
            bars[low] += 1
            sums[low] += cost
        assert {bar.low: (bar.sessions, bar.cost) for bar in found.bars} == {
            low: (number, sums[low]) for low, number in bars.items()
        }
        for bar in found.bars:
            assert bar.high == next((edge for edge in EDGES if edge > (bar.low or 0)), None)

    ask()


def test_a_correction_changes_what_a_session_cost_and_not_when_it_was(workspace, stored):
    entries = stored(talks(5, count=8))
    calls = max(by_session(entries).values(), key=len)
    row = UsageEvent.objects.get(event_id=calls[0].event_id)
    for days in (0, 4):  # at the time of the call, and where no call of the session is
        at = END - (END - START) * days / 10
        adjust(workspace.lane, [Adjustment(at, row.attribution_id, {"cost": Decimal(100), "errors": 1}, "a fee",
                                           session_id=row.session_id)])  # fmt: skip
    for _ in range(2):
        found = {r.session_id: r for r in sessions(workspace, SpendFilter(START, END + (END - START))).rows}
        own = found[calls[0].session_id]
        assert own.cost == spent(calls) + 200
        assert (own.first_at, own.last_at) == (calls[0].timestamp, calls[-1].timestamp)
        assert own.calls == sum(e.requests for e in calls)
        fold_all()
    only_fee = SpendFilter(END, END + (END - START))
    assert sessions(workspace, only_fee).count == 0  # no session had a call then
