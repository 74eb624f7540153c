"""Runs with the sums of all their calls, folded or not, in pages that neither repeat nor skip."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from costwatch.accounts.models import Workspace
from costwatch.ledger.adjust import Adjustment, adjust
from costwatch.ledger.fold import fold_all
from costwatch.ledger.models import Run, UsageEvent
from costwatch.ledger.record import record
from costwatch.spend.filters import EARLIEST, LATEST, BadQuery, SpendFilter
from costwatch.spend.queries import run, runs
from costwatch.spend.runs import ORDERS
from tests.ledger.make import NOW, entry
from tests.spend.usage import generated, sums_of

pytestmark = pytest.mark.django_db
EVER = SpendFilter(EARLIEST, LATEST)


def ids(page):
    return [row.run_id for row in page.items]


def test_a_run_is_known_before_and_after_it_is_folded(workspace):
    record(workspace.lane, [entry(run_id="r-1", cost="1", user_id="u", session_id="s", task="refund")])
    before = run(workspace, "r-1")
    fold_all()
    assert run(workspace, "r-1") == before
    assert (before.sums.calls, before.sums.cost, before.user, before.session) == (1, 1, "u", "s")
    assert before.labels["agent"] == "triage" and before.labels["task"] == "refund"


def test_calls_that_are_not_folded_yet_count(workspace):
    record(workspace.lane, [entry(run_id="r-1", cost="1")])
    fold_all()
    record(workspace.lane, [entry(run_id="r-1", cost="0.5", minutes=3, agent_id="other")])
    found = run(workspace, "r-1")
    assert (found.sums.cost, found.sums.events, found.sums.runs) == (Decimal("1.5"), 2, 1)
    assert found.duration == timedelta(minutes=3)
    assert found.labels["agent"] == "triage"
    assert runs(workspace, EVER).items == [found]


def test_a_correction_of_a_run_counts_in_it(workspace):
    record(workspace.lane, [entry(run_id="r-1", cost="1")])
    event = UsageEvent.objects.get()
    change = Adjustment(NOW + timedelta(days=40), event.attribution_id, {"cost": Decimal("-0.25")}, "repriced",
                        run_id=event.run_id)  # fmt: skip
    adjust(workspace.lane, [change])
    assert run(workspace, "r-1").sums.cost == Decimal("0.75")
    fold_all()
    assert run(workspace, "r-1").sums.cost == Decimal("0.75")
    assert run(workspace, "r-1").duration == timedelta(0)


def test_the_sums_of_generated_runs_are_those_of_their_events(workspace, stored):
    entries = stored(generated(7), folded=90)
    for row in runs(workspace, EVER).items:
        own = [e for e in entries if e.run_id == row.run_id]
        assert row.sums == sums_of(own, {own[0].event_id})
        assert (row.first_at, row.last_at) == (min(e.timestamp for e in own), max(e.timestamp for e in own))


def test_a_run_of_another_workspace_does_not_exist(workspace):
    other = Workspace.objects.create(name="Other")
    record(other.lane, [entry(run_id="r-1")])
    assert run(workspace, "r-1") is None
    assert ids(runs(workspace, EVER)) == []


@pytest.mark.parametrize("unknown", ["nobody", "", "\0", "' OR 1=1 --"])
def test_an_unknown_run_is_none(workspace, unknown):
    record(workspace.lane, [entry(run_id="r-1")])
    assert run(workspace, unknown) is None


def test_runs_are_found_by_any_call_that_meets_the_conditions(workspace):
    record(workspace.lane, [
        entry(run_id="r-1", agent_id="triage", cost="1"), entry(run_id="r-1", agent_id="lookup", cost="2"),
        entry(run_id="r-2", agent_id="coder", user_id="u-1", tags={"team": "ops"}), entry(agent_id="lookup"),
    ])  # fmt: skip
    assert ids(runs(workspace, EVER.with_value("agent", "lookup"))) == ["r-1"]
    assert ids(runs(workspace, EVER.with_value("user", "u-1"))) == ["r-2"]
    assert ids(runs(workspace, EVER.with_value("tag.team", "ops"))) == ["r-2"]
    assert ids(runs(workspace, EVER.with_value("run", "r-1"))) == ["r-1"]
    assert runs(workspace, EVER.with_value("agent", "lookup")).items[0].sums.cost == 3


def test_runs_of_a_range_are_those_active_in_it_with_all_their_calls(workspace):
    record(workspace.lane, [entry(run_id="long", minutes=0), entry(run_id="long", minutes=60),
                            entry(run_id="late", minutes=90)])  # fmt: skip
    early = SpendFilter(NOW + timedelta(minutes=30), NOW + timedelta(minutes=61))
    for _ in range(2):
        page = runs(workspace, early)
        assert ids(page) == ["long"]
        assert page.items[0].sums.events == 2
        fold_all()


@pytest.mark.parametrize("order", ORDERS)
def test_pages_in_every_order_hold_each_run_once(workspace, order):
    record(workspace.lane, [entry(run_id=f"r-{n % 17}", minutes=n * 7 % 50, cost=str(n % 5), requests=1 + n % 3)
                            for n in range(60)])  # fmt: skip
    fold_all()
    record(workspace.lane, [entry(run_id=f"r-{n}", minutes=n) for n in range(10, 23)])
    seen, cursor = [], None
    while True:
        page = runs(workspace, EVER, order, cursor, limit=4)
        seen += page.items
        if (cursor := page.next_cursor) is None:
            break
    assert len({row.run_id for row in seen}) == len(seen) == 23
    values = [{"cost": r.sums.cost, "calls": r.sums.calls, "errors": r.sums.errors, "started": r.first_at,
               "last": r.last_at, "duration": r.duration}[order.removeprefix("-")] for r in seen]  # fmt: skip
    assert values == sorted(values, reverse=order.startswith("-"))


def test_a_cursor_of_another_order_or_a_forged_one_is_refused(workspace):
    record(workspace.lane, [entry(run_id=f"r-{n}") for n in range(3)])
    cursor = runs(workspace, EVER, "-cost", limit=1).next_cursor
    for bad in (cursor[:-1], cursor + "x", "QUFBQQ==", "gASV", "é", "\0"):
        with pytest.raises(BadQuery, match="cursor"):
            runs(workspace, EVER, "-cost", bad)
    with pytest.raises(BadQuery, match="cursor"):
        runs(workspace, EVER, "-calls", cursor)


def test_an_unknown_order_is_refused_and_reaches_no_sql(workspace):
    with pytest.raises(BadQuery, match="-cost"):
        runs(workspace, EVER, "cost;DROP TABLE run")


def test_a_run_without_any_stored_call_is_not_listed(workspace):
    Run.objects.create(lane=workspace.lane, run_id="ghost")
    assert runs(workspace, EVER).items == []


def test_the_time_of_a_run_is_utc(workspace):
    record(workspace.lane, [entry(run_id="r-1")])
    assert run(workspace, "r-1").first_at == datetime(2026, 11, 18, 13, 32, 7, 123456, tzinfo=UTC)
