"""Retry storms: requests of an agent that fail and are sent again and again, for nothing or nearly so.

A client that waits, and gives up or gets through after a few, copes as it should. The requests of a fan-out that are
refused all at once were sent once each: they count as one.
"""

from costwatch.loops.state import AgentState, Call

APART = 1.0
"""Seconds after the beginning of a failure in which another one is of the same fan-out; longer where it lasted."""
KEPT = 0.5
"""A success halves what was counted, so that a rare one ends no storm."""


def fail(agent: AgentState, call: Call, enough: int) -> bool:
    """Count one failed request; whether a storm begins with it, which is told once per agent."""
    if call.at < agent.failing_until:
        return False
    agent.failing_until = call.at + max(APART, call.latency or 0.0)
    agent.failures += 1.0
    begins = agent.failures >= enough and not agent.stormed
    agent.stormed = agent.stormed or begins
    return begins


def succeed(agent: AgentState) -> None:
    """A request went through."""
    agent.failures *= KEPT
