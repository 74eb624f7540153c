"""The streaming detector: one call in, findings out. Pure, constant work and memory per call.

Calls of a run are judged in the order of their place (time, step, event id). `observe` takes them in that order; a
late one makes `advance` judge the whole run again from the calls the ledger has, so that the verdict never depends on
the order of arrival.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal

import msgspec

from costwatch.loops.growth import HEAVY, again, bring, brings, grow, how_bad
from costwatch.loops.repeats import pass_over, weigh
from costwatch.loops.retries import fail, succeed
from costwatch.loops.sizes import UNMOVED, forget_sizes, weigh_sizes
from costwatch.loops.state import NOTHING, WHOLE_RUN, AgentState, Call, Finding, Level, Limits, RunState, Settings

CRITICAL_REPEATS = 15
CRITICAL_DOLLARS = Decimal(1)
MOST_AGENTS = 64
MOST_NAMED = 4
ECHO = 2.0
"""Two agents that take turns: this much of the score in each, together one more than an alarm needs of one."""
REPEATING, REPEATING_STRETCH = 1.75, 0.5
"""A run with two exact repeats close together is too long at half of its limits …"""
PROGRESS_STRETCH = 3.0
"""… one whose fingerprints show ever new calls only at three times them (a long list, many pages)."""

READING_STRETCH = 2.0
"""Without fingerprints: at twice them where nearly every call brings in something from outside."""


class Late(Exception):
    """The call stands before one that was already judged."""


def begin(call: Call, limits: Limits, settings: Settings) -> RunState:
    """The empty state of a run whose first known call this is. The limits stay as they are at its beginning."""
    return RunState(
        run_id=call.run_id,
        agent=call.agent,
        task=call.task,
        limits=limits,
        watch_calls=limits.calls * REPEATING_STRETCH,
        watch_dollars=limits.dollars * Decimal(REPEATING_STRETCH),
        batch=call.task in settings.batch_tasks,
    )


def observe(run: RunState, call: Call, settings: Settings) -> tuple[Finding, ...]:
    """Judge the run's next call. The same event again changes nothing; an earlier one raises Late."""
    if run.last_event is None:
        run.first_at, run.agent, run.task = call.at, call.agent, call.task
    elif call.at <= run.last_at and not _follows(run, call):
        return ()
    run.last_at, run.last_step, run.last_event = call.at, call.step, call.event_id
    if call.cost is not None:
        run.dollars += call.cost
    else:
        run.unpriced += 1
    if call.batch:
        run.batch = True
    agent = run.agents.get(call.agent)
    if agent is None:
        agent = run.agents[call.agent] = AgentState()
        if len(run.agents) > MOST_AGENTS:
            del run.agents[next(iter(run.agents))]
    if call.failed:
        run.mark, run.same_as = "failed", None
        return _retries(run, agent, call, settings)
    if agent.failures:
        succeed(agent)
    run.calls += 1
    if call.call_fingerprint is None:
        bring(run, agent, call)
    grow(run, agent, call)
    if call.agent != run.speaker:
        run.neighbour, run.speaker = run.speaker, call.agent
    if call.tool is not None and call.tool in settings.repeatable_tools:
        pass_over(agent, call)
        run.mark, run.same_as = "exempt", None
    elif call.call_fingerprint is not None or agent.call is not None:
        if agent.call is None:
            forget_sizes(agent)
        run.mark, run.same_as = weigh(agent, call, run.calls)
    else:
        run.mark, run.same_as = weigh_sizes(agent, call, run.calls), None
    # Plain comparisons first: nearly every call ends here.
    if (
        agent.score >= ECHO
        or agent.errors >= settings.errors
        or agent.unmoved >= UNMOVED
        or agent.carried > HEAVY
        or run.calls > run.watch_calls
        or run.dollars > run.watch_dollars
    ):
        return _findings(run, agent, call, settings)
    return ()


def _follows(run: RunState, call: Call) -> bool:
    """Does the call stand behind the run's last one, at the same time? The same event: no; an earlier one: Late."""
    if call.event_id == run.last_event:
        return False
    if call.place < run.last_place:
        raise Late(call.event_id)
    return True


def _findings(run: RunState, agent: AgentState, call: Call, settings: Settings) -> tuple[Finding, ...]:
    """The rules after one call."""
    if run.batch:
        return ()
    seen = agent.call is not None
    found = _repeats(run, agent, call, settings, seen)
    if run.calls > run.watch_calls or run.dollars > run.watch_dollars:
        found += _net(run, agent, call, seen)
    if agent.carried > HEAVY:
        found += _growth(run, agent, call)
    return found


def judge(calls: Iterable[Call], limits: Limits, settings: Settings) -> tuple[RunState | None, list[Finding]]:
    """Judge a run from all its calls, in whatever order and however often they come. None: there are no calls."""
    unique = {call.event_id: call for call in calls}
    ordered = sorted(unique.values(), key=lambda call: call.place)
    if not ordered:
        return None, []
    run = begin(ordered[0], limits, settings)
    return run, [finding for call in ordered for finding in observe(run, call, settings)]


def advance(
    run: RunState, calls: Iterable[Call], settings: Settings, history: Callable[[], Iterable[Call]]
) -> tuple[RunState, list[Finding]]:
    """Add calls to a run that has been judged before; `history` gives all its calls when one of these is late.

    The answer holds the findings of the new calls; after a late one, all findings of the run as it now reads.
    """
    ordered = sorted({call.event_id: call for call in calls}.values(), key=lambda call: call.place)
    if ordered and run.last_event is not None and ordered[0].place < run.last_place:
        again, findings = judge([*history(), *ordered], run.limits, settings)
        return again or run, findings
    return run, [finding for call in ordered for finding in observe(run, call, settings)]


