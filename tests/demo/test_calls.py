"""The calls of the demo's runs are such as real runs make: they grow, cache, fail and think within their bounds."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costwatch.demo import calls, company, traffic
from costwatch.ledger.entry import Entry

pytestmark = pytest.mark.thorough
AT = datetime(2026, 11, 25, 9, tzinfo=UTC)
AGENTS = [company.TRIAGE, company.LOOKUP, company.REASONING, company.CODE_REVIEW, company.REPORTS]
LABELS = {"task": "refund-check", "user_id": "u-1", "session_id": "s-1", "tags": {"customer": "Orbit Travel"}}
each_agent = pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: agent.name)


def runs(agent, count=60):
    return [calls.run(Random(f"{agent.name} {n}"), agent, agent.era(5), AT, LABELS) for n in range(count)]


@each_agent
def test_a_run_is_told_step_by_step_under_one_name_with_the_labels_of_its_agent(agent):
    names = set()
    for made in runs(agent):
        assert [call["step"] for call in made] == [*range(1, len(made) + 1)]
        assert [call["event_id"] for call in made] == [f"{made[0]['run_id']}-{n}" for n in range(1, len(made) + 1)]
        assert all(a["timestamp"] < b["timestamp"] for a, b in pairwise(made)) and made[0]["timestamp"] == AT
        assert all(
            b["timestamp"] - a["timestamp"] >= timedelta(milliseconds=a["latency_ms"]) for a, b in pairwise(made)
        )
        for call in made:
            assert call.items() >= {"agent_id": agent.name, "task": "refund-check", "user_id": "u-1"}.items()
            assert call["tags"] == {
                "customer": "Orbit Travel", "team": agent.team, "prompt_version": agent.era(5).prompt
            }  # fmt: skip
        names.add(made[0]["run_id"])
    assert len(names) == 60
    assert LABELS["tags"] == {"customer": "Orbit Travel"}, "what all calls have in common is not changed"


@each_agent
def test_what_failed_says_what_is_known_of_its_tokens(agent):
    kinds = Counter()
    for made in runs(agent, 400):
        for call in made:
            kinds[call.get("error_type")] += 1
            if call.get("error_type") in ("rate_limited", "overloaded"):
                assert (call["input_tokens"], call["output_tokens"]) == (0, 0)
                assert "cached_input_tokens" not in call and "reasoning_tokens" not in call
            elif call.get("error_type") == "timeout":
                assert not call.keys() & {"input_tokens", "output_tokens", "cached_input_tokens", "cache_write_tokens"}
            else:
                assert call["input_tokens"] > 0 and call["output_tokens"] >= 6
            assert (call.get("status") == "error") is ("error_type" in call)
    assert set(kinds) <= {None, *(kind for kind, _, _ in calls.ERRORS)}
    assert kinds[None] > 0.97 * kinds.total()


@each_agent
def test_contexts_grow_up_to_the_longest_and_what_is_cached_comes_in_whole_steps(agent):
    for made in runs(agent, 200):
        known = [call for call in made if call.get("input_tokens")]
        lengths = [min(call["input_tokens"], calls.LONGEST_CONTEXT) for call in known]  # a first prompt may be longer
        assert lengths == sorted(lengths)
        for call in known:
            cached = call["cached_input_tokens"]
            assert call["input_tokens"] <= calls.LONGEST_CONTEXT or call is known[0]
            assert cached % calls.CACHE_STEP == 0 and cached <= call["input_tokens"]
            assert ("cache_write_tokens" in call) is (call["provider"] == "anthropic")
            assert ("reasoning_tokens" in call) is bool(agent.thinks)


@each_agent
def test_a_run_has_about_as_many_calls_as_the_agent_usually_makes(agent):
    sizes = [len(made) for made in runs(agent, 400)]
    assert min(sizes) >= 1
    assert agent.calls * 0.8 < sum(sizes) / len(sizes) < agent.calls * 1.35


@each_agent
def test_eras_follow_each_other_without_a_gap(agent):
    days = [era.days for era in agent.eras]
    assert days == sorted(days, reverse=True) and days[0] > company.DAYS
    for before, after in pairwise(agent.eras):
        assert agent.era(after.days) is after
        assert agent.era(after.days + 0.01) is before
    assert agent.era(-3) is agent.eras[-1]


def test_the_run_that_runs_away_repeats_two_calls_after_its_twelfth():
    made = calls.runaway(Random("x"), AT, {"tags": {}})
    assert len(made) == calls.RUNAWAY_CALLS
    assert {(c["tool"], c["call_fingerprint"], c["input_fingerprint"]) for c in made[12:]} == {
        ("get_order", "repeat-get_order", "answer-get_order"),
        ("refund_policy", "repeat-refund_policy", "answer-refund_policy"),
    }
    assert len({c["call_fingerprint"] for c in made[:12]}) == 12
    assert all(b["input_tokens"] - a["input_tokens"] >= 800 for a, b in pairwise(made))


def test_every_field_of_a_call_is_one_that_an_event_has():
    known = {*Entry.__struct_fields__, "status"}
    made = [call for agent in AGENTS for one in runs(agent, 20) for call in one]
    made += calls.runaway(Random("x"), AT, {"tags": {}})
    made += [calls.plain(Random(n), *company.LEGACY, AT) for n in range(50)]
    made += [calls.embedding(Random(n), AT, made[n]) for n in range(50)]
    assert {name for call in made for name in call} <= known


def test_a_search_by_meaning_belongs_to_its_run_and_costs_its_own_model():
    (first, *_) = runs(company.LOOKUP, 1)[0]
    search = calls.embedding(Random(1), AT, first)
    shared = ("run_id", "agent_id", "release", "task", "tags", "user_id", "session_id")
    assert {name: search[name] for name in shared} == {name: first[name] for name in shared}
    assert (search["step"], search["operation"], search["output_tokens"]) == (0, "embeddings", 0)
    assert search["model"] != first["model"] and search["event_id"] == f"{first['run_id']}-0"


@given(st.lists(st.floats(0.001, 100), min_size=1, max_size=8), st.integers(0, 10**6))
@settings(max_examples=60)
def test_a_weighted_draw_is_a_place_among_the_weights(weights, seed):
    dice = Random(seed)
    assert all(0 <= traffic.Weighted(weights).draw(dice) < len(weights) for _ in range(20))


def test_heavier_values_are_drawn_more_often_by_their_weight():
    dice, weighted = Random(1), traffic.Weighted([1, 0, 3])
    drawn = Counter(weighted.draw(dice) for _ in range(4_000))
    assert drawn[1] == 0 and abs(drawn[2] / 4_000 - 0.75) < 0.03


@pytest.mark.parametrize("kind", ["office", "consumer"])
def test_hours_and_days_are_one_on_average_and_customers_never_quite_silent(kind):
    hours = traffic.hour_weights(kind)
    assert len(hours) == 24 and abs(sum(hours) / 24 - 1) < 0.01
    assert min(hours) >= (traffic.NIGHT if kind == "consumer" else 0)
    days = [traffic.day_weight(number) for number in range(len(traffic.measured()["days"]))]
    assert abs(sum(days) / len(days) - 1) < 0.05 and min(days) > 0
