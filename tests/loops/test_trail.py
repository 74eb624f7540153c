"""The account of a run for its page: call by call, what repeats and how the score went."""

from costwatch.loops.state import Level, Settings
from costwatch.loops.trail import trail
from tests.loops.calls import ROOMY, run_of, says, uses


def kinds(*steps: dict, **settings: frozenset[str]) -> list[str]:
    return [mark.kind for mark in trail(run_of(*steps), ROOMY, Settings(**settings))]


def test_repeats_name_the_call_they_repeat():
    marks = trail(run_of(*[uses("get_order", 7, "user" if i == 0 else "order") for i in range(5)]), ROOMY, Settings())
    assert [(mark.kind, mark.same_as, mark.repeats) for mark in marks] == [
        ("new", None, False),
        ("again", None, True),
        ("same", 2, True),
        ("same", 3, True),
        ("same", 4, True),
    ]


def test_a_call_whose_result_turned_out_to_be_new_is_marked_as_changed():
    looks = [uses("status", 1, "begin"), uses("status", 1, "10 %"), uses("status", 1, "20 %"), says("done", "30 %")]
    assert kinds(*looks) == ["new", "changed", "changed", "new"]


def test_the_score_rises_with_each_repeat_up_to_the_finding():
    marks = trail(run_of(*[uses("get_order", 7, "user" if i == 0 else "order") for i in range(7)]), ROOMY, Settings())
    assert [mark.score for mark in marks] == [0.0, 0.34, 1.34, 2.34, 3.34, 4.34, 5.34]
    assert [[finding.level for finding in mark.findings] for mark in marks][4:6] == [[Level.notice], [Level.alarm]]


def test_failed_exempt_and_parallel_calls_are_shown_as_what_they_are():
    assert kinds(
        uses("ask", 1, "x"),
        uses("ask", 1, "x", failed=True),
        uses("wait", 1, "y"),
        uses("vote", 1, "y", at=2_000_000.0, latency=5.0),
        uses("vote", 1, "y", at=2_000_001.0, latency=5.0),
        repeatable_tools=frozenset({"wait"}),
    ) == ["new", "failed", "exempt", "new", "parallel"]


def test_an_event_that_came_twice_is_shown_once():
    calls = run_of(uses("ask", 1, "x"), uses("ask", 2, "y"))
    assert len(trail([*calls, *calls], ROOMY, Settings())) == 2


def test_a_run_without_calls_has_an_empty_trail():
    assert trail([], ROOMY, Settings()) == []
