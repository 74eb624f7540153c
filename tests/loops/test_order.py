"""Late, repeated and shuffled events give the verdict that the right order gives; a state can be stored anywhere."""

from decimal import Decimal
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costwatch.loops.detect import Late, advance, begin, judge, observe
from costwatch.loops.state import Call, Finding, Limits, RunState, Settings
from costwatch.loops.trail import trail
from tests.loops.calls import ROOMY, plain, run_of, uses

LIMITS = Limits(calls=12.0, dollars=Decimal("0.5"))
SETTINGS = Settings(repeatable_tools=frozenset({"poll"}))

FEW = (
    [["a"], ["a", "b", "c"]],
    [["search"], [None, "search", "poll"]],
    [["1"], ["1", "2"], [None, "1", "2", "3"], [None]],
    [[False], [True], [False, True]],
    [[1000], [0, 1000, 1100, 1200, 1300]],
)
"""What a run takes its agents, tools, fingerprints, errors and sizes from: of one it repeats itself, else by chance."""


@st.composite
def calls(draw: st.DrawFn) -> list[Call]:
    """A run of few names, so that much repeats: gaps, equal times, parallel calls, storms of failures, contexts that
    grow and shrink, and unknown fields too. A shorter run of the same seed is its beginning, so failures shrink."""
    chance = Random(draw(st.integers(0, 2**32)))
    count, at, made = draw(st.integers(1, 40)), 1000.0, []
    agents, tools, fingerprints, errors, tokens = (chance.choice(choices) for choices in FEW)
    outcomes = [False, *chance.choice([[False, False, True], [True] * 12])]
    grows, cost = chance.choice([(0, "0.02"), (4_000, "0.5")])
    for number in range(count):
        at += chance.choice([0.0, 0.5, 3.0, 60.0])
        made.append(
            Call(
                event_id=f"e{number:03}",
                run_id="r",
                at=at,
                agent=chance.choice(agents),
                task="t",
                step=chance.choice([None, number]),
                tool=chance.choice(tools),
                call_fingerprint=chance.choice(fingerprints),
                input_fingerprint=chance.choice(fingerprints),
                input_error=chance.choice(errors),
                input_tokens=chance.choice(tokens) + grows * number,
                output_tokens=chance.choice([20, 30]),
                cost=chance.choice([None, Decimal(cost)]),
                latency=chance.choice([None, 1.0, 10.0]),
                failed=chance.choice(outcomes),
            )
        )
    return made


def verdict(run: RunState | None, found: list[Finding]) -> Any:
    return plain((run, found))


