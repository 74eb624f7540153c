"""The ways conversations take, and how many of them escalate."""

from decimal import Decimal

import pytest

from costwatch.ledger.record import record
from costwatch.spend.session_paths import escalation, hops_of, paths
from costwatch.spend.sessions import sessions
from tests.ledger.make import entry
from tests.spend.test_sessions import span, workspace  # noqa: F401

pytestmark = pytest.mark.usefixtures("workspace")


def way(name: str, *hops: tuple[str | None, str]):
    """A session that calls these agents one after another at these costs."""
    return [
        entry(minutes=-60 + n, session_id=name, agent_id=agent, model=f"m-{agent}", cost=cost)
        for n, (agent, cost) in enumerate(hops)
    ]


@pytest.fixture
def three(workspace):  # noqa: F811
    record(
        workspace.lane,
        way("s-1", ("triage", "0.01"), ("lookup", "0.02"), ("triage", "0.01"))
        + way("s-2", ("triage", "0.02"), ("lookup", "0.04"))
        + way("s-3", ("triage", "0.01"), ("reasoning", "2"), ("reasoning", "1")),
    )
    return workspace


def test_a_path_is_the_order_of_the_first_calls_with_the_cost_of_each_hop(three):
    found = paths(three, span())
    assert [(w.names, w.sessions, w.costs) for w in found.ways] == [
        (["triage", "lookup"], 2, [Decimal("0.04"), Decimal("0.06")]),
        (["triage", "reasoning"], 1, [Decimal("0.01"), Decimal(3)]),
    ]
    assert (found.sessions, found.cost) == (3, Decimal("3.11"))
    assert sum(w.cost for w in found.ways) == sum(stage.cost for stage in found.stages) == found.cost


def test_a_stage_knows_who_gets_there_and_what_it_costs_them(three):
    stages = {stage.name: stage for stage in paths(three, span()).stages}
    triage, reasoning = stages["triage"], stages["reasoning"]
    assert (triage.sessions, triage.started, triage.calls) == (3, 3, 4)
    assert (reasoning.sessions, reasoning.started, reasoning.cost, reasoning.calls) == (1, 0, 3, 2)
    assert reasoning.whole_cost == Decimal("3.01")


def test_what_is_dearest_for_who_gets_there_is_the_escalation(three):
    assert escalation(paths(three, span())).name == "reasoning"
    assert escalation(paths(three, span(), "model")).name == "m-reasoning"


def test_where_a_conversation_begins_is_no_escalation(workspace):  # noqa: F811
    record(workspace.lane, way("s-1", ("dear", "9")) + way("s-2", ("dear", "9"), ("cheap", "0.1")))
    assert escalation(paths(workspace, span())).name == "cheap"
    assert escalation(paths(workspace, span(agent=("dear",)))) is None


def test_calls_without_an_agent_are_a_hop_too(workspace):  # noqa: F811
    record(workspace.lane, way("s-1", (None, "1"), ("a", "1")))
    assert paths(workspace, span()).ways[0].names == ["", "a"]


def test_without_sessions_there_are_no_paths(workspace):  # noqa: F811
    record(workspace.lane, [entry()])
    found = paths(workspace, span())
    assert (found.sessions, found.cost, found.ways, found.stages) == (0, 0, [], [])
    assert escalation(found) is None


def test_listed_sessions_have_their_paths(three):
    rows = sessions(three, span()).rows
    hops = hops_of(three, span(), [row.number for row in rows])
    assert {row.session_id: hops[row.number] for row in rows} == {
        "s-1": ["triage", "lookup"],
        "s-2": ["triage", "lookup"],
        "s-3": ["triage", "reasoning"],
    }
    assert hops_of(three, span(), []) == {}
