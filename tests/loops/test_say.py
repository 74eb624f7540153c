"""The sentence for a person: who, what, how often, since when, how dear, why."""

from datetime import timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec
import pytest

from costwatch.loops.say import say, title
from costwatch.loops.state import Finding, Level, Limits

LOOP = Finding(
    level=Level.alarm,
    rule="repeat",
    score=4.34,
    threshold=4.0,
    run_id="7f3a",
    agent="airline-agent",
    task="airline",
    tool="transfer",
    tools=("transfer",),
    count=5,
    since_at=1_764_033_242.0,
    since_step=12,
    since_number=13,
    event_id="e-17",
    at=1_764_033_260.0,
    number=17,
    step=17,
    wasted=Decimal("0.12"),
    run_dollars=Decimal("0.31"),
    pace=Decimal("24"),
    limits=Limits(48.0, Decimal(3), 16, Decimal("0.18"), 212),
    suspected=False,
)


def changed(**fields: object) -> str:
    return say(msgspec.structs.replace(LOOP, **fields))


def test_a_loop_is_told_with_everything_one_needs_to_judge_it():
    assert say(LOOP) == (
        "airline-agent repeated transfer with the same arguments and the same result 5 times "
        "(run 7f3a, since 01:14:02, step 12). $0.12 spent on repeats, about $24.00/h at this pace. "
        "A typical run of this task takes 16 calls and $0.18 (the middle of 212 finished runs). "
        "Rule: repeat score 4.34 of 4."
    )


def test_the_time_is_that_of_the_reader():
    assert "since 02:14:02" in say(LOOP, ZoneInfo("Europe/Berlin"))
    assert "since 06:59:02" in say(LOOP, timezone(timedelta(hours=5, minutes=45)))


def test_a_cycle_names_all_its_tools():
    assert "repeated look, think and book with" in changed(tools=("look", "think", "book"))


def test_a_loop_of_answers_names_no_tool():
    assert changed(tools=(), tool=None).startswith("airline-agent gave answers it had given before 5 times (run 7f3a,")


def test_a_suspicion_says_that_it_is_one_and_what_would_make_it_certain():
    text = changed(rule="sizes", suspected=True, tools=())
    assert "suspected of a loop" in text
    assert "Send call_fingerprint and input_fingerprint" in text


def test_failures_name_the_tool_that_fails():
    assert changed(rule="errors", tool="book", count=5, score=5.0, threshold=5.0).startswith(
        "book of airline-agent failed 5 times in a row (run 7f3a)"
    )


def test_a_long_run_is_compared_with_the_usual_one():
    text = changed(rule="calls", count=145, score=145.0, threshold=144.0)
    assert "has made 145 calls in run 7f3a" in text
    assert "$0.31 spent in this run" in text
    assert text.endswith("Rule: 145 calls in a run of at most 144.")


def test_a_dear_run_says_how_dear():
    text = changed(rule="dollars", run_dollars=Decimal("6.5"), score=6.5, threshold=5.0)
    assert "has spent $6.50 in run 7f3a" in text
    assert text.endswith("Rule: $6.50 of at most $5.00.")


def test_a_run_that_repeats_itself_is_not_called_long_without_saying_why_its_limit_is_lower():
    text = changed(rule="calls", count=21, score=21.0, threshold=20.0, stretch=0.5, tools=("look", "think"))
    assert text.startswith(
        "airline-agent has made 21 calls in run 7f3a and repeated itself now and then (look and think)."
    )
    assert text.endswith("Rule: 21 calls in a run of at most 20 (0.5 x the limit: the run repeats itself).")
    assert "and repeated itself now and then." in changed(rule="dollars", stretch=0.5, tools=())
    assert (
        title(msgspec.structs.replace(LOOP, rule="calls", stretch=0.5)) == "airline-agent: repeats itself in a long run"
    )


def test_a_run_that_seemed_to_get_on_is_told_how_much_more_it_might_take():
    text = changed(rule="dollars", run_dollars=Decimal("6.5"), threshold=6.0, stretch=3.0)
    assert "far more than this task normally costs" in text
    assert text.endswith("Rule: $6.50 of at most $6.00 (3 x the limit: the run seems to get on).")


def test_defaults_are_said_to_be_defaults():
    text = changed(rule="calls", count=51, limits=Limits(), score=51.0, threshold=50.0)
    assert "No finished runs of this task are known yet, so the defaults hold." in text


def test_unpriced_calls_are_not_told_as_costing_nothing():
    text = changed(wasted=Decimal(0), run_dollars=Decimal(0), pace=Decimal(0))
    assert "$" not in text.replace("and $0.18", "")


@pytest.mark.parametrize(
    ("amount", "text"), [("0.000123", "$0.000123"), ("0.0099", "$0.00990"), ("0.01", "$0.01"), ("1234.5", "$1,234.50")]
)
def test_small_money_is_told_with_digits_that_say_something(amount, text):
    assert f"{text} spent on repeats" in changed(wasted=Decimal(amount))


def test_an_agent_without_a_name_is_told_as_such():
    assert changed(agent="").startswith("an agent without a name repeated")


@pytest.mark.parametrize("rule", ["repeat", "echo", "sizes", "errors", "calls", "dollars", "retries"])
def test_every_rule_has_a_sentence_and_a_title(rule):
    finding = msgspec.structs.replace(LOOP, rule=rule)
    assert "7f3a" in say(finding)
    assert title(finding).startswith("airline-agent: ")
