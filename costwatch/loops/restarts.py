"""A scheduler that starts the same failing task again and again. Pure.

One failed run is an accident, many of many kinds are the provider's trouble (an anomaly of its own). This is one agent
and task whose runs, one after the other, do the same little and end with a failed call. Nearly alike they are told
after a few; where one gets further than the other (a step that fails by chance), after more of them.
"""

from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from itertools import pairwise, takewhile

import msgspec

RULES = ((5, 1.25), (8, 2.0))
"""So many in a row, and how far their calls and tokens may be from each other, as a ratio …"""
SLACK_CALLS, SLACK_TOKENS = 1, 200
"""… and what they may differ in any case."""
OVERLAP = 0.25
"""A scheduler may start the next one before the old one has quite given up; runs side by side are no restarts."""


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
    streak = _failed(ordered)
    if not streak:
        return None
    for fewest, ratio in RULES:
        alike = list(takewhile(partial(_alike, ratio, streak[0]), streak))
        if len(alike) >= fewest:
            return _found(alike)
    return None


def _failed(ordered: Sequence[Attempt]) -> list[Attempt]:
    """The newest ones, newest first, as long as they failed and one followed the other."""
    streak: list[Attempt] = []
    for attempt in reversed(ordered):
        follows = not streak or attempt.end - OVERLAP * (attempt.end - attempt.at) <= streak[-1].at
        if not (attempt.failed and follows):
            break
        streak.append(attempt)
    return streak


def _found(streak: Sequence[Attempt]) -> Restarts:
    newest, first = streak[0], streak[-1]
    gaps = sorted(earlier.at - later.at for earlier, later in pairwise(streak))
    return Restarts(
        count=len(streak),
        since_at=first.at,
        at=newest.end,
        run_id=newest.run_id,
        first_run_id=first.run_id,
        dollars=sum((one.dollars for one in streak), Decimal(0)),
        every=gaps[len(gaps) // 2],
    )


def _alike(ratio: float, one: Attempt, other: Attempt) -> bool:
    return _near(one.calls, other.calls, SLACK_CALLS, ratio) and _near(
        one.input_tokens, other.input_tokens, SLACK_TOKENS, ratio
    )


def _near(one: int, other: int, slack: int, ratio: float) -> bool:
    return abs(one - other) <= slack or max(one, other) <= ratio * min(one, other)
