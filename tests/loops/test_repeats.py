"""Repeats by fingerprint: what is a loop, and what only looks like one."""

from decimal import Decimal

import pytest

from costwatch.loops.state import Level, Settings
from tests.loops.calls import alarms, findings, run_of, says, state, uses

OPENING = [uses("get_ticket", 1, "hello"), uses("get_user", 2, "ticket"), says("let me look", "user")]


def identical(times: int, **more: object) -> list[dict]:
    """A call and its repeats: the first sees something else, each later one the result of the one before."""
    return [uses("get_order", 7, "user" if i == 0 else "order 7", **more) for i in range(times)]


def cycle(length: int, calls: int) -> list[dict]:
    return [uses(f"tool{i % length}", "x", "start" if i == 0 else f"result{(i - 1) % length}") for i in range(calls)]


class TestALoop:
    def test_of_identical_calls_is_found_at_the_fifth_redundant_call(self):
        found = alarms(run_of(*OPENING, *identical(40)))[0]
        assert (found.rule, found.level) == ("repeat", Level.alarm)
        assert found.number == len(OPENING) + 1 + 5

    @pytest.mark.parametrize("length", [2, 3, 4, 6, 10])
    def test_of_several_tools_in_turn_is_found_within_five_redundant_calls(self, length):
        found = alarms(run_of(*OPENING, *cycle(length, 60)))[0]
        assert found.number - len(OPENING) - length <= 5
        assert found.since_step == len(OPENING) + length

    def test_is_not_reset_by_one_other_call_in_between(self):
        steps = [*identical(4), uses("get_weather", 1, "order 7"), *identical(4)[1:]]
        assert alarms(run_of(*OPENING, *steps))

    def test_is_found_when_the_same_question_is_sent_again_and_again_without_history(self):
        steps = [uses("ask", 1, "the same prompt", input_tokens=8116) for _ in range(9)]
        assert alarms(run_of(*OPENING, *steps))[0].number <= len(OPENING) + 1 + 5

    def test_is_found_however_slow_it_is(self):
        assert alarms(run_of(*OPENING, *identical(8), seconds=1800.0))

    def test_names_agent_tool_count_beginning_and_money(self):
        found = alarms(run_of(*OPENING, *identical(9)))[0]
        assert (found.agent, found.tool, found.tools, found.count) == ("triage", "get_order", ("get_order",), 5)
        assert (found.since_step, found.since_number, found.event_id) == (4, 5, "e0008")
        assert found.wasted == Decimal("0.05")
        assert found.pace == Decimal("0.05") * 3600 / 20

    def test_counts_each_of_its_tools_in_the_finding(self):
        assert alarms(run_of(*OPENING, *cycle(3, 30)))[0].tools == ("tool2", "tool0", "tool1")

    def test_is_found_late_where_results_are_not_told(self):
        steps = [{"tool": "get_order", "call_fingerprint": "get_order(7)"}] * 12
        assert alarms(run_of(*OPENING, *steps))[0].number == len(OPENING) + 1 + 8

    def test_is_found_although_a_tool_that_may_repeat_is_called_in_between(self):
        steps = []
        for _ in range(12):
            steps += [uses("get_order", 7, "waited"), uses("wait", 5, "order 7")]
        settings = Settings(repeatable_tools=frozenset({"wait"}))
        assert {f.tools for f in alarms(run_of(*OPENING, *steps), settings)} == {("get_order",)}

    def test_in_words_is_found_where_the_history_is_carried_along(self):
        steps = [says("please confirm", f"customer says {i}") for i in range(14)]
        found = alarms(run_of(*[says(f"hello {i}", f"hi {i}") for i in range(4)], *steps))[0]
        assert (found.rule, found.tools) == ("repeat", ())


class TestNoLoop:
    def test_is_polling_whose_results_change(self):
        steps = [uses("get_status", 9, f"{i} % done") for i in range(140)]
        assert not alarms(run_of(*OPENING, *steps))

    def test_is_paging_through_a_list(self):
        steps = [uses("list_orders", f"page {i}", f"page {i - 1}") for i in range(300)]
        assert not findings(run_of(*OPENING, *steps))

    def test_is_updating_a_list_where_every_answer_is_ok(self):
        steps = [uses("update_row", i, "ok") for i in range(300)]
        assert not findings(run_of(*OPENING, *steps))

    def test_is_a_test_run_again_after_each_fix(self):
        steps = []
        for i in range(30):
            steps += [uses("edit", f"fix {i}", f"{30 - i} tests fail"), uses("run_tests", "", "edited")]
        assert not alarms(run_of(*OPENING, *steps))

    def test_is_looking_the_same_thing_up_for_each_question_of_a_user(self):
        steps = []
        for i in range(20):
            steps += [uses("get_product", 1, f"question {i}"), says(f"answer {i}", "product 1")]
        assert not alarms(run_of(*OPENING, *steps))

    def test_is_a_classifier_that_gives_one_of_two_answers(self):
        sizes = [1000 + (i * 7919) % 400 for i in range(120)]
        steps = [says("spam" if i % 3 else "fine", f"mail {i}", input_tokens=sizes[i]) for i in range(120)]
        assert not alarms(run_of(*steps))

    def test_is_three_identical_calls_and_then_success(self):
        steps = [*identical(4), says("found it", "order 7"), uses("refund", 7, "go on"), says("done", "refunded")]
        assert not alarms(run_of(*OPENING, *steps))

    def test_are_parallel_calls_which_count_once(self):
        together = [uses("vote", 1, "question", at=1_000_100.0 + i / 1000, latency=4.0) for i in range(30)]
        assert not findings(run_of(*OPENING, *together))

    def test_are_calls_at_the_very_same_time(self):
        assert not findings(run_of(*OPENING, *[uses("vote", 1, "question", at=1_000_100.0)] * 30))

    def test_is_a_tool_that_may_repeat(self):
        assert not findings(run_of(*identical(40)), Settings(repeatable_tools=frozenset({"get_order"})))

    def test_is_a_task_that_goes_through_lists(self):
        assert not findings(run_of(*identical(40)), Settings(batch_tasks=frozenset({"refund"})))

    def test_is_a_run_that_is_tagged_as_batch(self):
        assert not findings(run_of(*identical(40), batch=True))

    def test_are_failed_requests_that_the_client_sent_again(self):
        steps = [uses("get_order", 7, "user", failed=True)] * 8 + [uses("get_order", 7, "user")]
        assert not findings(run_of(*OPENING, *steps))

    def test_is_an_empty_run(self):
        assert findings([]) == []


