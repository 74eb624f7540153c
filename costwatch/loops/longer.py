"""A task whose runs get longer week by week: nobody changed the price, and it costs more all the same. Pure."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import combinations, pairwise
from math import log

import msgspec

FEWEST_WEEKS = 5
FEWEST_RUNS = 20
IN_ORDER = 0.9
"""Of all pairs of weeks so many must be in order, the later one longer: the middle of the runs moves by chance."""
GROWN = 1.5
STILL = 1.05
"""What a week of the last three must have added on average: what grew once and is even since is no news."""
ONE_STEP = 0.6
"""A step with more of the growth than this is a release, and another rule's matter."""
WEEK = timedelta(days=7)


class Week(msgspec.Struct, frozen=True):
    """The runs of one agent and task that began in a week: how many, the middle of their calls and dollars."""

    monday: date
    runs: int
    calls: float
    dollars: Decimal


class Longer(msgspec.Struct, frozen=True):
    """Weeks in a row, each longer than the one before."""

    since: date
    weeks: int
    calls: tuple[float, float]
    """The middle of the runs in the first and in the last of them."""
    dollars: tuple[Decimal, Decimal]
    runs: int
    """In the last week."""
    extra: Decimal
    """Dollars of the last week more than with the runs of the first."""


def judge(weeks: Sequence[Week]) -> Longer | None:
    """The growth that the last of these full weeks ends, from as far back as it goes; None where there is none."""
    known = _known(weeks)
    growing = (known[start:] for start in range(len(known) - FEWEST_WEEKS + 1))
    part = next((part for part in growing if _grows([week.calls for week in part])), None)
    if part is None:
        return None
    first, last = part[0], part[-1]
    return Longer(
        since=first.monday,
        weeks=len(part),
        calls=(first.calls, last.calls),
        dollars=(first.dollars, last.dollars),
        runs=last.runs,
        extra=max(last.dollars - first.dollars, Decimal(0)) * last.runs,
    )


def _known(weeks: Sequence[Week]) -> list[Week]:
    """The newest weeks in a row that have runs enough to tell, in their order."""
    known: list[Week] = []
    for week in reversed(weeks):
        if week.runs < FEWEST_RUNS or (known and known[0].monday - week.monday != WEEK):
            break
        known.insert(0, week)
    return known


def _grows(calls: Sequence[float]) -> bool:
    pairs = list(combinations(calls, 2))
    in_order = sum(later > earlier for earlier, later in pairs)
    steps = [later / earlier for earlier, later in pairwise(calls)]
    grown = calls[-1] / calls[0]
    return (
        grown >= GROWN
        and calls[1] > calls[0]
        and in_order >= IN_ORDER * len(pairs)
        and calls[-1] >= STILL**3 * calls[-4]
        and log(max(steps)) <= ONE_STEP * log(grown)
    )
