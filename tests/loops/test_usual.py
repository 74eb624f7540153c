"""The net: far more calls or dollars than this agent and task normally takes."""

from decimal import Decimal

import pytest

from costwatch.loops.detect import Late
from costwatch.loops.state import Call, Level, Limits, RunState, Settings
from costwatch.loops.stream import Stream
from costwatch.loops.usual import Usual, learn, limits, quantile
from tests.loops.calls import alarms, findings, run_of, says, uses

SETTINGS = Settings()


def finished(calls: int, dollars: str = "0.10", **more: object) -> RunState:
    return RunState(run_id="r", calls=calls, dollars=Decimal(dollars), **more)  # type: ignore[arg-type]


def known(*lengths: int, dollars: str = "0.10") -> Usual:
    usual = Usual()
    for length in lengths:
        learn(usual, finished(length, dollars))
    return usual


def work(calls: int, **more: object) -> list[Call]:
    """Ever new calls with ever new results."""
    return run_of(*[uses("read", f"page {i}", f"page {i - 1}", **more) for i in range(calls)])


def unseen(calls: int, **more: object) -> list[Call]:
    """Calls without fingerprints and of ever different sizes."""
    sizes = [1000 + 97 * i + (i * i * 31) % 400 for i in range(calls)]
    return run_of(*[{"input_tokens": size, "output_tokens": size % 89, **more} for size in sizes])


class TestLimits:
    def test_are_the_settings_while_nothing_is_known(self):
        assert limits(Usual(), Usual(), SETTINGS) == Limits(50.0, Decimal(5))

    def test_are_a_little_less_than_twice_what_nine_in_ten_runs_of_the_workspace_take_while_the_task_is_new(self):
        assert limits(known(9, 9), known(*range(10, 50)), SETTINGS).calls == 1.75 * 46

    def test_are_three_times_the_shorter_quarter_from_five_runs_on_which_runaways_do_not_move(self):
        assert limits(known(20, 21, 22, 900, 1000), Usual(), SETTINGS).calls == 3 * 21

    def test_are_twice_what_nine_in_ten_of_its_runs_take_from_thirty_on(self):
        own = limits(known(*range(21, 51)), known(*[5] * 99), SETTINGS)
        assert (own.calls, own.usual_calls, own.runs) == (2 * 48, 36, 30)

    def test_are_never_tiny(self):
        own = limits(known(*[2] * 50, dollars="0.001"), Usual(), SETTINGS)
        assert (own.calls, own.dollars) == (40.0, Decimal(2))

    def test_in_dollars_leave_room_for_a_context_that_grows_along(self):
        assert limits(known(*[20] * 40, dollars="3"), Usual(), SETTINGS).dollars == 18

    def test_follow_the_last_200_runs(self):
        usual = known(*[10] * 300, *[100] * 200)
        assert len(usual.calls) == 200
        assert limits(usual, Usual(), SETTINGS).calls == 200.0

    def test_are_worked_out_again_at_least_every_ten_runs(self):
        usual = known(*[10] * 40)
        assert limits(usual, Usual(), SETTINGS).calls == 40.0
        for _ in range(170):
            learn(usual, finished(90))
        assert limits(usual, Usual(), SETTINGS).calls == 180.0

    def test_of_a_quantile_are_values_that_occurred(self):
        assert [quantile([5, 1, 3, 2, 4], share) for share in (0.0, 0.25, 0.5, 0.9, 1.0)] == [1, 2, 3, 5, 5]


class TestLearning:
    def test_leaves_out_runs_that_were_caught_in_a_loop(self):
        usual = Usual()
        learn(usual, finished(500, looped=True))
        assert usual.calls == []

    def test_leaves_out_batches(self):
        usual = Usual()
        learn(usual, finished(500, batch=True))
        assert usual.calls == []

    def test_takes_runs_that_were_only_long_or_the_limit_would_never_grow(self):
        usual = Usual()
        learn(usual, finished(500, net=Level.alarm))
        assert usual.calls == [500]


