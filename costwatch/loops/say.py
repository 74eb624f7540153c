"""A finding in words: which agent did what, how often, since when, what it cost and why we say so."""

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from decimal import Decimal

from costwatch.loops.state import Finding

UNITS = {"repeat": "repeat score", "echo": "repeat score of both agents", "sizes": "score of equal token counts"}
DEFAULTS = "No finished runs of this task are known yet, so the defaults hold"


def say(finding: Finding, zone: tzinfo = UTC) -> str:
    """Everything a person needs to judge the finding, in a few plain sentences. Times are in `zone`."""
    parts = (_what(finding, zone), _money(finding), _usual(finding), _rule(finding))
    return " ".join(part for part in parts if part)


def title(finding: Finding) -> str:
    """The finding in a few words, for a list or a subject line."""
    agent = _agent(finding)
    if finding.stretch < 1:
        return f"{agent}: repeats itself in a long run"
    return {
        "errors": f"{agent}: {finding.tool or 'a tool'} failed {finding.count} times in a row",
        "calls": f"{agent}: run is far longer than usual",
        "dollars": f"{agent}: run is far dearer than usual",
        "retries": f"{agent}: its requests fail again and again",
        "sizes": f"{agent}: suspected loop",
        "growth": f"{agent}: its context grows and is paid for again with each call",
        "echo": f"{agent}: two agents answer each other in circles",
    }.get(finding.rule, f"{agent}: caught in a loop")


def _what(finding: Finding, zone: tzinfo) -> str:
    agent, run = _agent(finding), f"run {finding.run_id}"
    since = f"since {datetime.fromtimestamp(finding.since_at, zone):%H:%M:%S}"
    if finding.since_step is not None:
        since += f", step {finding.since_step}"
    where = f"({run}, {since})"
    times = _times(finding.count)
    if finding.rule == "repeat" and finding.tools:
        result = "the same arguments and the same result"
        return f"{agent} repeated {_list(finding.tools)} with {result} {times} {where}."
    return {
        "repeat": f"{agent} gave answers it had given before {times} {where}.",
        "echo": f"{agent} and another agent take turns in saying the same again, {agent} {times} {where}.",
        "errors": f"{finding.tool or 'A tool'} of {agent} failed {times} in a row ({run}); the agent keeps calling it.",
        "sizes": (
            f"{agent} is suspected of a loop: calls of the same size {times} {where}. "
            "Send call_fingerprint and input_fingerprint to be certain."
        ),
        "calls": f"{agent} has made {finding.count} calls in {run}{_too_much(finding, 'takes')}.",
        "dollars": f"{agent} has spent {dollars(finding.run_dollars)} in {run}{_too_much(finding, 'costs')}.",
        "growth": (
            f"The context of {agent} grew from {_tokens(finding, 0)} to {_tokens(finding, 1)} tokens in "
            f"{finding.count} calls of {run} and was never trimmed: "
            f"{finding.score:.0%} of what is paid for had been read before."
        ),
        "retries": f"{finding.count} requests of {agent} failed one after the other, with hardly a success ({run}).",
    }[finding.rule]


def _too_much(finding: Finding, does: str) -> str:
    if finding.stretch >= 1:
        return f", far more than this task normally {does}"
    return " and repeated itself now and then" + (f" ({_list(finding.tools)})" if finding.tools else "")


def _money(finding: Finding) -> str:
    whole = finding.rule in ("calls", "dollars", "retries") or not finding.wasted
    amount = finding.run_dollars if whole else finding.wasted
    if not amount:
        return ""
    on = "in this run" if whole else "on reading it again" if finding.rule == "growth" else "on repeats"
    spent = f"{dollars(amount)} spent {on}"
    return f"{spent}, about {dollars(finding.pace)}/h at this pace." if finding.pace else f"{spent}."


def _usual(finding: Finding) -> str:
    limits = finding.limits
    if limits.usual_calls is None:
        return f"{DEFAULTS}." if finding.rule in ("calls", "dollars") else ""
    usual = f"A typical run of this task takes {limits.usual_calls} calls"
    if limits.usual_dollars:
        usual += f" and {dollars(limits.usual_dollars)}"
    return f"{usual} (the middle of {limits.runs} finished runs)."


def _rule(finding: Finding) -> str:
    if finding.rule in UNITS:
        return f"Rule: {UNITS[finding.rule]} {finding.score:g} of {finding.threshold:g}."
    if finding.rule == "growth":
        most = dollars(finding.limits.dollars * Decimal(str(finding.threshold)))
        return (
            f"Rule: that alone is {most} and more, what a whole run of this task may cost at most. "
            "A summary of the history, a shorter tail of it, or the provider's cache takes most of this off the bill."
        )
    if finding.rule == "dollars":
        most = f"{dollars(Decimal(str(finding.threshold)))}{_why(finding)}"
        return f"Rule: {dollars(finding.run_dollars)} of at most {most}."
    nouns: Mapping[str, str] = {
        "errors": "failures in a row",
        "retries": "failures with hardly a success",
        "calls": "calls in a run",
    }
    return f"Rule: {finding.score:g} {nouns[finding.rule]} of at most {finding.threshold:g}{_why(finding)}."


def _why(finding: Finding) -> str:
    """Why the limit is not the usual one, in brackets; empty where it is."""
    if finding.stretch == 1:
        return ""
    if finding.stretch < 1:
        return f" ({finding.stretch:g} x the limit: the run repeats itself)"
    return f" ({finding.stretch:g} x the limit: the run seems to get on)"


def _tokens(finding: Finding, end: int) -> str:
    return f"{finding.grew[end]:,}" if finding.grew else "some"


def _agent(finding: Finding) -> str:
    return finding.agent or "an agent without a name"


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _list(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def dollars(amount: Decimal) -> str:
    """Cents, or below a cent three digits that say something."""
    places = 2 if not amount or amount >= Decimal("0.01") else 2 - amount.adjusted()
    return f"${amount:,.{places}f}"
