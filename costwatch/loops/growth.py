"""What the size of the context tells: whether a run brings in anything new, and what reading it all again costs.

Context that grows without use: each call pays for reading again what the one before had read.

A history that is carried along and never trimmed makes a run of n calls cost n². That is no fault in short runs, none
where the provider's cache takes most of it off the bill, and no news where all runs of the task do so. Dollars decide:
what the calls cost, by the share of tokens that had been read before, against the run's limit (usual.py). A context
that shrinks (a summary, a new conversation) begins anew; one small call beside the conversation does not shrink it.
"""

from decimal import Decimal

from costwatch.loops.state import NOTHING, AgentState, Call, Level, Limits, RunState

TRIMMED = 0.9
"""A context below this share of the one before was trimmed."""
OUTPUT_WEIGHT = 4
"""A token written costs about as much as four read."""
HEAVY = 300_000
"""Tokens read again before anything is asked; most runs never get there."""
CALLS, CONTEXT, TIMES, SHARE = 20, 20_000, 8, 0.8
NOTICE, ALARM = 1, 5
"""Dollars spent on reading again, in limits of a whole run of the task: below one it does what it always does."""

OVERHEAD = 20
"""Tokens that a message adds to what it says."""
FEWEST, MOSTLY = 20, 0.8
"""From so many calls on, four of five are taken for the rule."""


def bring(run: RunState, agent: AgentState, call: Call) -> None:
    """Did this call bring in something from outside: more than all agents of the run have written since this one was
    last called? A context that was begun anew counts as well: the next item of a list. Before `grow`."""
    before, tokens = agent.input_tokens, call.input_tokens
    if before:
        run.followed += 1
        if tokens - before > run.written - agent.heard + OVERHEAD or tokens < before * TRIMMED:
            run.brought += 1
    agent.heard = run.written


def brings(run: RunState) -> bool:
    """Whether it reads on, page after page, item after item, as far as sizes can tell."""
    return run.followed >= FEWEST and run.brought >= MOSTLY * run.followed


def grow(run: RunState, agent: AgentState, call: Call) -> None:
    """Add one call to what was read and written."""
    before, tokens, output = agent.context, call.input_tokens, call.output_tokens
    run.written += output
    smaller = tokens < before * TRIMMED
    if smaller and not agent.smaller:
        agent.smaller = True
        return
    agent.context, agent.smaller = tokens, False
    if smaller or not before:
        agent.grown_from, agent.grown, agent.carried, agent.read, agent.grown_dollars = tokens, 0, 0, 0, NOTHING
        return
    agent.grown += 1
    agent.carried += before if before < tokens else tokens
    agent.read += tokens + OUTPUT_WEIGHT * output
    if call.cost is not None:
        agent.grown_dollars += call.cost


def how_bad(agent: AgentState, limits: Limits) -> Level:
    """What it amounts to: many calls, a context that is large and was small, hardly anything new in it, dollars."""
    large = agent.context >= max(CONTEXT, TIMES * agent.grown_from)
    if agent.grown < CALLS or not large or agent.carried < SHARE * agent.read:
        return Level.none
    dollars = again(agent)
    if dollars < NOTICE * limits.dollars:
        return Level.none
    return Level.alarm if dollars >= ALARM * limits.dollars else Level.notice


def again(agent: AgentState) -> Decimal:
    """Dollars spent on reading again, by the share of the tokens."""
    return agent.grown_dollars * agent.carried / agent.read if agent.read else NOTHING
