"""Percentiles and outliers of the cost of runs."""

from datetime import timedelta
from decimal import Decimal

import pytest

from costwatch.accounts.models import Workspace
from costwatch.ledger.fold import fold_all
from costwatch.ledger.record import record
from costwatch.spend import run_figures as figures
from costwatch.spend.filters import SpendFilter
from tests.ledger.make import NOW, entry

HOUR = timedelta(hours=1)


@pytest.fixture
def workspace(db) -> Workspace:
    return Workspace.objects.create(name="W")


def span(**include: tuple[str, ...]) -> SpendFilter:
    return SpendFilter(NOW - 24 * HOUR, NOW + HOUR, include)


def send(workspace: Workspace, *entries) -> None:
    record(workspace.lane, list(entries))
    fold_all()


def test_without_runs_there_are_no_figures(workspace):
    assert figures.run_figures(workspace, span(), 5) == figures.RunFigures()


def test_percentiles_are_costs_of_runs_that_happened(workspace):
    send(workspace, *(entry(run_id=f"r-{n}", cost=str(n)) for n in range(1, 11)))
    found = figures.run_figures(workspace, span(), 2)
    assert (found.count, found.p50, found.p90, found.p99, found.capped) == (10, 5, 9, 10, False)
    assert [run.run_id for run in found.dearest] == ["r-10", "r-9"]


def test_runs_are_chosen_by_their_last_call_and_the_labels_of_their_first(workspace):
    send(
        workspace,
        entry(minutes=-60, run_id="r-1", agent_id="a", user_id="u", cost="1"),
        entry(minutes=-30, run_id="r-1", agent_id="b", cost="1"),
        entry(minutes=-30, run_id="r-2", agent_id="b", cost="1", tags={"x": "y"}),
        entry(minutes=-26 * 60, run_id="r-3", agent_id="a", cost="1"),
        entry(minutes=-26 * 60, run_id="r-4", agent_id="a", cost="1"),
        entry(minutes=-10, run_id="r-4", agent_id="a", cost="1"),
    )

    def chosen(**include):
        return {run.run_id for run in figures.run_figures(workspace, span(**include), 9).dearest}

    assert chosen(agent=("a",)) == {"r-1", "r-4"}
    assert chosen(agent=("b",)) == {"r-2"}
    assert chosen(user=("u",)) == {"r-1"}
    assert chosen(**{"tag.x": ("y",)}) == {"r-2"}
    assert chosen(user=("",)) == {"r-2", "r-4"}
    assert chosen(agent=("nobody",)) == set()


def test_runs_of_unknown_cost_are_no_free_runs(workspace):
    send(workspace, entry(run_id="r-1", cost=None), entry(run_id="r-2", cost="3"))
    assert figures.run_figures(workspace, span()).p50 == 3


def test_only_so_many_runs_are_looked_at_the_newest(workspace, monkeypatch):
    monkeypatch.setattr(figures, "MOST_RUNS", 3)
    send(workspace, *(entry(minutes=-24 * 60 * n, run_id=f"r-{n}", cost=str(n)) for n in range(1, 11)))
    found = figures.run_figures(workspace, SpendFilter(NOW - 480 * HOUR, NOW), 9)
    assert found.capped
    assert {run.run_id for run in found.dearest} == {"r-1", "r-2", "r-3"}


def test_a_run_is_out_of_line_by_the_costs_of_its_own_agent(workspace):
    send(
        workspace,
        *(entry(run_id=f"s-{n}", agent_id="small", cost=f"0.0{n}") for n in range(10, 40)),
        *(entry(run_id=f"d-{n}", agent_id="dear", cost=f"{n}") for n in range(10, 40)),
        *(entry(run_id=f"f-{n}", agent_id="few", cost=f"{n}") for n in range(10, 20)),
    )
    found = figures.run_figures(workspace, span(), 1)
    assert set(found.usual) == {"small", "dear"}
    assert found.usual["dear"].fence == pytest.approx(1000 * found.usual["small"].fence)
    assert found.times_usual(found.dearest[0]) is None
    send(
        workspace, entry(run_id="r-out", agent_id="small", cost="2.4"), entry(run_id="r-new", agent_id="new", cost="9")
    )
    found = figures.run_figures(workspace, span(), 99)
    told = {run.run_id: times for run in found.dearest if (times := found.times_usual(run))}
    assert told == {"r-out": pytest.approx(100, rel=0.1)}


def test_other_workspaces_are_not_looked_at(workspace):
    other = Workspace.objects.create(name="other")
    send(other, entry(run_id="r-1", cost="1"))
    assert figures.run_figures(workspace, span()).count == 0


@pytest.mark.parametrize(
    ("quartiles", "limit"),
    [((1, 2, 4), 32), ((1, 1, 1), 3), ((0, 0, 0), 0), ((0, 2, 3), 6), ((1, 2, Decimal("1.5")), 6)],
)
def test_the_fence_lies_far_above_the_usual(quartiles, limit):
    assert figures.fence(*map(Decimal, quartiles)) == pytest.approx(Decimal(limit))
