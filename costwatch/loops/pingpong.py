"""Two agents that hand a conversation to and fro, each turn a run of its own, and say what they said before.

An orchestrator and its workers take turns as well, and one of them may have few words ("next", "looks good"); what the
other one says is new then. So both must repeat themselves. Pure: a session's turns in their order go in, at most one
finding comes out.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from costwatch.loops.state import NOTHING

SAME, SIMILAR, LEAK = 1.0, 0.5, 1.0
"""The same words again; without fingerprints an answer of the same size; anything new. Whoever repeats itself in less
than half of its turns is in no circle."""
SCORE = 6.0
"""Of the two together, half of it from each."""
FEWEST_RUNS = 4
REMEMBERED, SIZES = 12, 4
"""The last words of an agent that are known; fewer sizes, for there are few of those."""


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


class _Speaker(msgspec.Struct):
    """What is remembered of an agent: its last words or sizes, and how much it has repeated itself."""

    said: OrderedDict[object, None]
    score: float = 0.0


def judge(ordered: Sequence[Turn]) -> PingPong | None:
    """The circle a session is in or was in; None if it is in none."""
    speakers: dict[str, _Speaker] = {}
    repeated, since = 0, 0
    found: PingPong | None = None
    for place, turn in enumerate(ordered):
        own = speakers.setdefault(turn.agent, _Speaker(OrderedDict()))
        credit = _credit(turn, own) if _answers(ordered, place) else 0.0
        own.score = own.score + credit if credit else max(0.0, own.score - LEAK)
        _remember(own, turn)
        if credit:
            since = since if repeated else place
            repeated += 1
        elif not any(speaker.score for speaker in speakers.values()):
            repeated = 0
        if found is not None and credit:
            found = msgspec.structs.replace(found, dollars=_dollars(ordered[since : place + 1]), turns=repeated)
        elif found is None and credit:
            found = _finding(ordered, since, place, own, speakers[ordered[place - 1].agent], repeated)
    return found


def _answers(ordered: Sequence[Turn], place: int) -> bool:
    """Whether a turn goes on a to-and-fro of two agents: it spoke two turns ago, another one since, in another run."""
    if place < 2:
        return False
    before, other, turn = ordered[place - 2 : place + 1]
    return turn.agent == before.agent != other.agent and turn.run_id != before.run_id


def _credit(turn: Turn, own: _Speaker) -> float:
    if turn.said is not None:
        return SAME if turn.said in own.said else 0.0
    return SIMILAR if turn.output_tokens and turn.output_tokens in own.said else 0.0


def _remember(own: _Speaker, turn: Turn) -> None:
    key: object = turn.said if turn.said is not None else turn.output_tokens
    own.said.pop(key, None)
    own.said[key] = None
    if len(own.said) > (REMEMBERED if turn.said is not None else SIZES):
        own.said.popitem(last=False)


def _finding(
    ordered: Sequence[Turn], since: int, place: int, one: _Speaker, other: _Speaker, repeated: int
) -> PingPong | None:
    """The circle that this turn closes; None while one of the two has hardly repeated itself, or the runs are few."""
    turn, part = ordered[place], ordered[max(since - 1, 0) : place + 1]
    pair = (turn.agent, ordered[place - 1].agent)
    runs = len({each.run_id for each in part})
    if min(one.score, other.score) < SCORE / 2 or runs < FEWEST_RUNS:
        return None
    return PingPong(
        agents=pair if ordered[since].agent == pair[0] else pair[::-1],
        turns=repeated,
        runs=runs,
        score=round(one.score + other.score, 2),
        threshold=SCORE,
        suspected=turn.said is None,
        since_at=ordered[since].at,
        at=turn.at,
        event_id=turn.event_id,
        run_id=turn.run_id,
        dollars=_dollars(ordered[since : place + 1]),
    )


def _dollars(part: Sequence[Turn]) -> Decimal:
    return sum((turn.cost for turn in part if turn.cost is not None), Decimal(0))
