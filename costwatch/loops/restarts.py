"""A scheduler that starts the same failing task again and again. Pure.

One failed run is an accident, many of many kinds are the provider's trouble (an anomaly of its own). This is one agent
and task whose runs, one after the other, do the same little and end with a failed call.
"""

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

import msgspec

FEWEST = 5
ALIKE = 1.25
"""How far the runs' calls and tokens may be from each other, as a ratio …"""
SLACK_CALLS, SLACK_TOKENS = 1, 200
"""… and what they may differ in any case."""


class Attempt(msgspec.Struct, frozen=True):
    """A run of one agent and task; `failed`: its last call did."""

    run_id: str
    at: float
    end: float
    failed: bool
    calls: int
    input_tokens: int
    dollars: Decimal


class Restarts(msgspec.Struct, frozen=True):
    """Runs in a row that failed in the same way."""

    count: int
    since_at: float
    at: float
    run_id: str
    first_run_id: str
    dollars: Decimal
    every: float
    """Seconds between two starts, the middle one."""


def judge(ordered: Sequence[Attempt]) -> Restarts | None:
    """The failed runs that the newest one ends, by start; None if it went well, or they are too few or not alike."""
    streak: list[Attempt] = []
    for attempt in reversed(ordered):
        follows = not streak or attempt.end <= streak[-1].at
        if not (attempt.failed and follows and (not streak or _alike(attempt, streak[0]))):
            break
        streak.append(attempt)
    if len(streak) < FEWEST:
        return None
    newest, first = streak[0], streak[-1]
    gaps = sorted(later.at - earlier.at for later, earlier in pairwise(streak))
    return Restarts(
        count=len(streak),
        since_at=first.at,
        at=newest.end,
        run_id=newest.run_id,
        first_run_id=first.run_id,
        dollars=sum((one.dollars for one in streak), Decimal(0)),
        every=gaps[len(gaps) // 2],
    )


def _alike(one: Attempt, other: Attempt) -> bool:
    return _near(one.calls, other.calls, SLACK_CALLS) and _near(one.input_tokens, other.input_tokens, SLACK_TOKENS)


def _near(one: int, other: int, slack: int) -> bool:
    return abs(one - other) <= slack or max(one, other) <= ALIKE * min(one, other)
