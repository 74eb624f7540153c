"""Repeats by fingerprint: a leaky bucket over "the same call in the same situation".

A situation is the last message the agent saw (input_fingerprint), a call what it answered (call_fingerprint); the
result of a call is the situation of the next one. The same call with the same result is a step of a loop; the same
call with a new result is polling, paging or a test after a fix, and hardly counts.
"""

from decimal import Decimal

from costwatch.loops.state import NOTHING, AgentState, Call

MEMORY = 24
SAME = 1.0
REPLY = 0.7
AGAIN = 0.34
UNKNOWN = 0.5
"""The same call where the client does not say what came back."""
CHANGED, CHANGED_AT_MOST = 0.25, 2.0
FAILED_AGAIN = 0.5
LEAK, SLOW_LEAK = 0.34, 0.05
TURN = 0.7
CONVERSATION = 6
TINY = 1e-6


def weigh(agent: AgentState, call: Call, number: int) -> tuple[str, int | None]:
    """Add one call to the agent's score; answers what it was taken for and the number of the call it repeats.

    Marks: new, same, again (same call, result not known to be the same), reply (said before), parallel.
    """
    # A call whose fingerprint is not told, of an agent that tells others, counts as new.
    fingerprint, situation, tool = call.call_fingerprint or call.event_id, call.input_fingerprint, call.tool
    key = f"{fingerprint}\n{situation or ''}"
    before = agent.pairs.get(key)
    end = call.at + (call.latency or TINY)
    if before is not None and call.at < before[0]:
        agent.pairs[key] = (max(end, before[0]), before[1])
        return "parallel", before[1]
    _settle(agent, situation)
    tokens = call.input_tokens
    agent.growing = agent.growing + 1 if tokens >= agent.input_tokens > 0 else 0
    agent.input_tokens = tokens
    if before is None and fingerprint not in agent.results:
        mark, credit = "new", 0.0
    else:
        mark, credit = _credit(agent, tool, situation, before is not None)
    if call.input_error:
        _error(agent, mark != "new" or (tool is not None and tool == agent.tool))
    else:
        agent.errors = 0
    if mark == "new":
        agent.score = agent.score - LEAK if agent.score > LEAK else 0.0
        agent.slow = agent.slow - SLOW_LEAK if agent.slow > SLOW_LEAK else 0.0
        if agent.repeats and agent.score == 0.0:
            forget_repeats(agent)
    else:
        agent.score += credit
        count_repeat(agent, call, number)
        if mark in ("same", "reply"):
            agent.slow += credit
    # What a conversation partner says next is no result: an answer given again stays one.
    agent.pending = 0.0 if tool is None and agent.growing >= CONVERSATION else credit
    agent.pending_cost = call.cost or NOTHING
    agent.new_reply = mark == "new" and tool is None
    agent.call, agent.tool = fingerprint, tool
    if before is not None:
        del agent.pairs[key]
    agent.pairs[key] = (end, number)
    if len(agent.pairs) > MEMORY:
        del agent.pairs[next(iter(agent.pairs))]
    return mark, before[1] if before is not None else None


def pass_over(agent: AgentState, call: Call) -> None:
    """A call that counts for nothing still brings the result of the one before, and what follows it is its own."""
    if agent.call is not None:
        _settle(agent, call.input_fingerprint)
        agent.call, agent.tool, agent.pending, agent.new_reply = call.event_id, call.tool, 0.0, False


def _settle(agent: AgentState, result: str | None) -> None:
    """The result of the agent's last call is known now: a new one takes back most of the credit for repeating."""
    last = agent.call
    if last is None:
        return
    results = agent.results
    old = results.pop(last, None)
    if result is None:  # not told: no evidence of anything new
        result = old or ""
    agent.moved_on = bool(agent.pending and old and old != result)
    if agent.moved_on:
        kept = min(CHANGED, CHANGED_AT_MOST - agent.changed)
        agent.changed += kept
        agent.score += kept - agent.pending
        if agent.pending == SAME:
            agent.slow -= 1.0
        agent.repeats -= 1
        agent.wasted -= agent.pending_cost
    results[last] = result
    if len(results) > MEMORY:
        del results[next(iter(results))]
    if agent.new_reply:  # a new answer of the agent and then the other side's turn: the conversation moved on
        agent.score *= TURN
        agent.slow *= TURN


def _credit(agent: AgentState, tool: str | None, situation: str | None, same_situation: bool) -> tuple[str, float]:
    """What a call that was made before is taken for, and its credit."""
    if same_situation and situation is not None:
        return "same", SAME
    # Short answers come up again in classification; only where the history is carried along is it saying it again.
    if tool is None and agent.growing >= CONVERSATION:
        return "reply", REPLY
    return "again", AGAIN if situation is not None else UNKNOWN


def _error(agent: AgentState, insisted: bool) -> None:
    """The agent's last call failed; `insisted`: it now does the same, or uses the same tool, again."""
    if insisted:
        agent.score += FAILED_AGAIN
    agent.errors = agent.errors + 1 if agent.errors and agent.error_tool == agent.tool else 1
    agent.error_tool = agent.tool


def count_repeat(agent: AgentState, call: Call, number: int) -> None:
    """One more redundant call since the repeats began."""
    if not agent.repeats:
        agent.since_step, agent.since_at, agent.since_number = call.step, call.at, number
    agent.repeats += 1
    if call.cost is not None:
        agent.wasted += call.cost
    if call.tool is not None and (not agent.tools or agent.tools[-1] != call.tool):
        if call.tool in agent.tools:
            agent.tools.remove(call.tool)
        agent.tools = [*agent.tools[-3:], call.tool]


def forget_repeats(agent: AgentState) -> None:
    """The score is back at nothing: what repeats from here on is another story."""
    agent.repeats, agent.wasted, agent.changed = 0, Decimal(0), 0.0
    agent.since_step, agent.tools = None, []
