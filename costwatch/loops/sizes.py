"""Repeats by size: what can be suspected where calls carry no fingerprints.

A loop adds the same number of tokens to the context and answers with the same number, call after call or cycle after
cycle; or it sends exactly the same context again and again.
"""

from costwatch.loops.repeats import count_repeat, forget_repeats
from costwatch.loops.state import AgentState, Call

PERIODS = 4
EXACT, NEARLY = 1.25, 1.0
LEAK = 1.0
UNMOVED = 8
INPUT_SLACK, OUTPUT_SLACK = 0.05, 0.1


def weigh_sizes(agent: AgentState, call: Call, number: int) -> str:
    """Add one call to the agent's score of equal sizes; answers new, same (sizes seen a cycle ago) or parallel."""
    if call.at < agent.busy_until:
        return "parallel"
    agent.busy_until = call.at + (call.latency or 0.0)
    before, agent.input_tokens = agent.input_tokens, call.input_tokens
    if not before or not call.input_tokens:
        return "new"
    growth, output = call.input_tokens - before, call.output_tokens
    agent.unmoved = agent.unmoved + 1 if growth == 0 else 0
    history, best = agent.sizes, 0.0
    for period, (growth_then, output_then) in enumerate(reversed(history)):
        value = agent.periods[period]
        gap = abs(output - output_then)
        if gap == 0 and growth == growth_then:
            value += EXACT
        elif (gap <= 2 or gap <= OUTPUT_SLACK * output_then) and _grows_alike(growth, growth_then):
            value += NEARLY
        elif value:
            value = max(0.0, value - LEAK)
        agent.periods[period] = value
        if value > best:
            best = value
    if len(history) == PERIODS:
        del history[0]
    history.append((growth, output))
    repeated = best > agent.score or agent.unmoved > 0
    agent.score = best
    if repeated:
        count_repeat(agent, call, number)
        return "same"
    if best == 0.0 and agent.repeats:
        forget_repeats(agent)
    return "new"


def _grows_alike(growth: int, before: int) -> bool:
    gap = abs(growth - before)
    return gap <= 3 or gap <= INPUT_SLACK * abs(before)


def forget_sizes(agent: AgentState) -> None:
    """From its first fingerprint on an agent is judged by those."""
    agent.score, agent.unmoved, agent.sizes, agent.periods = 0.0, 0, [], [0.0] * PERIODS
    forget_repeats(agent)
