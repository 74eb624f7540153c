"""Without fingerprints: what equal token counts let one suspect."""

import random
from decimal import Decimal

import pytest

from costwatch.loops.state import Level, Limits
from tests.loops.calls import alarms, findings, run_of, sized, uses

USUAL = [(300, 80), (120, 40), (900, 210), (60, 15)]


def test_the_same_growth_and_answer_again_and_again_is_suspected_within_eight_redundant_calls():
    found = alarms(sized([*USUAL, *[(168, 30)] * 30]))[0]
    assert (found.rule, found.suspected, found.level) == ("sizes", True, Level.alarm)
    assert found.number - len(USUAL) - 1 <= 8


@pytest.mark.parametrize("length", [2, 3, 4])
def test_sizes_that_come_in_turn_are_suspected(length):
    turn = [(150 + 70 * i, 20 + 9 * i) for i in range(length)]
    assert alarms(sized([*USUAL, *turn * 12]))


def test_sizes_may_differ_by_a_few_tokens():
    chance = random.Random(1)
    assert alarms(sized([(200 + chance.randrange(-3, 4), 60 + chance.randrange(-2, 3)) for _ in range(30)]))


def test_exactly_the_same_context_sent_again_and_again_is_suspected_whatever_the_answers():
    chance = random.Random(1)
    found = alarms(sized([*USUAL, *[(0, chance.randrange(100, 900)) for _ in range(20)]]))[0]
    assert found.rule == "sizes"
    assert found.count == 8


@pytest.mark.parametrize("seed", range(20))
def test_ordinary_work_is_not(seed):
    chance = random.Random(seed)
    assert not findings(sized([(chance.randrange(20, 900), chance.randrange(8, 300)) for _ in range(200)]))


def test_calls_of_unknown_size_are_not():
    assert not findings(run_of(*[{"input_tokens": 0, "output_tokens": 0}] * 50))


def test_parallel_calls_are_not():
    together = [
        {"input_tokens": 5000, "output_tokens": 90, "at": 1_000_000.0 + i / 100, "latency": 9.0} for i in range(40)
    ]
    assert not findings(run_of(*together))


def test_fingerprints_tell_more_than_sizes():
    steps = [
        {"input_tokens": 1000 + 168 * i, "call_fingerprint": f"page {i}", "input_fingerprint": f"rows {i}"}
        for i in range(60)
    ]
    assert not findings(run_of(*steps))


def test_a_few_equal_calls_are_forgotten():
    assert not alarms(sized(([(168, 30)] * 5 + USUAL) * 6))


def test_an_agent_that_tells_some_fingerprints_is_judged_by_those_alone():
    told = [
        {"tool": "get", "call_fingerprint": "get 7", "input_fingerprint": "user" if i == 0 else "order"}
        for i in range(24)
    ]
    mixed = [{} if i % 4 == 3 else step for i, step in enumerate(told)]
    found = alarms(run_of({}, {}, *mixed))
    assert {(f.rule, f.suspected) for f in found} == {("repeat", False)}


class TestALongRunWithoutFingerprints:
    """Is it a list, or do agents talk among themselves? Who reads on may go twice as far."""

    LIMITS = Limits(calls=40.0, dollars=Decimal(1_000))

    def pages(self, calls: int, **more):
        chance = random.Random(4)
        return sized([(chance.randrange(150, 900), chance.randrange(10, 120)) for _ in range(calls)], **more)

    def found_at(self, calls) -> int | None:
        found = alarms(calls, limits=self.LIMITS)
        return found[0].number if found else None

    def test_that_reads_page_after_page_is_too_long_at_twice_the_limit(self):
        assert self.found_at(self.pages(80)) is None
        assert self.found_at(self.pages(100)) == 81

    def test_that_begins_a_new_context_for_each_item_as_well(self):
        chance = random.Random(5)
        steps = [{"input_tokens": 900 + 40 * (n % 3) * chance.randrange(3, 9), "output_tokens": chance.randrange(5, 60)}
                 for n in range(100)]  # fmt: skip
        assert self.found_at(run_of(*steps)) == 81

    def test_that_only_writes_to_itself_is_too_long_at_the_limit(self):
        chance = random.Random(6)
        outputs = [chance.randrange(50, 400) for _ in range(60)]
        assert self.found_at(sized(list(zip([0, *outputs], outputs, strict=False)))) == 41

    def test_two_agents_that_tell_each_other_the_same_thing_longer_and_longer_bring_nothing_in(self):
        chance = random.Random(7)
        steps, read = [], 1_000
        for n in range(60):
            said = chance.randrange(50, 400)
            steps.append({"agent": "ab"[n % 2], "input_tokens": read, "output_tokens": said})
            read += said
        assert self.found_at(run_of(*steps)) == 41

    def test_fingerprints_say_more_than_sizes(self):
        steps = [uses("page", n, n, input_tokens=1_000 + 400 * n) for n in range(140)]
        assert self.found_at(run_of(*steps)) == 121
