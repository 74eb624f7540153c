"""A task whose runs get longer week by week: nobody changed the price, and it costs more all the same. Pure."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import msgspec

FEWEST_WEEKS = 4
FEWEST_RUNS = 20
STEP = 1.05
"""What a week must add to the one before: the middle of the runs moves by a few percent by chance."""
GROWN = 1.5
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
    """The growth that the last of these full weeks ends; None where there is none, or the runs are too few to tell."""
    part: list[Week] = []
    for week in reversed(weeks):
        follows = not part or (part[-1].monday - week.monday == WEEK and part[-1].calls >= STEP * week.calls)
        if week.runs < FEWEST_RUNS or not follows:
            break
        part.append(week)
    if len(part) < FEWEST_WEEKS or part[0].calls < GROWN * part[-1].calls:
        return None
    last, first = part[0], part[-1]
    return Longer(
        since=first.monday,
        weeks=len(part),
        calls=(first.calls, last.calls),
        dollars=(first.dollars, last.dollars),
        runs=last.runs,
        extra=max(last.dollars - first.dollars, Decimal(0)) * last.runs,
    )
