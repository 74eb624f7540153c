"""A finding as a report for an incident: one for each run, and one more if its requests fail in a storm."""

from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any

from costwatch.alerts.incidents import Report
from costwatch.alerts.models import Kind, Severity
from costwatch.loops.say import say, title
from costwatch.loops.state import Finding, Level, RunState, Settings

SEVERITIES = {Level.notice: Severity.NOTICE, Level.alarm: Severity.ALARM, Level.critical: Severity.CRITICAL}

OWN = ("retries", "growth")
"""Rules whose incidents are apart from the run's one about repeats and length."""


def key(run: int, rule: str = "") -> str:
    """What names the incident in its workspace. A run that repeats itself and is too long as well is one trouble."""
    return f"loop:{run}:{rule if rule in OWN else 'run'}"


def report(finding: Finding, run: int, zone: tzinfo, settings: Settings) -> Report:
    """The report of a finding about this run (the ledger's number of it)."""
    return Report(
        kind=Kind.LOOP,
        key=key(run, finding.rule),
        severity=SEVERITIES[finding.level],
        title=title(finding),
        message=say(finding, zone),
        subject=finding.agent,
        at=datetime.fromtimestamp(finding.at, UTC),
        event_id=finding.event_id,
        run_id=finding.run_id,
        stops=finding.level >= Level.alarm and finding.rule != "growth",
        amount=finding.at_stake,
        facts=_facts(finding, settings),
    )


def figures(run: RunState) -> tuple[dict[str, Any], Decimal | None]:
    """What changes while a run goes on, and the dollars at stake; None where no call of it has a price."""
    wasted = sum((agent.wasted for agent in run.agents.values()), Decimal(0))
    facts = {
        "calls": run.calls,
        "unpriced_calls": run.unpriced,
        "cost_usd": _usd(run.dollars),
        "last_call_at": datetime.fromtimestamp(run.last_at, UTC).isoformat(),
    }
    amount = run.dollars
    if any(agent.level for agent in run.agents.values()):
        repeated = sum(agent.repeats for agent in run.agents.values())
        facts |= {"repeats": repeated, "repeats_cost_usd": _usd(wasted)}
        amount = wasted
    return facts, amount if amount or not run.unpriced else None


def _facts(finding: Finding, settings: Settings) -> dict[str, Any]:
    limits = finding.limits
    grew = {} if finding.grew is None else {"context_before": finding.grew[0], "context_now": finding.grew[1]}
    return {
        **grew,
        "run_id": finding.run_id,
        "agent": finding.agent,
        "task": finding.task,
        "rule": finding.rule,
        "score": finding.score,
        "threshold": finding.threshold,
        "suspected": finding.suspected,
        "tool": finding.tool,
        "tools": list(finding.tools),
        "count": finding.count,
        "call": finding.number,
        "step": finding.step,
        "since": datetime.fromtimestamp(finding.since_at, UTC).isoformat(),
        "since_call": finding.since_number,
        "since_step": finding.since_step,
        "calls": finding.number,
        "cost_usd": _usd(finding.run_dollars),
        "repeats_cost_usd": _usd(finding.wasted),
        "pace_usd_per_hour": _usd(finding.pace) if finding.pace else None,
        "usual_calls": limits.usual_calls,
        "usual_cost_usd": None if limits.usual_dollars is None else _usd(limits.usual_dollars),
        "learnt_from_runs": limits.runs,
        "worth_a_message": settings.worth_a_message(finding.at_stake, finding.pace),
    }


def _usd(amount: Decimal) -> str:
    return f"{amount:.12f}"
