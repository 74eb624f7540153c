"""Runs of one agent and task, one after the other or side by side, that fail or do not."""

from collections.abc import Callable
from decimal import Decimal
from random import Random

from costwatch.loops.restarts import Attempt, judge
from tests.loops.cases.kinds import Kind, Neighbour

Gap = Callable[[int], float]


def attempts(
    dice: Random, fails: list[bool], gap: Gap, *, calls: tuple[int, int], tokens: float, spread: float = 0.05
) -> list[Attempt]:
    """Runs with `gap(n)` seconds between the end of one and the start of the next (below 0: they overlap)."""
    made, at = [], 1_000_000.0
    for n, failed in enumerate(fails):
        count = dice.randint(*calls)
        lasts = count * dice.uniform(2, 6)
        size = int(count * tokens * dice.uniform(1 - spread, 1 + spread))
        made.append(Attempt(f"r{n}", at, at + lasts, failed, count, size, Decimal(size) * Decimal("0.000003")))
        at += lasts + gap(n)
    return made


def some(dice: Random, before: int = 6) -> list[bool]:
    return [False] * dice.randrange(before)


def by_the_clock(dice: Random) -> list[Attempt]:
    every, calls = dice.uniform(30, 900), dice.randint(1, 8)
    fails = some(dice) + [True] * dice.randint(6, 20)
    return attempts(dice, fails, lambda n: every, calls=(calls, calls), tokens=dice.uniform(300, 9_000))


def waiting_longer(dice: Random) -> list[Attempt]:
    calls, begun = dice.randint(1, 8), some(dice)
    fails = begun + [True] * dice.randint(6, 12)
    return attempts(dice, fails, lambda n: 20.0 * 2 ** min(n, 9), calls=(calls, calls), tokens=2_000)


def failing_here_and_there(dice: Random) -> list[Attempt]:
    """The same task, which fails at one of several steps."""
    calls = dice.randint(3, 6)
    fails = some(dice) + [True] * dice.randint(8, 20)
    return attempts(dice, fails, lambda n: 120, calls=(calls, calls + dice.randint(2, 4)), tokens=2_000)


def overlapping_a_little(dice: Random) -> list[Attempt]:
    """Started again at a fixed time, now and then before the old one has given up."""
    calls = dice.randint(3, 8)
    fails = some(dice) + [True] * dice.randint(8, 20)
    return attempts(dice, fails, lambda n: dice.choice([60.0, 60.0, -3.0]), calls=(calls, calls), tokens=2_000)


def every_night(dice: Random) -> list[Attempt]:
    return attempts(dice, [False] * 20, lambda n: 86_000, calls=(5, 5), tokens=2_000)


def failing_now_and_then(dice: Random) -> list[Attempt]:
    share = dice.uniform(0.1, 0.4)
    fails = [dice.random() < share for _ in range(20)]
    return attempts(dice, fails, lambda n: 300, calls=(4, 5), tokens=2_000)


def mended_in_time(dice: Random) -> list[Attempt]:
    fails = some(dice)
    while len(fails) < 18:
        fails += [True] * dice.randint(2, 4) + [False] * dice.randint(1, 5)
    return attempts(dice, fails, lambda n: 300, calls=(4, 4), tokens=2_000)


def an_outage_with_many_users(dice: Random) -> list[Attempt]:
    """Side by side, of any length: the provider's trouble."""
    fails = some(dice, 12) + [True] * dice.randint(6, 15)
    return attempts(dice, fails, lambda n: dice.uniform(-20, 4), calls=(1, 12), tokens=2_000, spread=0.9)


def an_outage_at_night(dice: Random) -> list[Attempt]:
    """One after the other, each about something else."""
    fails = some(dice, 12) + [True] * dice.randint(5, 9)
    return attempts(dice, fails, lambda n: dice.uniform(60, 900), calls=(1, 12), tokens=2_000, spread=0.9)


def failing_in_ever_new_places(dice: Random) -> list[Attempt]:
    """Somebody mends one step after the other: each attempt gets further."""
    made = []
    for n in range(dice.randint(5, 9)):
        (one,) = attempts(dice, [True], lambda n: 0, calls=(2 + 2 * n, 3 + 2 * n), tokens=2_000)
        made.append(
            Attempt(f"r{n}", one.at + 400 * n, one.end + 400 * n, True, one.calls, one.input_tokens, one.dollars)
        )
    return made


def named(case: list[Attempt]) -> bool:
    """As the watch sees them: looked at again after each run, until the first finding."""
    return any(judge(case[: end + 1]) is not None for end in range(len(case)))


RESTARTS = Neighbour("restarts", named, [
    Kind("a scheduler, by the clock", True, by_the_clock),
    Kind("one that waits longer and longer", True, waiting_longer),
    Kind("the same task, failing at one of several steps", True, failing_here_and_there),
    Kind("started before the old one has given up", True, overlapping_a_little),
    Kind("a nightly job that goes well", False, every_night),
    Kind("10 to 40 % failures by chance", False, failing_now_and_then),
    Kind("two to four failures, then it goes well", False, mended_in_time),
    Kind("an outage, many users side by side", False, an_outage_with_many_users),
    Kind("an outage, one user after the other", False, an_outage_at_night),
    Kind("a person who mends one step after the other", False, failing_in_ever_new_places),
])  # fmt: skip
