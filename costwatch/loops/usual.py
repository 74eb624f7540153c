"""What a run of an agent and task normally takes: learnt from its finished runs, with visible defaults before."""

from collections.abc import Sequence
from decimal import Decimal
from typing import TypeVar

import msgspec

from costwatch.loops.state import Limits, RunState, Settings

KEPT = 200
REFRESHED = 10
LEARNT = 30
"""From this many finished runs on, an agent and task is measured by nothing but itself."""
EARLY = 5
FEWEST_CALLS = 40
FEWEST_DOLLARS = Decimal(2)
FINISHED_AFTER = 600.0
"""Seconds of silence after which a run counts as finished."""

Number = TypeVar("Number", int, Decimal)


class Usual(msgspec.Struct, array_like=True):
    """The last finished runs of one agent and task (or of the whole workspace)."""

    calls: list[int] = []
    dollars: list[Decimal] = []
    seen: int = 0
    known: Limits | None = None
    """The limits worked out last; sorting 200 figures for every new run would cost more than all its calls."""


def learn(usual: Usual, run: RunState) -> None:
    """Add a finished run. One that was caught repeating itself teaches nothing, one that was only long does."""
    if run.looped or run.batch:
        return
    slot = usual.seen % KEPT
    if len(usual.calls) < KEPT:
        usual.calls.append(run.calls)
        usual.dollars.append(run.dollars)
    else:
        usual.calls[slot], usual.dollars[slot] = run.calls, run.dollars
    usual.seen += 1
    if usual.seen <= LEARNT or usual.seen % REFRESHED == 0:
        usual.known = None


def limits(own: Usual, everyone: Usual, settings: Settings) -> Limits:
    """The limits for a run that begins now.

    With 30 finished runs: twice the calls (six times the dollars: context grows along) that nine in ten stay below.
    With 5: three times the calls (twelve times the dollars) of its shorter quarter, which runaways cannot move.
    Before that: 1.75 times the calls of nine in ten of all runs of the workspace; before 30 of those, the settings.
    """
    usual = own if len(own.calls) >= EARLY else everyone
    if usual.known is None:
        usual.known = _own(own) if usual is own else _nobody_yet(everyone, settings)
    return usual.known


def _own(own: Usual) -> Limits:
    runs = len(own.calls)
    share, calls_factor, dollars_factor = (0.9, 2, 6) if runs >= LEARNT else (0.25, 3, 12)
    return Limits(
        calls=float(max(FEWEST_CALLS, calls_factor * quantile(own.calls, share))),
        dollars=max(FEWEST_DOLLARS, dollars_factor * quantile(own.dollars, share)),
        usual_calls=quantile(own.calls, 0.5),
        usual_dollars=quantile(own.dollars, 0.5),
        runs=runs,
    )


def _nobody_yet(everyone: Usual, settings: Settings) -> Limits:
    known = len(everyone.calls) >= LEARNT
    calls = max(FEWEST_CALLS, 1.75 * quantile(everyone.calls, 0.9)) if known else settings.calls
    return Limits(float(calls), settings.dollars)


def quantile(values: Sequence[Number], share: float) -> Number:
    """The value that the given share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
