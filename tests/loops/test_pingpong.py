"""Two agents that answer each other in circles, each turn a run of its own."""

import random
from decimal import Decimal

import pytest

from costwatch.loops.pingpong import PingPong, Turn, judge, turns

HAND_ON = "please take over"


def session(*spoken: tuple[str, str | None, int], runs: bool = True, cost: str = "0.02") -> list[Turn]:
    """(agent, what it says, tokens) in turn; each turn in a run of its own unless told otherwise."""
    return [
        Turn(agent, f"r{n if runs else 0}", 1_000.0 + 10 * n, said, tokens, Decimal(cost), f"e{n}")
        for n, (agent, said, tokens) in enumerate(spoken)
    ]


def circling(times: int, **more) -> list[Turn]:
    return session(*[("sales", HAND_ON, 40), ("support", "not mine", 30)] * times, **more)


def found(ordered) -> PingPong:
    circle = judge(turns(ordered))
    assert circle is not None
    return circle


def test_a_hand_off_to_and_fro_is_named_after_a_few_turns():
    circle = found(circling(4))
    assert circle.agents == ("sales", "support")
    assert (circle.at - 1_000.0) / 10 == 7  # the eighth turn: both have repeated themselves three times
    assert (circle.turns, circle.runs >= 4, circle.suspected) == (6, True, False)


def test_it_says_what_the_circle_costs_by_now():
    assert found(circling(4)).dollars == Decimal("0.12")
    assert found(circling(10)).dollars == Decimal("0.36")
    assert found(circling(10)).at == found(circling(4)).at


def test_an_orchestrator_and_its_worker_say_something_new_each_time():
    work = [(("boss", f"do {n}", 40), ("worker", f"done {n}", 30)) for n in range(40)]
    assert judge(turns(session(*[turn for pair in work for turn in pair]))) is None


def test_an_orchestrator_that_always_asks_in_the_same_words_gets_new_answers():
    """Half of the turns repeat, half do not: a poll, not a circle, however long it takes."""
    work = [(("boss", "next", 5), ("worker", f"item {n}", 30)) for n in range(60)]
    assert judge(turns(session(*[turn for pair in work for turn in pair]))) is None


def test_one_of_the_two_may_have_few_words_while_the_other_one_brings_something_new():
    review = [(("coder", f"patch {n}", 400), ("reviewer", "looks good", 5)) for n in range(60)]
    assert judge(turns(session(*[turn for pair in review for turn in pair]))) is None


def test_new_words_now_and_then_do_not_end_a_circle():
    said = [(("sales", f"new {n}" if n % 4 == 3 else HAND_ON, 40), ("support", "not mine", 30)) for n in range(9)]
    assert judge(turns(session(*[turn for pair in said for turn in pair]))) is not None


def test_within_one_run_it_is_the_echo_rules_business():
    assert judge(turns(circling(20, runs=False))) is None


def test_one_agent_that_talks_to_itself_is_no_circle_of_two():
    assert judge(turns(session(*[("sales", HAND_ON, 40)] * 30))) is None


def test_a_third_agent_breaks_the_circle():
    three = [("a", "x", 1), ("b", "y", 1), ("c", "z", 1)] * 20
    assert judge(turns(session(*three))) is None


def test_without_fingerprints_answers_of_the_same_size_are_suspected_and_later():
    circle = found(session(*[("sales", None, 40), ("support", None, 31)] * 10))
    assert circle.suspected
    assert circle.at > found(circling(10)).at
    chance = random.Random(3)
    varied = [(name, None, chance.randrange(20, 900)) for _ in range(20) for name in ("sales", "support")]
    assert judge(turns(session(*varied))) is None


def test_a_circle_that_ended_is_known_still_and_does_not_grow():
    after = [("sales", f"new {n}", 50) for n in range(40)]
    again = session(*[("sales", HAND_ON, 40), ("support", "not mine", 30)] * 5, *after)
    assert found(again).dollars <= Decimal("0.80")


def test_calls_of_one_agent_and_run_are_one_turn():
    calls = [Turn("a", "r1", float(n), f"s{n}", 10, Decimal(1), f"e{n}") for n in range(3)]
    (turn,) = turns(calls)
    assert (turn.at, turn.said, turn.output_tokens, turn.cost, turn.event_id) == (0.0, "s2", 30, Decimal(3), "e2")


@pytest.mark.parametrize("name", ["", "\0", "🦜" * 60])
def test_any_names_will_do(name):
    assert judge(turns(session(*[(name, name, 0), (name + "x", "", 0)] * 10))) is not None
    assert judge([]) is None


def test_unpriced_turns_cost_nothing_that_is_known():
    unpriced = [Turn(t.agent, t.run_id, t.at, t.said, t.output_tokens, None, t.event_id) for t in circling(6)]
    assert found(unpriced).dollars == 0