@given(calls(), st.randoms())
@settings(max_examples=200, deadline=None)
def test_the_order_of_arrival_does_not_matter(run, chance):
    shuffled = run + chance.choices(run, k=len(run) // 2)
    chance.shuffle(shuffled)
    assert verdict(*judge(shuffled, LIMITS, SETTINGS)) == verdict(*judge(run, LIMITS, SETTINGS))


@given(calls(), st.randoms())
@settings(max_examples=200, deadline=None)
def test_calls_may_come_in_portions_late_and_twice(run, chance):
    arriving = run + chance.choices(run, k=len(run) // 2)
    chance.shuffle(arriving)
    portion = chance.randrange(1, 8)
    state = begin(min(run, key=lambda call: call.place), LIMITS, SETTINGS)
    told: list[Finding] = []
    stored: list[Call] = []
    for i in range(0, len(arriving), portion):
        late = arriving[i : i + portion]
        before = list(stored)
        state, found = advance(state, late, SETTINGS, lambda before=before: before)
        stored += late
        told += found
    expected, in_order = judge(run, LIMITS, SETTINGS)
    assert plain(state) == plain(expected)
    assert all(plain(finding) in plain(told) for finding in in_order)


@given(calls(), st.integers(0, 40))
@settings(max_examples=200, deadline=None)
def test_a_state_goes_on_after_having_been_stored(run, cut):
    whole = judge(run, LIMITS, SETTINGS)
    ordered = sorted(run, key=lambda call: call.place)
    state = begin(ordered[0], LIMITS, SETTINGS)
    found: list[Finding] = []
    for number, call in enumerate(ordered):
        if number == cut:
            state = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=RunState)
            state = msgspec.json.decode(msgspec.json.encode(state), type=RunState)
        found += observe(state, call, SETTINGS)
    assert verdict(state, found) == verdict(*whole)


@given(calls())
@settings(max_examples=200, deadline=None)
def test_the_figures_of_a_state_stay_sane(run):
    state, found = judge(run, LIMITS, SETTINGS)
    assert state is not None
    for agent in state.agents.values():
        assert agent.score > -1e-9
        assert agent.repeats >= 0
        assert agent.wasted >= 0
        assert len(agent.pairs) <= 24
        assert len(agent.results) <= 24
    assert state.dollars == sum((call.cost or Decimal(0) for call in run), Decimal(0))
    assert state.calls == sum(not call.failed for call in run)
    assert len({(f.agent, f.level, f.rule) for f in found}) == len(found)


@given(calls())
@settings(max_examples=100, deadline=None)
def test_the_trail_finds_what_the_detector_finds(run):
    marks = trail(run, LIMITS, SETTINGS)
    assert [mark.event_id for mark in marks] == [call.event_id for call in sorted(run, key=lambda call: call.place)]
    assert [f for mark in marks for f in mark.findings] == judge(run, LIMITS, SETTINGS)[1]


def test_the_made_runs_raise_every_rule_that_looks_at_a_run():
    """Else the properties above would be true of nothing."""
    seen: set[str] = set()

    @given(calls())
    @settings(max_examples=300, deadline=None, derandomize=True, database=None)
    def look(run: list[Call]) -> None:
        seen.update(finding.rule for finding in judge(run, LIMITS, SETTINGS)[1])

    look()
    assert seen >= {"repeat", "errors", "echo", "sizes", "calls", "dollars", "retries", "growth"}


def test_an_earlier_call_is_refused_by_the_stream_of_one_run():
    first, second = run_of(uses("a", 1, "x"), uses("b", 2, "y"))
    state = begin(first, ROOMY, SETTINGS)
    observe(state, second, SETTINGS)
    with pytest.raises(Late):
        observe(state, first, SETTINGS)


def test_the_same_event_again_changes_nothing():
    call = run_of(uses("a", 1, "x"))[0]
    state = begin(call, ROOMY, SETTINGS)
    observe(state, call, SETTINGS)
    before = plain(state)
    assert observe(state, call, SETTINGS) == ()
    assert plain(state) == before


def test_calls_at_the_same_time_are_ordered_by_their_step():
    steps = [uses("get_order", 7, "user" if i == 0 else "order 7", at=1000.0 + i // 2 * 5) for i in range(12)]
    in_order = run_of(*steps)
    assert verdict(*judge(reversed(in_order), ROOMY, SETTINGS)) == verdict(*judge(in_order, ROOMY, SETTINGS))


def size_after(count: int) -> int:
    """Bytes of the stored state of a run of three agents."""
    steps = [uses(f"tool{i % 9}", i, i, agent=f"agent{i % 3}") for i in range(count)]
    return len(msgspec.msgpack.encode(judge(run_of(*steps), ROOMY, SETTINGS)[0]))


def test_a_state_is_small_and_does_not_grow_with_its_run():
    assert size_after(5000) < size_after(300) * 1.2
    assert size_after(5000) < 12_000


def test_a_state_does_not_grow_with_the_names_of_agents_either():
    run = judge(run_of(*[uses("work", i, i, agent=f"agent {i}") for i in range(1000)]), ROOMY, SETTINGS)[0]
    assert run is not None
    assert len(run.agents) == 64
