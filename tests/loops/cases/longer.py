"""Weeks of a task's runs: lengths drawn run by run, so that the middle of a week moves by chance as it does in life."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from statistics import median

from costwatch.loops.longer import Week, judge
from tests.loops.cases.kinds import Kind, Neighbour

FIRST = date(2026, 7, 6)
WEEKS = 9


def weeks(dice: Random, lengths: Sequence[float], draw: Callable[[float], float] | None = None) -> list[Week]:
    """`lengths`: the typical run of each week; 25 to 400 runs a week, heavy-tailed as runs are."""
    many, spread = dice.randint(25, 400), dice.uniform(0.3, 0.9)
    made = []
    for n, typical in enumerate(lengths):
        runs = max(20, int(many * dice.uniform(0.7, 1.3)))
        length = draw or (lambda typical: typical * dice.lognormvariate(0, spread))
        calls = [max(1, round(length(typical))) for _ in range(runs)]
        made.append(Week(FIRST + timedelta(weeks=n), runs, median(calls), Decimal(median(calls)) / 100))
    return made


def creeping(dice: Random) -> list[Week]:
    """One more tool, one more rule in the prompt: a tenth to a quarter a week."""
    rate, first = dice.uniform(1.12, 1.25), dice.uniform(6, 30)
    return weeks(dice, [first * rate**n for n in range(WEEKS)])


def creeping_of_late(dice: Random) -> list[Week]:
    rate, first = dice.uniform(1.2, 1.4), dice.uniform(6, 30)
    return weeks(dice, [first] * 4 + [first * rate**n for n in range(1, WEEKS - 3)])


def by_a_fixed_step(dice: Random) -> list[Week]:
    """A history that is carried from week to week."""
    first = dice.uniform(8, 20)
    step = first * dice.uniform(0.15, 0.3)
    return weeks(dice, [first + step * n for n in range(WEEKS)])


def even(dice: Random) -> list[Week]:
    return weeks(dice, [dice.uniform(5, 40)] * WEEKS)


def a_little(dice: Random) -> list[Week]:
    rate, first = dice.uniform(1.0, 1.03), dice.uniform(6, 30)
    return weeks(dice, [first * rate**n for n in range(WEEKS)])


def a_release(dice: Random) -> list[Week]:
    """One step, known and meant."""
    first, place = dice.uniform(6, 30), dice.randint(2, 7)
    step = dice.uniform(1.6, 2.5)
    return weeks(dice, [first if n < place else first * step for n in range(WEEKS)])


def to_and_fro(dice: Random) -> list[Week]:
    """The end of the month is longer."""
    first, place = dice.uniform(6, 30), dice.randrange(4)
    return weeks(dice, [first * (1.7 if n % 4 == place else 1.0) for n in range(WEEKS)])


def up_and_down_again(dice: Random) -> list[Week]:
    first = dice.uniform(6, 30)
    return weeks(dice, [first * rise for rise in (1, 1.2, 1.5, 1.9, 2.2, 1.6, 1.2, 1, 1)])


def once_and_no_more(dice: Random) -> list[Week]:
    """It grew two months ago and has been even since."""
    first = dice.uniform(6, 30)
    return weeks(dice, [first * rise for rise in (1, 1.3, 1.6, 2, 2.1, 2.1, 2.1, 2.1, 2.1)])


def of_two_kinds(dice: Random) -> list[Week]:
    """Short questions and long investigations, in a share that moves by chance."""
    first = dice.uniform(4, 10)
    share = dice.uniform(0.2, 0.4)
    return weeks(dice, [first] * WEEKS, lambda typical: typical * (8 if dice.random() < share else 1))


def getting_shorter(dice: Random) -> list[Week]:
    first = dice.uniform(20, 60)
    return weeks(dice, [first * 0.85**n for n in range(WEEKS)])


def named(case: list[Week]) -> bool:
    """At the end, in the week that is full now."""
    return judge(case) is not None


LONGER = Neighbour("longer", named, [
    Kind("a tenth to a quarter more each week", True, creeping),
    Kind("even for a month, then more each week", True, creeping_of_late),
    Kind("the same step each week", True, by_a_fixed_step),
    Kind("even weeks", False, even),
    Kind("up to 3 % a week", False, a_little),
    Kind("one step, a release", False, a_release),
    Kind("longer at the end of each month", False, to_and_fro),
    Kind("up and down again", False, up_and_down_again),
    Kind("grew once, even since", False, once_and_no_more),
    Kind("short and long runs in a share that moves", False, of_two_kinds),
    Kind("shorter each week", False, getting_shorter),
])  # fmt: skip
