"""Drawing from the measured traffic that traffic.json distils (scripts/distil_traffic.py makes it). Pure."""

import json
from bisect import bisect
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from itertools import accumulate
from random import Random
from typing import Any

NIGHT = 0.25  # of the day's mean: customers live in other zones too


@cache
def measured() -> dict[str, Any]:
    """The file's content: clients, hours, days, lengths, reused; `note` names origin and licence of each."""
    data: dict[str, Any] = json.loads((files("costwatch.demo") / "traffic.json").read_text())
    return data


class Weighted:
    """Draws one of some values, each as often as its weight says."""

    def __init__(self, weights: Sequence[float]) -> None:
        self._sums = list(accumulate(weights))

    def draw(self, dice: Random) -> int:
        """The position of the drawn value."""
        return bisect(self._sums, dice.random() * self._sums[-1])


@cache
def clients(count: int) -> Weighted:
    """Which client sends: few send most of it."""
    return Weighted(measured()["clients"][:count])


@cache
def hour_weights(kind: str) -> tuple[float, ...]:
    """How busy each local hour is, 1 on average: `office`, or `consumer` (never quite silent)."""
    hours = measured()["hours"][kind]
    floor = NIGHT if kind == "consumer" else 0.0
    return tuple(hour * (1 - floor) + floor for hour in hours)


def day_weight(number: int) -> float:
    """How a day differs from its neighbours, 1 on average."""
    days: list[float] = measured()["days"]
    return days[number % len(days)]


def lengths(kind: str, dice: Random) -> tuple[int, int]:
    """Tokens of a prompt and of its answer, as they occurred together."""
    read, written = dice.choice(measured()["lengths"][kind])
    return read, written


def reused(dice: Random) -> float:
    """The share of a continued prompt that was sent before."""
    share: float = dice.choice(measured()["reused"])
    return share
