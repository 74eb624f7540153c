"""Folding adds every entry to every rollup once."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costwatch.accounts.models import Workspace
from costwatch.ledger.adjust import Adjustment, adjust
from costwatch.ledger.fold import Folded, fold, fold_all, rebuild
from costwatch.ledger.models import Attribution, Cut, IngestBatch, Run, SpendDay, SpendQuarter, UsageEvent
from costwatch.ledger.record import record
from costwatch.ledger.verify import verify
from tests.ledger.make import entry

pytestmark = pytest.mark.django_db


def day_total(cut: Cut = Cut.TOTAL) -> dict[str, Decimal]:
    return {str(row.day): row.cost for row in SpendDay.objects.filter(cut=cut)}


def test_a_fold_moves_the_batch_into_the_rollups_and_forgets_it(lane):
    record(lane, [entry(cost="1"), entry(cost="2", user_id="u-1", run_id="r-1")])
    done = fold()
    assert (done.batches, done.entries, done.lanes) == (1, 2, {lane})
    assert not IngestBatch.objects.exists()
    assert day_total() == {"2026-11-18": Decimal(3)}
    assert SpendQuarter.objects.get(cut=Cut.TOTAL).slot == datetime(2026, 11, 18, 13, 30, tzinfo=UTC)
    assert verify(deep=True).ok


def test_folding_again_changes_nothing(lane):
    record(lane, [entry(cost="1")])
    fold_all()
    assert fold().batches == 0
    assert day_total() == {"2026-11-18": Decimal(1)}


def test_later_batches_add_to_the_same_rows(lane):
    for _ in range(3):
        record(lane, [entry(cost="0.1", run_id="r-1")])
        fold_all()
    assert day_total() == {"2026-11-18": Decimal("0.3")}
    run = Run.objects.get()
    assert (run.calls, run.runs, run.cost) == (3, 1, Decimal("0.3"))


def test_a_backlog_is_folded_in_portions(lane):
    for _ in range(5):
        record(lane, [entry(cost="1")])
    assert fold(most_batches=2).batches == 2
    assert verify(deep=True).ok
    assert fold_all().batches == 3


def test_folding_ends_in_time_where_something_new_comes_all_the_time(lane, monkeypatch):
    def busy() -> Folded:
        record(lane, [entry(cost="1")])
        return fold()

    monkeypatch.setattr("costwatch.ledger.fold.fold", busy)
    assert fold_all(seconds=0).batches == 1
    assert fold_all(seconds=0.05).batches > 1
    assert verify(deep=True).ok


def test_days_are_those_of_the_workspace(lane):
    before_midnight = entry(minutes=(22 * 60 + 59) - (13 * 60 + 33), cost="1")  # 22:58 UTC = 23:58 in Berlin
    record(lane, [before_midnight, entry(minutes=(23 * 60 + 1) - (13 * 60 + 32), cost="2")])
    fold_all()
    assert day_total() == {"2026-11-18": Decimal(1), "2026-11-19": Decimal(2)}


def test_a_changed_time_zone_moves_the_days_when_rebuilt(lane):
    record(lane, [entry(minutes=(23 * 60) - (13 * 60 + 32), cost="2")])
    fold_all()
    Workspace.objects.filter(pk=lane).update(time_zone="America/New_York")
    record(lane, [entry(cost="1")])  # not folded yet: must not be counted twice
    rebuild(lane)
    assert day_total() == {"2026-11-18": Decimal(2)}
    fold_all()
    assert day_total() == {"2026-11-18": Decimal(3)}
    assert verify(deep=True).ok


def test_a_run_knows_its_span_and_its_first_labels(lane):
    record(
        lane,
        [
            entry(run_id="r", agent_id="second", minutes=5),
            entry(run_id="r", agent_id="first", user_id="u", session_id="s"),
        ],
    )
    record(lane, [entry(run_id="r", minutes=9)])
    fold_all()
    run = Run.objects.get()
    assert (run.last_at - run.first_at).total_seconds() == 9 * 60
    agent = Attribution.objects.get(pk=run.attribution_id).agent_id
    assert agent and SpendDay.objects.get(cut=Cut.AGENT, a=agent).runs == 0  # the run began with "second" in the batch
    assert run.end_user_id and run.session_id


def test_crossings_and_users_have_their_own_rows(lane):
    record(
        lane,
        [entry(agent_id=a, task=t, user_id=u, cost="1") for a in "ab" for t in "xy" for u in ("u1", None)],
    )
    fold_all()
    assert SpendDay.objects.filter(cut=Cut.AGENT_TASK).count() == 4
    assert SpendDay.objects.get(cut=Cut.USER, a=0).cost == 4
    assert SpendDay.objects.filter(cut=Cut.ATTRIBUTION).count() == 4


def test_unpriced_and_failed_calls_are_counted_apart(lane):
    record(lane, [entry(cost=None, upper_bound=Decimal("0.7"), requests=3), entry(cost="2", error=True)])
    fold_all()
    row = SpendDay.objects.get(cut=Cut.TOTAL)
    assert (row.events, row.calls, row.unpriced_calls, row.errors) == (2, 4, 3, 1)
    assert (row.cost, row.error_cost, row.upper_bound) == (Decimal(2), Decimal(2), Decimal("0.7"))


def test_an_adjustment_counts_like_an_event_without_being_one(lane):
    record(lane, [entry("a", cost="1", run_id="r")])
    event = UsageEvent.objects.get()
    adjust(lane, [Adjustment(event.occurred_at, event.attribution_id, {"cost": Decimal("-0.25")}, "repriced",
                             event_key=event.event_key, run_id=event.run_id)])  # fmt: skip
    assert verify(deep=True).ok
    fold_all()
    assert day_total() == {"2026-11-18": Decimal("0.75")}
    assert Run.objects.get().cost == Decimal("0.75")
    assert SpendDay.objects.get(cut=Cut.TOTAL).events == 1
    assert verify(deep=True).ok


def test_verify_names_a_rollup_row_that_was_tampered_with(lane):
    record(lane, [entry(cost="1")])
    fold_all()
    SpendDay.objects.filter(cut=Cut.AGENT).update(cost=Decimal("1.000000000001"))
    report = verify()
    assert not report.ok and "spend_day agent: cost is 1.000000000001" in report.differences[0]


def test_deep_verify_finds_money_moved_between_two_rows_of_equal_sum(lane):
    record(lane, [entry(cost="1", agent_id="a"), entry(cost="2", agent_id="b")])
    fold_all()
    for row in SpendDay.objects.filter(cut=Cut.AGENT):
        SpendDay.objects.filter(cut=Cut.AGENT, a=row.a).update(cost=3 - row.cost)
    assert verify().ok
    assert len(verify(deep=True).differences) == 2


def test_verify_misses_no_lost_event(lane):
    record(lane, [entry(cost="1"), entry(cost="2")])
    fold_all()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM usage_event WHERE cost = 2")
    assert any("2 event keys for 1 events" in d for d in verify().differences)


calls = st.builds(
    lambda **f: entry(**f),
    minutes=st.integers(-3 * 24 * 60, 24 * 60),
    cost=st.one_of(st.none(), st.decimals(0, 99, places=12).map(str)),
    agent_id=st.sampled_from([None, "a", "b"]),
    task=st.sampled_from([None, "x", "y"]),
    user_id=st.sampled_from([None, "u", "v"]),
    run_id=st.sampled_from([None, "r1", "r2", "r3"]),
    requests=st.integers(1, 5),
    error=st.booleans(),
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batches=st.lists(st.lists(calls, min_size=1, max_size=6), min_size=1, max_size=5),
    folds=st.sets(st.integers(0, 4)),
)
def test_the_books_balance_whatever_comes_in_whichever_order(lane, batches, folds):
    for i, batch in enumerate(batches):
        record(lane, batch)
        if i in folds:
            fold(most_batches=1)
    report = verify(deep=True)
    assert report.ok, report.differences


def test_the_summary_is_one_line_for_a_person(lane):
    record(lane, [entry()])
    assert verify().summary == "books balance: 1 events = the totals of every rollup (1 events not folded yet)"
