"""The run page's account of a run: each call with the score after it and what it was taken for."""

from collections.abc import Iterable

import msgspec

from costwatch.loops.detect import begin, observe
from costwatch.loops.state import Call, Finding, Limits, Settings

REPEATS = ("same", "again", "reply")
UNSEEN = ("failed", "exempt", "parallel")


class Mark(msgspec.Struct, frozen=True):
    """One call of a run as the detector saw it."""

    event_id: str
    number: int
    """The call's number in the run, from 1; 0 for a failed request before the first."""
    kind: str
    """new, changed (called again, another result), same, again, reply, parallel, exempt or failed."""
    same_as: int | None
    """The number of the call it repeats, where that is remembered."""
    score: float
    findings: tuple[Finding, ...]

    @property
    def repeats(self) -> bool:
        """Is it a call that bought nothing new, as far as one can see?"""
        return self.kind in REPEATS


def trail(calls: Iterable[Call], limits: Limits, settings: Settings) -> list[Mark]:
    """The marks of a run in the order of its calls, each event once."""
    ordered = sorted({call.event_id: call for call in calls}.values(), key=lambda call: call.place)
    if not ordered:
        return []
    run = begin(ordered[0], limits, settings)
    marks: list[Mark] = []
    last_of: dict[str, int] = {}
    for call in ordered:
        findings = observe(run, call, settings)
        agent = run.agents.get(call.agent)
        before = last_of.get(call.agent)
        if agent is not None and before is not None and agent.moved_on and run.mark not in UNSEEN:
            marks[before] = msgspec.structs.replace(marks[before], kind="changed")
        score = round(agent.score, 2) if agent is not None else 0.0
        marks.append(Mark(call.event_id, run.calls, run.mark, run.same_as, score, findings))
        if run.mark not in UNSEEN:
            last_of[call.agent] = len(marks) - 1
    return marks
