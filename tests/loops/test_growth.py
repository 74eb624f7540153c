"""Context that grows without use: what it costs decides."""

from decimal import Decimal

import msgspec
import pytest

from costwatch.loops.detect import judge
from costwatch.loops.say import say, title
from costwatch.loops.state import Level, Limits, Settings
from tests.loops.calls import run_of, says, state


def growing(calls: int, by: int = 4_000, *, cost: str = "0.10", start: int = 1_000, output: int = 50, **more):
    """Ever new replies over a history that is carried along."""
    steps = [says(f"reply {n}", f"turn {n}", input_tokens=start + by * n, output_tokens=output) for n in range(calls)]
    return run_of(*steps, cost=cost, **more)


LIMITS = Limits(calls=10_000.0, dollars=Decimal(2))
"""Those of a task whose usual run costs 30 cents or less."""


def growth(calls, limits=LIMITS):
    return [one for one in judge(calls, limits, Settings())[1] if one.rule == "growth"]


def test_reading_again_that_costs_more_than_a_whole_run_may_is_a_notice_once():
    (found,) = growth(growing(40))
    assert (found.level, found.suspected) == (Level.notice, False)
    assert found.count >= 20
    assert found.grew is not None and found.grew[0] == 1_000 and found.grew[1] >= 20_000
    assert 2 <= found.wasted < 3
    said = say(found)
    assert "The context of triage grew from 1,000 to" in said and "was never trimmed" in said
    assert "spent on reading it again" in said
    assert "context grows" in title(found)


def test_five_times_the_limit_make_it_an_alarm():
    assert [one.level for one in growth(growing(60, cost="0.5"))] == [Level.notice, Level.alarm]


def test_a_task_whose_runs_always_grow_has_a_limit_that_knows_it():
    assert not growth(growing(60, cost="0.5"), Limits(calls=10_000.0, dollars=Decimal(40)))


def test_small_calls_beside_the_conversation_do_not_hide_it():
    calls = growing(40)
    titles = [msgspec.structs.replace(call, event_id=f"t{n}", at=call.at + 1, input_tokens=300, step=None)
              for n, call in enumerate(calls) if n % 7 == 3]  # fmt: skip
    assert len(growth([*calls, *titles])) == 1


@pytest.mark.parametrize(
    "calls",
    [
        growing(12),  # short runs carry their history as a matter of course
        growing(60, cost="0.005"),  # the provider's cache takes most of it off the bill
        growing(60, by=10),  # hardly grows
        growing(60, start=60_000, by=1_000),  # large from the beginning: a document, not a history
        growing(60, output=20_000),  # what is read is used: much is written
        [call for n in range(6) for call in growing(10)],  # each conversation begins anew
    ],
)
def test_what_is_short_cached_steady_or_used_is_none(calls):
    assert not growth(calls)


def test_a_summary_in_between_begins_anew():
    steps = [says(f"r{n}", f"t{n}", input_tokens=1_000 + 4_000 * (n % 15), output_tokens=50) for n in range(90)]
    assert not growth(run_of(*steps, cost="0.2"))


def test_unpriced_calls_cost_nothing_that_is_known():
    assert not growth([type(call)(**{f: getattr(call, f) for f in call.__struct_fields__} | {"cost": None})
                       for call in growing(60)])  # fmt: skip


@pytest.mark.parametrize("tokens", [0, 1, 10**9])
def test_any_size_will_do(tokens):
    calls = run_of(*[says(f"r{n}", f"t{n}", input_tokens=tokens) for n in range(50)], cost="1")
    assert not growth(calls)
    assert state(calls).agents["triage"].grown_dollars >= Decimal(0)


def test_failed_requests_carry_nothing():
    calls = run_of(
        *[says(f"r{n}", f"t{n}", input_tokens=1_000 + 4_000 * n) for n in range(60)], cost="0.5", failed=True
    )
    assert not growth(calls)
