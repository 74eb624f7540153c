"""The calls of one run: a context that grows, the part of it that the provider still had, tools, errors. Pure."""

from datetime import datetime, timedelta
from random import Random
from typing import Any

from costwatch.demo import company, traffic
from costwatch.demo.company import Agent, Era

Event = dict[str, Any]
CACHE_STEP = 128
LONGEST_CONTEXT = 190_000
RUNAWAY_CALLS = 64
SHARED = {"run_id", "agent_id", "release", "environment", "task", "tags", "user_id", "session_id", "parent_id"}
WARM = 0.8  # of first calls find the instructions in the cache
WRITTEN = 0.6  # of what is new in a prompt is written to the cache, where that is done on purpose
# what went wrong, how often, and what is known of the tokens then
ERRORS = (
    ("rate_limited", 45, "none"),
    ("overloaded", 25, "none"),
    ("timeout", 20, "unknown"),
    ("invalid_output", 10, "all"),
)
_WRONG = traffic.Weighted([weight for _, weight, _ in ERRORS])
_USAGE = ("input_tokens", "output_tokens", "cached_input_tokens", "cache_write_tokens", "reasoning_tokens")


def name(dice: Random, prefix: str) -> str:
    """An id as programs make them."""
    return f"{prefix}-{dice.getrandbits(40):010x}"


def run(dice: Random, agent: Agent, era: Era, at: datetime, labels: Event) -> list[Event]:
    """One run of an agent, in order of time. `labels`: what all its calls have in common, beside the agent's own."""
    own = {**labels, "run_id": name(dice, "r"), "agent_id": agent.name, "release": era.release,
           "provider": era.provider, "model": era.model,
           "tags": {**labels.get("tags", {}), "team": agent.team, "prompt_version": era.prompt}}  # fmt: skip
    drawn = traffic.lengths(agent.lengths, dice)[0]
    context, sent, reuse = int((agent.system + drawn * agent.prompt) * era.length), 0, traffic.reused(dice)
    events = []
    for step in range(1, max(1, round(dice.gammavariate(3, agent.calls / 3))) + 1):
        answer = max(6, int(traffic.lengths(agent.answers, dice)[1] * agent.answer))
        call = {**own, "event_id": f"{own['run_id']}-{step}", "step": step, "timestamp": at}
        call |= _counts(dice, agent, era.provider, context, sent, reuse, answer)
        _tool(dice, agent, call)
        _mishap(dice, call)
        events.append(call)
        at += timedelta(milliseconds=call["latency_ms"] + dice.expovariate(1 / 2500))
        more = traffic.lengths(agent.lengths, dice)[0] * agent.follows * era.length
        sent, context = context, min(LONGEST_CONTEXT, context + answer + int(more))
    return events


def plain(dice: Random, provider: str, model: str, at: datetime, **labels: Any) -> Event:
    """A call outside any run."""
    read, written = traffic.lengths("conversation", dice)
    call = {"event_id": name(dice, "c"), "timestamp": at, "provider": provider, "model": model, "input_tokens": read,
            "output_tokens": written, "latency_ms": _latency(dice, written), **labels}  # fmt: skip
    _mishap(dice, call)
    return call


def embedding(dice: Random, at: datetime, run_of: Event) -> Event:
    """The search by meaning with which some look-ups begin."""
    shared = {name: run_of[name] for name in run_of.keys() & SHARED}
    return {**shared, "event_id": f"{run_of['run_id']}-0", "step": 0, "timestamp": at, "provider": "openai",
            "model": "text-embedding-3-small", "operation": "embeddings", "input_tokens": dice.randint(12, 160),
            "output_tokens": 0, "latency_ms": dice.randint(40, 220)}  # fmt: skip


def runaway(dice: Random, began: datetime, labels: Event) -> list[Event]:
    """A run that, from its 13th call on, asks for the same order and the same policy until somebody stops it."""
    agent, era = company.REASONING, company.REASONING.era(0)
    own = {**labels, "run_id": "r-8f31c2", "agent_id": agent.name, "release": era.release, "provider": era.provider,
           "model": era.model, "tags": labels["tags"] | {"team": agent.team, "prompt_version": era.prompt}}  # fmt: skip
    events, at, context = [], began, 6_180
    for step in range(1, RUNAWAY_CALLS + 1):
        again = step > 12
        tool = ("get_order", "refund_policy")[step % 2 == 0] if again else agent.tools[step % len(agent.tools)]
        answer = dice.randint(140, 300)
        events.append({
            **own, "event_id": f"r-8f31c2-{step}", "step": step, "timestamp": at, "tool": tool,
            "input_tokens": context, "cached_input_tokens": 5_376 if step > 1 else 0,
            "cache_write_tokens": 5_376 if step == 1 else 0, "output_tokens": answer, "reasoning_tokens": answer // 2,
            "latency_ms": _latency(dice, answer), "input_error": False,
            "call_fingerprint": f"repeat-{tool}" if again else f"{dice.getrandbits(48):012x}",
            "input_fingerprint": f"answer-{tool}" if again else f"{dice.getrandbits(48):012x}",
        })  # fmt: skip
        at += timedelta(seconds=dice.uniform(40, 56) if again else dice.uniform(5, 20))
        context += dice.randint(1_760, 2_000) if again else dice.randint(800, 1_200)
    return events


def _counts(dice: Random, agent: Agent, provider: str, context: int, sent: int, reuse: float, answer: int) -> Event:
    kept = int(sent * reuse) if sent else agent.system if dice.random() < WARM else 0
    cached = min(kept, context) // CACHE_STEP * CACHE_STEP
    counts: Event = {"input_tokens": context, "output_tokens": answer, "cached_input_tokens": cached,
                     "latency_ms": _latency(dice, answer)}  # fmt: skip
    if provider == "anthropic":
        counts["cache_write_tokens"] = int((context - cached) * WRITTEN)
    if agent.thinks:
        counts["reasoning_tokens"] = int(answer * agent.thinks * dice.uniform(0.6, 1.4))
    return counts


def _tool(dice: Random, agent: Agent, call: Event) -> None:
    if agent.tools and dice.random() < 0.8:
        call["tool"] = dice.choice(agent.tools)
        call["call_fingerprint"] = f"{dice.getrandbits(48):012x}"
        call["input_fingerprint"] = f"{dice.getrandbits(48):012x}"
        call["input_error"] = dice.random() < 0.02


def _mishap(dice: Random, call: Event) -> None:
    if dice.random() >= company.ERRORS:
        return
    kind, _, known = ERRORS[_WRONG.draw(dice)]
    call["status"], call["error_type"] = "error", kind
    if known != "all":
        for count in _USAGE:
            call.pop(count, None)
    if known == "none":
        call["input_tokens"] = call["output_tokens"] = 0


def _latency(dice: Random, answer: int) -> int:
    return int(260 + answer * dice.uniform(7, 16) + dice.expovariate(1 / 200))
