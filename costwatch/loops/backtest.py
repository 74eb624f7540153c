"""What other settings would have done: the workspace's own last runs judged again, under these and under those of now.

Pure. Runs are replayed in the order of their calls, so that what is normal is learnt as it was in life; the first runs
of the replay are measured by the defaults, under both settings alike.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from costwatch.loops.say import title
from costwatch.loops.state import Call, Finding, Level, RunState, Settings
from costwatch.loops.stream import Stream


class Fired(msgspec.Struct, frozen=True):
    """A run that would have raised an alarm: by what, when (Unix seconds), at which call, what was at stake."""

    run_id: str
    agent: str
    task: str
    title: str
    at: float
    number: int
    calls: int
    dollars: Decimal
    """Spent on repeats, or in the whole run where that was too long, by the run's last call."""
    told: bool
    """It would have passed the money gate."""


class Difference(msgspec.Struct, frozen=True):
    """A run that fires under one of the settings at least."""

    fired: Fired
    change: str
    """new (only under the new settings), lost (only under those of now) or same."""


class Backtest(msgspec.Struct, frozen=True):
    """The outcome over all runs."""

    runs: int
    calls: int
    differences: list[Difference]

    def of(self, *changes: str) -> list[Difference]:
        """Those of these kinds."""
        return [one for one in self.differences if one.change in changes]


def backtest(calls: Sequence[Call], now: Settings, new: Settings) -> Backtest:
    """Judge the runs under both settings; differences first, then the dearest."""
    ordered = sorted({call.event_id: call for call in calls}.values(), key=lambda call: (call.place, call.run_id))
    before, after = fired(ordered, now), fired(ordered, new)
    found = [Difference(one, "same" if run_id in before else "new") for run_id, one in after.items()]
    found += [Difference(one, "lost") for run_id, one in before.items() if run_id not in after]
    found.sort(key=lambda one: (one.change == "same", -one.fired.dollars, one.fired.run_id))
    return Backtest(len({call.run_id for call in ordered}), len(ordered), found)


def fired(ordered: Iterable[Call], settings: Settings) -> dict[str, Fired]:
    """The runs that raise an alarm; `ordered`: the calls of all runs by time."""
    stream = Stream(settings)
    alarms: dict[str, Finding] = {}
    states: dict[str, RunState] = {}
    for call in ordered:
        for finding in stream.see(call):
            if finding.level >= Level.alarm:
                alarms.setdefault(call.run_id, finding)
                states[call.run_id] = stream.active[call.run_id]
    return {run_id: _fired(finding, states[run_id], settings) for run_id, finding in alarms.items()}


def _fired(finding: Finding, run: RunState, settings: Settings) -> Fired:
    wasted = sum((agent.wasted for agent in run.agents.values()), Decimal(0))
    dollars = run.dollars if finding.about_the_run else wasted
    return Fired(
        run_id=finding.run_id,
        agent=finding.agent,
        task=finding.task,
        title=title(finding),
        at=finding.at,
        number=finding.number,
        calls=run.calls,
        dollars=dollars,
        told=settings.worth_a_message(dollars, finding.pace),
    )
