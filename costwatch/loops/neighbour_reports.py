"""What a loop's neighbours are told as: incidents of the kind loop, by money a notice or an alarm."""

from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any

from costwatch.alerts.incidents import Report
from costwatch.alerts.models import Kind, Severity
from costwatch.loops.longer import Longer
from costwatch.loops.pingpong import PingPong
from costwatch.loops.restarts import Restarts
from costwatch.loops.say import dollars
from costwatch.loops.state import Settings

LONGER_ALARM = Decimal(50)
"""Dollars a week more than before."""
CRITICAL = Decimal(1)


def circle(found: PingPong, number: int, session_id: str, settings: Settings, zone: tzinfo) -> Report:
    """Two agents of a session that answer each other in circles."""
    first, second = (agent or "an agent without a name" for agent in found.agents)
    suspected = " Suspected by the sizes of their answers alone: send call_fingerprint to be certain."
    message = (
        f"{first} and {second} hand session {session_id} to and fro: {found.turns} turns in {found.runs} runs said"
        f" nothing new, since {_clock(found.since_at, zone)}. {_spent(found.dollars)}"
        f" Rule: repeat score {found.score:g} of {found.threshold:g}.{suspected if found.suspected else ''}"
    )
    severity = Severity.NOTICE if found.suspected or found.dollars < settings.gate else Severity.ALARM
    facts = {"pattern": "pingpong", "session": session_id, "agents": list(found.agents), "turns": found.turns,
             "runs": found.runs, "score": found.score, "threshold": found.threshold, "suspected": found.suspected,
             "agent": found.agents[0], "cost_usd": f"{found.dollars:.12f}"}  # fmt: skip
    title = f"{first} and {second} answer each other in circles"
    key = f"loop:session:{number}"
    return _report(key, severity, title, message, first, found.at, found.dollars, facts, found.event_id,
                   stops=severity == Severity.ALARM)  # fmt: skip


def restarted(
    found: Restarts, pair: tuple[int, int], agent: str, task: str, settings: Settings, zone: tzinfo
) -> Report:
    """A task that is started again and again and fails."""
    what = _what(agent, task)
    message = (
        f"{what} was started {found.count} times in a row and failed in the same way each time, about every"
        f" {_minutes(found.every)}, since {_clock(found.since_at, zone)} (last run {found.run_id})."
        f" {_spent(found.dollars)} Whatever starts it does not notice: mend the cause, or pause the schedule."
    )
    severity = Severity.ALARM if found.dollars and found.dollars >= settings.gate else Severity.NOTICE
    facts = {"pattern": "restarts", "agent": agent, "task": task, "count": found.count, "run_id": found.run_id,
             "first_run_id": found.first_run_id, "every_seconds": found.every,
             "cost_usd": f"{found.dollars:.12f}"}  # fmt: skip
    key = f"loop:restarts:{pair[0]}:{pair[1]}:{datetime.fromtimestamp(found.at, UTC):%Y-%m-%d}"
    return _report(key, severity, f"{what}: started again and again, fails", message, agent or task, found.at,
                   found.dollars, facts)  # fmt: skip


def growing(found: Longer, pair: tuple[int, int], agent: str, task: str, at: datetime) -> Report:
    """A task whose runs get longer week by week."""
    what = _what(agent, task)
    before, now = found.calls
    message = (
        f"Runs of {what} get longer week by week: in the middle {before:g} calls in the week of {found.since:%-d %b},"
        f" {now:g} last week, growing over {found.weeks} weeks. A run cost"
        f" {dollars(found.dollars[0])} and costs {dollars(found.dollars[1])} now; over last week's {found.runs:,} runs"
        f" that is {dollars(found.extra)} more."
    )
    severity = Severity.ALARM if found.extra >= LONGER_ALARM else Severity.NOTICE
    facts = {"pattern": "longer", "agent": agent, "task": task, "since": found.since.isoformat(), "weeks": found.weeks,
             "calls_before": before, "calls_now": now, "runs": found.runs,
             "extra_usd_per_week": f"{found.extra:.12f}"}  # fmt: skip
    key = f"loop:longer:{pair[0]}:{pair[1]}:{found.since}"
    title = f"{what}: runs get longer week by week"
    return _report(key, severity, title, message, agent or task, at.timestamp(), found.extra, facts)


def _report(key: str, severity: Severity, title: str, message: str, subject: str, at: float, amount: Decimal,
            facts: dict[str, Any], event_id: str = "", *, stops: bool = False) -> Report:  # fmt: skip
    return Report(Kind.LOOP, key, severity, title, message, subject, datetime.fromtimestamp(at, UTC), event_id,
                  stops=stops, amount=amount, facts=facts)  # fmt: skip


def _what(agent: str, task: str) -> str:
    return " of ".join(name for name in (task, agent) if name) or "a task without a name"


def _spent(amount: Decimal) -> str:
    return f"{dollars(amount)} spent on it." if amount else "Nothing spent on it that is known."


def _clock(at: float, zone: tzinfo) -> str:
    return f"{datetime.fromtimestamp(at, zone):%H:%M:%S}"


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} seconds" if seconds < 120 else f"{seconds / 60:.0f} minutes"