class TestARun:
    def test_with_ever_new_calls_may_take_three_times_the_limit(self):
        assert not findings(work(120), limits=Limits(40.0))
        found = alarms(work(125), limits=Limits(40.0))
        assert [(f.rule, f.number, f.threshold, f.suspected) for f in found] == [("calls", 121, 120.0, False)]

    def test_that_repeats_itself_now_and_then_may_take_half(self):
        looks = [uses("look", 1, "same")] * 4
        reads = [uses("read", f"page {i}", f"page {i - 1}" if i else "same") for i in range(40)]
        calls = run_of(*reads[20:30], *looks, *reads[:20])
        found = alarms(calls, limits=Limits(40.0))
        assert [(f.rule, f.number, f.stretch, f.tools) for f in found] == [("calls", 21, 0.5, ("look",))]

    def test_that_says_the_same_again_is_judged_by_its_length_before_its_score_suffices(self):
        steps = [says(f"news {i}", f"turn {i}") for i in range(40)]
        steps[18:22] = [says("which order is it?", f"turn {i}") for i in range(18, 22)]
        assert [(f.rule, f.number) for f in alarms(run_of(*steps), limits=Limits(40.0))] == [("calls", 22)]
        assert not alarms(run_of(*steps[10:]), limits=Limits(40.0))

    def test_without_fingerprints_is_measured_by_the_limit_itself_and_suspected(self):
        assert not findings(unseen(40), limits=Limits(40.0))
        assert [(f.rule, f.number, f.suspected) for f in alarms(unseen(60), limits=Limits(40.0))] == [
            ("calls", 41, True)
        ]

    def test_may_be_too_dear_without_being_long(self):
        found = alarms(unseen(12, cost=Decimal(1)), limits=Limits(40.0, Decimal(5)))
        assert [(f.rule, f.number, f.run_dollars) for f in found] == [("dollars", 6, Decimal(6))]

    def test_whose_prices_are_unknown_is_measured_by_its_length_alone(self):
        assert [f.rule for f in alarms(unseen(60, cost=None), limits=Limits(40.0))] == ["calls"]

    def test_of_a_batch_may_be_as_long_as_it_likes(self):
        assert not findings(unseen(400, batch=True), limits=Limits(40.0))


class TestAStream:
    def send(self, stream: Stream, run_id: str, start: float, calls: int) -> list[str]:
        found = []
        for i, call in enumerate(unseen(calls)):
            moved = Call(f"{run_id}.{i}", run_id, start + i, *[getattr(call, f) for f in Call.__struct_fields__[3:]])
            found += [finding.rule for finding in stream.see(moved)]
        return found

    def test_learns_from_runs_that_have_been_silent_for_ten_minutes(self):
        stream = Stream(SETTINGS)
        self.send(stream, "one", 0.0, 12)
        self.send(stream, "two", 600.0, 8)
        assert not stream.usual
        self.send(stream, "three", 700.0, 8)
        assert stream.usual["triage", "refund"].calls == [12]

    def test_judges_a_run_by_what_was_normal_when_it_began(self):
        stream = Stream(SETTINGS)
        for i in range(40):
            self.send(stream, f"short{i}", 700.0 * i, 20)
        assert self.send(stream, "long", 1e6, 60) == ["calls"]
        assert stream.active["long"].limits.calls == 40.0

    def test_goes_on_with_a_run_that_speaks_again_within_the_hour(self):
        stream = Stream(SETTINGS)
        self.send(stream, "r", 0.0, 30)
        self.send(stream, "other", 1000.0, 1)
        self.send(stream, "r", 1200.0, 5)
        assert stream.active["r"].calls == 35

    def test_judges_a_run_anew_when_a_late_call_comes(self):
        stream = Stream(SETTINGS)
        calls = run_of(*[uses("look", 1, "start" if i == 0 else "same") for i in range(7)])
        for call in calls[:3] + calls[4:]:
            stream.see(call)
        with pytest.raises(Late):
            stream.see(calls[3])
        found = stream.judge_again(calls)
        assert [f.level for f in found] == [Level.notice, Level.alarm]
        assert stream.active["r"].calls == 7

    def test_forgets_runs_that_are_silent_for_an_hour(self):
        stream = Stream(SETTINGS)
        self.send(stream, "r", 0.0, 30)
        self.send(stream, "other", 5000.0, 1)
        assert "r" not in stream.active
        assert "r" not in stream.quiet
