"""Other settings on a workspace's own runs: what would have fired, what would be new, what would be lost."""

import random
from decimal import Decimal

import msgspec
import pytest

from costwatch.loops.backtest import backtest, fired
from costwatch.loops.state import Call, Settings
from tests.loops.calls import run_of, uses

NORMAL, HIGH, LOW = (Settings.at(name) for name in ("normal", "high", "low"))


def run(name: str, repeats: int, at: float = 0.0, **more) -> list[Call]:
    """Some work, then the same call with the same result."""
    steps = [uses("look", n, n) for n in range(4)] + [uses("wait", "x", "pending")] * (repeats + 1)
    return [msgspec.structs.replace(call, run_id=name, event_id=f"{name}.{call.event_id}", at=call.at + at)
            for call in run_of(*steps, **more)]  # fmt: skip


def names(differences) -> list[str]:
    return [one.fired.run_id for one in differences]


def test_a_more_eager_detector_finds_more_and_a_more_cautious_one_less():
    calls = [*run("short", 3), *run("long", 12, 1_000.0), *run("fine", 0, 2_000.0)]
    eager = backtest(calls, NORMAL, HIGH)
    assert (names(eager.of("new")), names(eager.of("same")), names(eager.of("lost"))) == (["short"], ["long"], [])
    cautious = backtest(calls, HIGH, LOW)
    assert (names(cautious.of("new")), names(cautious.of("same")), names(cautious.of("lost"))) == (
        [],
        ["long"],
        ["short"],
    )
    assert (eager.runs, eager.calls) == (3, len(calls))


def test_differences_come_first_then_the_dearest():
    calls = [*run("a", 12), *run("b", 12, 1_000.0, cost="0.5"), *run("c", 3, 2_000.0)]
    assert names(backtest(calls, NORMAL, HIGH).differences) == ["c", "b", "a"]


def test_a_run_is_told_with_what_it_had_wasted_by_its_end():
    (found,) = fired(run("long", 20, cost="0.1"), NORMAL).values()
    assert (found.run_id, found.agent, found.calls, found.dollars) == ("long", "triage", 25, Decimal("2.0"))
    assert found.title == "triage: caught in a loop"


def test_the_money_gate_decides_what_would_be_told_and_not_what_fires():
    calls = run("long", 12, cost="0.001", seconds=60.0)
    quiet, loud = Settings(gate=Decimal(5)), Settings(gate=Decimal(0))
    assert [one.told for one in fired(calls, quiet).values()] == [False]
    assert [one.told for one in fired(calls, loud).values()] == [True]
    assert names(backtest(calls, quiet, loud).of("same")) == ["long"]


def test_a_tool_that_may_repeat_and_a_task_that_is_a_batch_fire_no_more():
    calls = run("long", 12)
    assert names(backtest(calls, NORMAL, Settings(repeatable_tools=frozenset({"wait"}))).of("lost")) == ["long"]
    assert names(backtest(calls, NORMAL, Settings(batch_tasks=frozenset({"refund"}))).of("lost")) == ["long"]


def test_the_order_and_number_of_arrivals_do_not_matter():
    calls = [call for n in range(6) for call in run(f"r{n}", n * 2, 50.0 * n)]
    mixed = calls + calls[::3]
    random.Random(3).shuffle(mixed)
    assert backtest(mixed, NORMAL, HIGH) == backtest(calls, NORMAL, HIGH)


def test_no_runs_are_no_trouble():
    nothing = backtest([], NORMAL, HIGH)
    assert (nothing.runs, nothing.calls, nothing.differences) == (0, 0, [])


@pytest.mark.parametrize("name", ["", "\0", "😀" * 50, "../../x"])
def test_any_name_of_a_run_will_do(name):
    assert list(fired(run(name, 12), NORMAL)) == [name]
