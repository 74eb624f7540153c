"""Two agents that hand a conversation to and fro, each turn a run of its own, and say what they said before.

An orchestrator and its workers take turns as well; what they say is new each time. Pure: a session's turns in their
order go in, at most one finding comes out.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from costwatch.loops.state import NOTHING

SAME, SIMILAR, LEAK = 1.0, 0.5, 0.34
"""The same words again; without fingerprints an answer of the same size; anything new."""
SCORE = 5.0
SUSPECTED = 6.0
"""What is known by sizes alone needs more."""
FEWEST_RUNS = 4
REMEMBERED = 12
NEAR = 2
"""Tokens by which two answers of the same size may differ."""


class Turn(msgspec.Struct, frozen=True):
    """What an agent did in one run before another one spoke; `said`: fingerprint of its last answer."""

    agent: str
    run_id: str
    at: float
    said: str | None
    output_tokens: int
    cost: Decimal | None
    event_id: str


class PingPong(msgspec.Struct, frozen=True):
    """Two agents answer each other in circles, across runs of one session."""

    agents: tuple[str, str]
    turns: int
    """Turns that said nothing new."""
    runs: int
    score: float
    threshold: float
    suspected: bool
    since_at: float
    at: float
    event_id: str
    run_id: str
    dollars: Decimal
    """Spent on those turns, and on what followed."""


def turns(calls: Iterable[Turn]) -> list[Turn]:
    """Calls in their order as turns: those of one agent and run that follow each other are one."""
    joined: list[Turn] = []
    for call in calls:
        last = joined[-1] if joined else None
        if last is not None and (last.agent, last.run_id) == (call.agent, call.run_id):
            cost = call.cost if last.cost is None else last.cost + (call.cost or NOTHING)
            tokens = last.output_tokens + call.output_tokens
            joined[-1] = msgspec.structs.replace(call, at=last.at, cost=cost, output_tokens=tokens)
        else:
            joined.append(call)
    return joined


def judge(ordered: Sequence[Turn]) -> PingPong | None:
    """The circle a session is in or was in; None if it is in none."""
    score, repeated, since = 0.0, 0, 0
    said: dict[str, OrderedDict[object, None]] = {}
    found: PingPong | None = None
    for place, turn in enumerate(ordered):
        own = said.setdefault(turn.agent, OrderedDict())
        credit = _credit(turn, own) if _answers(ordered, place) else 0.0
        if credit:
            since = since if repeated else place
            score, repeated = score + credit, repeated + 1
        else:
            score = max(0.0, score - LEAK)
            repeated = repeated if score else 0
        _remember(own, turn)
        if found is not None and repeated:
            found = msgspec.structs.replace(found, dollars=_dollars(ordered[since : place + 1]), turns=repeated)
        elif found is None and score >= (SCORE if turn.said is not None else SUSPECTED):
            found = _finding(ordered, since, place, score, repeated)
    return found


def _answers(ordered: Sequence[Turn], place: int) -> bool:
    """Whether a turn goes on a to-and-fro of two agents: it spoke two turns ago, another one since, in another run."""
    if place < 2:
        return False
    before, other, turn = ordered[place - 2 : place + 1]
    return turn.agent == before.agent != other.agent and turn.run_id != before.run_id


def _credit(turn: Turn, own: OrderedDict[object, None]) -> float:
    if turn.said is not None:
        return SAME if turn.said in own else 0.0
    near = any(isinstance(size, int) and abs(size - turn.output_tokens) <= NEAR for size in own)
    return SIMILAR if near and turn.output_tokens else 0.0


def _remember(own: OrderedDict[object, None], turn: Turn) -> None:
    key: object = turn.said if turn.said is not None else turn.output_tokens
    own.pop(key, None)
    own[key] = None
    if len(own) > REMEMBERED:
        own.popitem(last=False)


def _finding(ordered: Sequence[Turn], since: int, place: int, score: float, repeated: int) -> PingPong | None:
    turn, part = ordered[place], ordered[max(since - 1, 0) : place + 1]
    runs = len({one.run_id for one in part})
    if runs < FEWEST_RUNS:
        return None
    suspected = turn.said is None
    return PingPong(
        agents=(turn.agent, ordered[place - 1].agent),
        turns=repeated,
        runs=runs,
        score=round(score, 2),
        threshold=SUSPECTED if suspected else SCORE,
        suspected=suspected,
        since_at=ordered[since].at,
        at=turn.at,
        event_id=turn.event_id,
        run_id=turn.run_id,
        dollars=_dollars(ordered[since : place + 1]),
    )


def _dollars(part: Sequence[Turn]) -> Decimal:
    return sum((turn.cost for turn in part if turn.cost is not None), Decimal(0))
