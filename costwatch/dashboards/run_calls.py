"""The calls of a run one by one: what each cost, what it repeats, what it sent again, and who called it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from costwatch.dashboards.addresses import call_url
from costwatch.spend.resend import resent

Event = Mapping[str, Any]
INPUT = ("cache_read", "input", "cache_write_5m", "cache_write_1h")


@dataclass(frozen=True)
class Call:
    """One line of the table. `cost` None = not known; `context` is the share of the largest prompt of the run.

    `again`: how many input tokens were in the call of the same agent before it, at most, and `again_context` the same
    as a share like `context`; `after` is the number of that call, `history` what those tokens cost, `cached` what the
    call would have cost had they come from the cache (both None: not known). `caller` is the number of the call that
    made it. `repeats` says of a call that bought nothing new what it repeats, `answer` of another one whether what came
    back was new or changed. `fingerprint` is that of what was asked, where the sender gave one. `stands_for`: how many
    calls this is in a picture.
    """

    number: int
    at: datetime
    until: datetime
    event_id: str
    url: str
    agent: str
    asked: str
    model: str
    failed: str
    input_tokens: int | None
    output_tokens: int | None
    context: Decimal
    again: int
    again_context: Decimal
    after: int | None
    history: Decimal | None
    cached: Decimal | None
    cost: Decimal | None
    source: str
    running: Decimal
    caller: int | None = None
    repeats: str = ""
    answer: str = ""
    fingerprint: str = ""
    stands_for: int = 1

    @property
    def same(self) -> tuple[str, str, str]:
        """What two calls have in common that ask for the same."""
        return self.agent, self.asked, self.fingerprint

    @property
    def repeated(self) -> str:
        """ "call 7" of "same call, same result, as call 7"; empty where no call is named."""
        return self.repeats.rpartition(", as ")[2] if ", as " in self.repeats else ""

    @property
    def new_context(self) -> Decimal:
        """The rest of `context`: what was not sent before."""
        return self.context - self.again_context


def calls(
    found: Sequence[Event],
    repeats: Mapping[str, str],
    first: int = 1,
    before: Decimal = Decimal(0),
    answers: Mapping[str, str] | None = None,
) -> list[Call]:
    """The calls in their order. `first` is the number of the first, `before` what those before it cost; `repeats` and
    `answers` say by event id what is known of a call."""
    answers = answers or {}
    largest = max((event["input_tokens"] or 0 for event in found), default=0) or 1
    numbers = {event["event_id"]: number for number, event in enumerate(found, first)}
    sent: dict[str | None, tuple[int, int]] = {}  # agent → the number of its last call, and its tokens
    made, running = [], before
    for number, event in enumerate(found, first):
        cost = None if event["cost_usd"] is None else Decimal(event["cost_usd"])
        running += cost or 0
        tokens, agent = event["input_tokens"], event["agent_id"]
        after, held = sent.get(agent, (None, None))
        again = resent(held, tokens)
        sent[agent] = number, (tokens or 0) + (event["output_tokens"] or 0)
        caller = numbers.get(event["parent_id"] or "")
        made.append(
            Call(
                number=number,
                at=event["timestamp"],
                until=event["timestamp"] + timedelta(milliseconds=event["latency_ms"] or 0),
                event_id=event["event_id"],
                url=call_url(event["event_id"]),
                agent=agent or "",
                asked=event["tool"] or "",
                model=event["model"] or "",
                failed=(event["error_type"] or "error") if event["status"] == "error" else "",
                input_tokens=tokens,
                output_tokens=event["output_tokens"],
                context=Decimal(tokens or 0) / largest,
                again=again,
                again_context=Decimal(again) / largest,
                after=after if again else None,
                history=history_cost(event, again),
                cached=cached_cost(event, again),
                cost=cost,
                source=event["cost_source"],
                running=running,
                caller=caller if caller != number else None,
                repeats=repeats.get(event["event_id"], ""),
                answer=answers.get(event["event_id"], ""),
                fingerprint=event.get("call_fingerprint") or "",
            )
        )
    return made


def history_cost(event: Event, again: int) -> Decimal | None:
    """What so many input tokens of a call cost, those read from its cache first; None where no price is known."""
    parts = {part["component"]: part for part in event["cost_parts"]}
    if event["cost_usd"] is None or not parts.keys() & set(INPUT):
        return None
    total = Decimal(0)
    for component in INPUT:
        part = parts.get(component)
        if part is not None:
            tokens = min(Decimal(again), Decimal(part["tokens"]))
            again -= int(tokens)
            total += tokens * Decimal(part["unit_price_usd"]) / part["per"]
    return total


def cached_cost(event: Event, again: int) -> Decimal | None:
    """What a call would have cost had so many of its input tokens come from the cache; None where that is not known."""
    history = history_cost(event, again)
    part = next((part for part in event["cost_parts"] if part["component"] == "cache_read"), None)
    if history is None or part is None:
        return None
    return Decimal(event["cost_usd"]) - history + again * Decimal(part["unit_price_usd"]) / part["per"]
