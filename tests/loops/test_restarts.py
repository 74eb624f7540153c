"""A scheduler that starts the same failing task again and again."""

from decimal import Decimal

import pytest

from costwatch.loops.restarts import Attempt, judge


def attempts(*failed: bool, every: float = 300.0, lasts: float = 20.0, **more) -> list[Attempt]:
    usual = {"calls": 3, "input_tokens": 4_000, "dollars": Decimal("0.01")} | more
    return [Attempt(f"r{n}", every * n, every * n + lasts, one, **usual) for n, one in enumerate(failed)]


def test_five_in_a_row_are_named_with_their_pace_and_cost():
    found = judge(attempts(False, *[True] * 5))
    assert found is not None
    assert (found.count, found.run_id, found.first_run_id, found.every) == (5, "r5", "r1", 300.0)
    assert (found.since_at, found.at, found.dollars) == (300.0, 1520.0, Decimal("0.05"))


@pytest.mark.parametrize(
    "runs",
    [
        [],
        attempts(*[True] * 4),
        attempts(*[True] * 9, False),  # it went well in the end
        attempts(True, True, False, True, True, True),
        attempts(*[False] * 20),
        attempts(*[True] * 9, every=10.0, lasts=30.0),  # side by side: the provider's trouble, not a restart
    ],
)
def test_few_or_mended_or_parallel_ones_are_none(runs):
    assert judge(runs) is None


def test_runs_that_do_different_things_are_not_the_same_task_failing():
    runs = attempts(*[True] * 9)
    varied = [Attempt(r.run_id, r.at, r.end, True, 3 + 4 * n, 1_000 * (n + 1), r.dollars) for n, r in enumerate(runs)]
    assert judge(varied) is None


def test_a_call_more_or_less_is_the_same_thing_still():
    runs = attempts(*[True] * 9)
    varied = [Attempt(r.run_id, r.at, r.end, True, 3 + n % 2, 4_000 + 80 * n, r.dollars) for n, r in enumerate(runs)]
    found = judge(varied)
    assert found is not None and found.count == 9


def test_runs_that_fail_with_their_first_request_are_counted():
    found = judge(attempts(*[True] * 30, calls=1, input_tokens=0, dollars=Decimal(0), lasts=0.0, every=5.0))
    assert found is not None and (found.count, found.dollars) == (30, 0)


def test_the_next_one_may_begin_shortly_before_the_old_one_gives_up():
    assert judge(attempts(*[True] * 9, every=17.0, lasts=20.0)) is not None
    assert judge(attempts(*[True] * 9, every=14.0, lasts=20.0)) is None


def test_where_one_gets_further_than_the_other_more_of_them_are_needed():
    def getting(*calls: int) -> list[Attempt]:
        return [Attempt(f"r{n}", 300.0 * n, 300.0 * n + 20, True, each, 1_000 * each, Decimal("0.01"))
                for n, each in enumerate(calls)]  # fmt: skip

    assert judge(getting(4, 7, 5, 8, 4, 7, 6)) is None
    found = judge(getting(4, 7, 5, 8, 4, 7, 6, 5))
    assert found is not None and found.count == 8
