"""Failed requests that are sent again and again: a storm of their own, never a step of a loop."""

import pytest

from costwatch.loops.state import Level, Settings
from tests.loops.calls import findings, run_of, says, state

FAILED = {"failed": True}


def storms(*steps: dict, **more: object) -> list:
    return [one for one in findings(run_of(*steps, **more)) if one.rule == "retries"]


def test_ten_in_a_row_are_told_once_and_as_a_notice():
    (found,) = storms(*[FAILED] * 40)
    assert (found.level, found.count, found.event_id) == (Level.notice, 10, "e0009")


def test_nine_and_then_a_success_are_a_client_that_copes():
    assert not storms(*[*[FAILED] * 9, says("on", "it goes")] * 1, *[says(f"{n}", f"{n}") for n in range(5)])


def test_a_rare_success_in_between_ends_no_storm():
    assert storms(*[*[FAILED] * 8, says("on", "it goes")] * 3)


def test_a_success_after_each_few_failures_does():
    assert not storms(*[step for n in range(40) for step in (*[FAILED] * 4, says(f"item {n}", f"result {n}"))])


def test_requests_of_a_fan_out_that_are_refused_at_once_count_once():
    assert not storms(*[FAILED | {"at": 1_000_000.0 + n / 100} for n in range(60)])
    assert not storms(*[FAILED | {"at": 1_000_000.0 + n, "latency": 90.0} for n in range(60)])


def test_those_of_one_agent_are_not_forgotten_because_another_one_works():
    steps = [step for n in range(12) for step in (FAILED | {"agent": "broken"}, says(f"news {n}", f"turn {n}"))]
    (found,) = storms(*steps)
    assert found.agent == "broken"


def test_requests_of_many_agents_that_fail_once_each_are_none():
    assert not storms(*[FAILED | {"agent": f"a{n}"} for n in range(40)])


def test_a_batch_may_fail_as_it_likes():
    assert not storms(*[FAILED] * 40, batch=True)


@pytest.mark.parametrize("enough", [3, 25])
def test_a_workspace_may_want_them_told_earlier_or_later(enough):
    (found,) = [one for one in findings(run_of(*[FAILED] * 40), Settings(failures=enough)) if one.rule == "retries"]
    assert found.count == enough


def test_they_are_no_calls_of_the_run_but_their_cost_is_the_runs():
    run = state(run_of(*[FAILED] * 3, says("a", "b"), cost="0.5"))
    assert (run.calls, run.dollars) == (1, 2)