def _repeats(run: RunState, agent: AgentState, call: Call, settings: Settings, seen: bool) -> tuple[Finding, ...]:
    """What the agent's repeats amount to after this call; each level is told once per agent."""
    threshold = settings.score if seen else settings.sizes
    level = Level.none
    rule, score = "repeat" if seen else "sizes", agent.score
    if score >= threshold:
        level = Level.alarm
    elif agent.errors >= settings.errors:
        level, rule, score, threshold = Level.alarm, "errors", float(agent.errors), float(settings.errors)
    elif seen and score >= ECHO and (together := _echo(run, agent, settings)):
        level, rule, score, threshold = Level.alarm, "echo", together, settings.score + 1
    elif not seen and agent.unmoved >= UNMOVED:
        level, score, threshold = Level.alarm, float(agent.unmoved), float(UNMOVED)
    elif score >= threshold - 1:
        level = Level.notice
    if level is Level.none:
        return ()
    if level is Level.alarm and (agent.repeats >= CRITICAL_REPEATS or agent.wasted >= CRITICAL_DOLLARS):
        level = Level.critical
    if level <= agent.level:
        return ()
    agent.level = level
    run.looped = run.looped or level >= Level.alarm
    count = agent.errors if rule == "errors" else agent.repeats
    return (_finding(run, agent, call, level, rule, score, threshold, count, not seen),)


def _echo(run: RunState, agent: AgentState, settings: Settings) -> float:
    """The common score of two agents that take turns in repeating themselves, 0 if that is not enough."""
    other = run.agents.get(run.neighbour) if run.neighbour is not None else None
    if other is None or other.score < ECHO or agent.score + other.score < settings.score + 1:
        return 0.0
    return agent.score + other.score


def _net(run: RunState, agent: AgentState, call: Call, seen: bool) -> tuple[Finding, ...]:
    """Far more calls or dollars than this agent and task normally takes. Told once."""
    limits = run.limits
    if run.net:
        return ()
    stretch = _stretch(run, seen)
    calls, dollars = limits.calls * stretch, limits.dollars * Decimal(stretch)
    if run.calls > calls:
        rule, score, threshold = "calls", float(run.calls), calls
    elif run.dollars > dollars:
        rule, score, threshold = "dollars", float(run.dollars), float(dollars)
    else:
        return ()
    run.net = Level.alarm
    found = _finding(run, agent, call, run.net, rule, score, threshold, run.calls, not seen)
    tools = sorted({tool for one in run.agents.values() if one.slow for tool in one.tools})
    return (msgspec.structs.replace(found, stretch=stretch, tools=tuple(tools[:MOST_NAMED])),)


def _stretch(run: RunState, seen: bool) -> float:
    """How much of its limits a run may take: less if it repeats itself, more the surer one is that it gets on."""
    if not seen:
        return READING_STRETCH if brings(run) else 1.0
    return REPEATING_STRETCH if _repeating(run) else PROGRESS_STRETCH


def _growth(run: RunState, agent: AgentState, call: Call) -> tuple[Finding, ...]:
    """A context that is never trimmed and paid for again with each call. Each level is told once per agent."""
    level = how_bad(agent, run.limits)
    if level <= agent.growth:
        return ()
    agent.growth = level
    share = agent.carried / agent.read
    found = _finding(run, agent, call, level, "growth", share, 1.0, agent.grown, False)
    wasted, grew = again(agent), (agent.grown_from, agent.context)
    return (msgspec.structs.replace(found, wasted=wasted, grew=grew, pace=_pace(wasted, call.at - run.first_at)),)


def _repeating(run: RunState) -> bool:
    """Do the run's agents, taken together, repeat themselves exactly now and then?"""
    return sum(agent.slow for agent in run.agents.values()) >= REPEATING


def _retries(run: RunState, agent: AgentState, call: Call, settings: Settings) -> tuple[Finding, ...]:
    """Failed requests are no steps of a loop; many of them, with hardly a success, are a storm of their own."""
    if not fail(agent, call, settings.failures) or run.batch:
        return ()
    score = agent.failures
    return (_finding(run, agent, call, Level.notice, "retries", score, float(settings.failures), int(score), False),)


def _finding(
    run: RunState,
    agent: AgentState,
    call: Call,
    level: Level,
    rule: str,
    score: float,
    threshold: float,
    count: int,
    suspected: bool,
) -> Finding:
    repeats = agent.repeats > 0 and rule not in (*WHOLE_RUN, "growth")
    since = agent.since_at if repeats else run.first_at
    return Finding(
        level=level,
        rule=rule,
        score=round(score, 2),
        threshold=threshold,
        run_id=run.run_id,
        agent=call.agent,
        task=run.task,
        tool=agent.error_tool if rule == "errors" else call.tool,
        tools=tuple(agent.tools),
        count=count,
        since_at=since,
        since_step=agent.since_step if repeats else None,
        since_number=agent.since_number if repeats else 1,
        event_id=call.event_id,
        at=call.at,
        number=run.calls,
        step=call.step,
        wasted=agent.wasted,
        run_dollars=run.dollars,
        pace=_pace(agent.wasted if repeats else run.dollars, call.at - since),
        limits=run.limits,
        suspected=suspected,
    )


def _pace(dollars: Decimal, seconds: float) -> Decimal:
    """Dollars an hour; nothing while less than a second has passed."""
    return dollars * 3600 / Decimal(str(seconds)) if seconds >= 1 else NOTHING