class TestFailures:
    def test_of_one_tool_five_times_in_a_row_raise_an_alarm_whatever_the_arguments(self):
        steps = [uses("book", i, f"error {i}", input_error=i > 0) for i in range(9)]
        found = alarms(run_of(*OPENING, *steps))[0]
        assert (found.rule, found.tool, found.count, found.score) == ("errors", "book", 5, 5.0)

    def test_of_different_tools_do_not(self):
        steps = [uses(f"tool{i % 2}", i, f"error {i}", input_error=i > 0) for i in range(12)]
        assert not alarms(run_of(*OPENING, *steps))

    def test_are_counted_anew_after_a_success(self):
        steps = [uses("book", i, f"result {i}", input_error=i % 4 != 0) for i in range(40)]
        assert not [f for f in alarms(run_of(*OPENING, *steps)) if f.rule == "errors"]

    def test_make_a_repeated_call_weigh_more(self):
        steps = identical(4, input_error=True)
        assert state(run_of(*steps)).agents["triage"].score > state(run_of(*identical(4))).agents["triage"].score

    def test_of_requests_ten_in_a_row_are_a_storm_told_once_and_never_an_alarm(self):
        found = findings(run_of(*[{"failed": True}] * 40))
        assert [(f.rule, f.level, f.count) for f in found] == [("retries", Level.notice, 10)]


class TestTwoAgents:
    def echo(self, turns: int) -> list[dict]:
        steps = []
        for i in range(turns):
            steps += [
                says("over to you", "mine again" if i else "begin", agent="a"),
                says("mine again", "over to you", agent="b"),
            ]
        return steps

    def test_that_answer_each_other_in_circles_are_found_by_their_common_score(self):
        found = alarms(run_of(*self.echo(12)))[0]
        assert (found.rule, found.threshold) == ("echo", 5.0)
        assert found.number <= 2 + 7

    def test_that_repeat_themselves_are_told_once_each(self):
        assert {f.agent for f in alarms(run_of(*self.echo(12)))} == {"a", "b"}

    def test_do_not_disturb_each_others_score(self):
        steps = []
        for i, step in enumerate(identical(9)):
            steps += [step, uses("work", i, f"news {i}", agent="other")]
        assert [f.agent for f in alarms(run_of(*steps))] == ["triage"]


class TestLevels:
    def test_rise_from_notice_to_alarm_to_critical_and_each_is_told_once(self):
        found = findings(run_of(*identical(60)))
        assert [f.level for f in found] == [Level.notice, Level.alarm, Level.critical]
        assert [f.count for f in found] == [4, 5, 15]

    def test_are_critical_at_once_where_the_repeats_cost_a_dollar(self):
        assert findings(run_of(*identical(9), cost="0.25"))[-1].level is Level.critical

    @pytest.mark.parametrize(("sensitivity", "count"), [("low", 7), ("normal", 5), ("high", 4)])
    def test_come_as_early_as_the_workspace_wants(self, sensitivity, count):
        assert alarms(run_of(*identical(30)), Settings.at(sensitivity))[0].count == count

    def test_know_no_other_sensitivity(self):
        with pytest.raises(KeyError):
            Settings.at("paranoid")

    @pytest.mark.parametrize(
        ("cost", "seconds", "gate", "worth"),
        [
            ("0.001", 60.0, "0.05", False),
            ("0.001", 1.0, "0.05", True),  # a dollar an hour at this pace
            ("0.01", 600.0, "0.05", True),  # five cents already
            ("0.01", 600.0, "5", False),
            ("0.0001", 600.0, "0", True),
        ],
    )
    def test_of_a_cheap_and_slow_loop_are_recorded_but_not_worth_a_message(self, cost, seconds, gate, worth):
        found = alarms(run_of(*identical(9), cost=cost, seconds=seconds))[0]
        assert Settings(gate=Decimal(gate)).worth_a_message(found.at_stake, found.pace) is worth


class TestScore:
    def test_is_lowered_by_a_new_answer_and_a_new_turn(self):
        before = state(run_of(*identical(4), says("here it is", "order 7"))).agents["triage"]
        after = state(run_of(*identical(4), says("here it is", "order 7"), says("bye", "thanks"))).agents["triage"]
        assert after.score < before.score - 0.34

    def test_of_nothing_forgets_what_was_wasted(self):
        steps = [*identical(3), *(uses("work", i, f"news {i}") for i in range(12))]
        agent = state(run_of(*steps)).agents["triage"]
        assert (agent.score, agent.repeats, agent.wasted, agent.tools) == (0.0, 0, Decimal(0), [])

    def test_takes_back_what_it_gave_for_a_call_whose_result_is_new(self):
        looking = [uses("get_status", 9, "begin"), uses("get_status", 9, "begin")]
        same = state(run_of(*looking, uses("next", 1, "begin"))).agents["triage"]
        other = state(run_of(*looking, uses("next", 1, "changed"))).agents["triage"]
        assert other.score < same.score
