"""The watch: what was folded since the last look is judged, and what is found becomes incidents, in one transaction.

It does what the tables say: killed anywhere it has done nothing, twice at once the second does nothing.
"""

import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from django.db.models import Q
from psycopg import Cursor

from costwatch.accounts.models import Workspace
from costwatch.alerts import incidents
from costwatch.alerts.models import PENDING, Incident, Kind, Severity, State
from costwatch.ledger import feed
from costwatch.ledger.feed import RunCall
from costwatch.lib.periods import zone
from costwatch.loops.detect import Late, judge
from costwatch.loops.memory import Memory
from costwatch.loops.reports import figures, key, report
from costwatch.loops.state import Call, Finding, Level

READER = "loops"
OVER_AFTER = timedelta(hours=1)
WEEK_OVER_AFTER = timedelta(days=8)
MOST_SETTLED = 500


def watch_all(now: datetime, seconds: float) -> int:
    """Look at portions until nothing is new or the time is up; how many batches. Raises StorageUnavailable."""
    until = time.monotonic() + seconds
    batches = 0
    while portion := watch(now):
        batches += portion
        if time.monotonic() >= until:
            break
    return batches


def watch(now: datetime) -> int:
    """Judge the next portion of folded batches; how many they were. Raises StorageUnavailable."""
    with feed.reading(READER) as (cursor, batches):
        for lane, own in groupby(sorted(batches, key=lambda batch: batch.lane), key=lambda batch: batch.lane):
            _judge(cursor, lane, feed.calls(cursor, list(own)), now)
    return len(batches)


def settle(now: datetime) -> int:
    """Resolve the incidents that nothing was added to for an hour (that of weeks: for a week and a day); how many."""
    is_of_weeks = Q(dedupe_key__startswith="loop:longer:")
    over = Q(changed_at__lt=now - OVER_AFTER) & ~is_of_weeks | Q(changed_at__lt=now - WEEK_OVER_AFTER) & is_of_weeks
    silent = Incident.objects.filter(over, kind=Kind.LOOP, state__in=PENDING)[:MOST_SETTLED]
    return sum(incidents.settle(incident, now, _over(incident)) for incident in silent)


def _over(incident: Incident) -> str:
    return "The run has ended: no call for an hour" if incident.run_id else "It has not gone on"


def _judge(cursor: Cursor[Any], lane: int, rows: Sequence[RunCall], now: datetime) -> None:
    if not rows:
        return
    calls = sorted((Call(*row.call) for row in rows), key=lambda call: call.place)
    numbers = {row.call[1]: row.run for row in rows}
    memory = Memory(lane, numbers, {(call.agent, call.task) for call in calls}, calls[-1].at)
    begun = {row.call[1] for row in rows if row.starts_run}
    found, again = _observe(memory, calls, begun)
    for run_id in sorted(again):
        history = [Call(*row.call) for row in feed.calls_of_run(cursor, numbers[run_id])]
        state, findings = judge(history, memory.state(run_id).limits, memory.stream.settings)
        if state is not None:
            memory.replace(run_id, state)
            found[run_id] = findings
    memory.save(cursor, numbers, now)
    _tell(lane, memory, numbers, found, now)


def _observe(memory: Memory, calls: Sequence[Call], begun: set[str]) -> tuple[dict[str, list[Finding]], set[str]]:
    """The findings of these calls by run, and the runs to be judged anew from all their calls: something came late, or
    their beginning is not remembered."""
    found: dict[str, list[Finding]] = defaultdict(list)
    again = {call.run_id for call in calls} - memory.known - begun
    late: set[str] = set()
    for call in calls:
        if call.run_id in late:
            continue
        try:
            findings = memory.stream.see(call)
        except Late:
            late.add(call.run_id)
        else:
            if findings:
                found[call.run_id] += findings
    return found, again | late


def _tell(lane: int, memory: Memory, numbers: dict[str, int], found: dict[str, list[Finding]], now: datetime) -> None:
    workspace = Workspace.objects.get(pk=lane)
    for run_id, findings in found.items():
        for finding in _worth_telling(findings):
            told = report(finding, numbers[run_id], zone(workspace.time_zone), memory.stream.settings)
            incidents.open_or_update(workspace.pk, told, now)
    for run_id, number in numbers.items():
        state = memory.state(run_id)
        if state.net or any(agent.level for agent in state.agents.values()):
            facts, amount = figures(state)
            incidents.refresh(workspace.pk, key(number), facts, amount, now)
            if (amount or 0) >= memory.stream.settings.gate:
                _release(workspace.pk, key(number), state.last_at, now)


def _release(workspace_id: int, key: str, last_at: float, now: datetime) -> None:
    """A loop that was too cheap for a message when it was found is told once it has become dear enough."""
    held = Incident.objects.filter(workspace_id=workspace_id, dedupe_key=key, state=State.OPEN)
    incident = held.filter(facts__worth_a_message=False).exclude(severity=Severity.NOTICE).first()
    if incident is not None:
        at = datetime.fromtimestamp(last_at, UTC)
        incidents.tell_again(workspace_id, key, {"worth_a_message": True}, incident.title, incident.message,
                             Severity(incident.severity), incident.amount, at, now)  # fmt: skip


def _worth_telling(findings: Sequence[Finding]) -> list[Finding]:
    """Without the notices that became an alarm in the same portion: a back-fill would write each incident thrice."""
    alarmed = {key(0, finding.rule) for finding in findings if finding.level >= Level.alarm}
    return [one for one in findings if one.level >= Level.alarm or key(0, one.rule) not in alarmed]
