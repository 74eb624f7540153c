"""A run's account for people: its calls as the detector saw them, and what its repeats were."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from costwatch.ledger import feed
from costwatch.ledger.models import Run
from costwatch.ledger.store import writing
from costwatch.loops.lessons import settings_of
from costwatch.loops.models import WatchedRun
from costwatch.loops.state import Call, Limits, RunState
from costwatch.loops.trail import Mark, trail

RECENT, MOST_CALLS = timedelta(days=30), 300_000
SHOWN_NUMBERS = 3
WORDS = {
    "same": "same call, same result",
    "again": "same call, asked again",
    "reply": "same answer as before",
}
SIZES = "same size as the one before"


@dataclass(frozen=True)
class Marked:
    """A call, its place in the run (from 1), and what it was taken for."""

    number: int
    call: Call
    mark: Mark


@dataclass(frozen=True)
class Repeat:
    """A call that was made again: which ones, what they were taken for, how often, what they cost (None: unpriced)."""

    numbers: str
    tool: str
    fingerprint: str
    words: str
    times: int
    cost: Decimal | None


def marked(lane: int, run_id: str) -> list[Marked]:
    """The calls of a run in their order; empty where this workspace knows no such run."""
    run = Run.objects.filter(lane=lane, run_id=run_id).first()
    if run is None:
        return []
    with writing() as cursor:
        calls = [Call(*row.call) for row in feed.calls_of_run(cursor, run.pk)]
    by_id = {call.event_id: call for call in calls}
    marks = trail(calls, _limits(lane, run.pk), settings_of(lane))
    return [Marked(number, by_id[mark.event_id], mark) for number, mark in enumerate(marks, 1)]


def recent_runs(lane: int, now: datetime) -> dict[str, list[Call]]:
    """The runs of the last thirty days, or as many of the newest as have MOST_CALLS calls, each in its order."""
    with writing() as cursor:
        calls = [Call(*row.call) for row in feed.recent_calls(cursor, lane, now - RECENT, MOST_CALLS)]
    runs: dict[str, list[Call]] = defaultdict(list)
    for call in sorted(calls, key=lambda call: call.place):
        runs[call.run_id].append(call)
    return dict(runs)


def repeats(calls: Sequence[Marked]) -> list[Repeat]:
    """The redundant calls of a run, those that cost most first."""
    groups: dict[tuple[str, str, str], list[Marked]] = defaultdict(list)
    for one in calls:
        if one.mark.repeats:
            groups[one.call.tool or "", one.call.call_fingerprint or "", one.mark.kind].append(one)
    found = [_repeat(key, group) for key, group in groups.items()]
    return sorted(found, key=lambda repeat: (-(repeat.cost or 0), -repeat.times))


def total(costs: Iterable[Decimal | None]) -> Decimal | None:
    """The sum of the known costs; None where none of some is known."""
    listed = list(costs)
    known = [cost for cost in listed if cost is not None]
    return sum(known, Decimal(0)) if known or not listed else None


def _repeat(key: tuple[str, str, str], group: list[Marked]) -> Repeat:
    tool, fingerprint, kind = key
    numbers = [str(one.number) for one in group]
    shown = numbers if len(numbers) <= SHOWN_NUMBERS + 1 else [*numbers[:SHOWN_NUMBERS], f"… {numbers[-1]}"]
    return Repeat(
        numbers=", ".join(shown).replace(", …", " …"),
        tool=tool,
        fingerprint=fingerprint,
        words=WORDS[kind] if fingerprint else SIZES,
        times=len(group),
        cost=total(one.call.cost for one in group),
    )


def _limits(lane: int, run: int) -> Limits:
    """Those that held when the run began, where they are remembered still."""
    row = WatchedRun.objects.filter(lane=lane, run=run).first()
    return msgspec.msgpack.decode(bytes(row.state), type=RunState).limits if row else Limits()
