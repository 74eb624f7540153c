"""Some months of usage, made by a fixed seed, and sums over it that know nothing of the product's own.

Runs of one agent each, several of them in a conversation; calls without a run, without labels, failed, unpriced, with
unknown usage; names that try to be something else than text. The tests ask pages and add these entries up themselves.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

from costwatch.ledger.entry import Entry
from costwatch.pricing.usage import CostSource
from tests.ledger.make import NOW, entry

HOSTILE = "<b>&'\"=1+1%{y}"
AGENTS = ("triage", "reasoning", "lookup", HOSTILE, None)
MODELS = {"gpt-5.4-mini": "openai", "gpt-5.4": "openai", "claude-opus-5-5": "anthropic", "a/b?c#d": "self hosted"}
USERS = ("u-1", "u-2", "u-3", "ü ber/..", "..", None)
TASKS = ("refund", "route", HOSTILE, None)
CUSTOMERS = ("Orbit & Sons", "Lark", None)
DAYS = 75
RUNS = 170


def entries(seed: int = 1) -> list[Entry]:
    """The calls, in order of time."""
    rnd = Random(seed)
    made: list[Entry] = []
    for number in range(RUNS):
        made += _run(rnd, number)
    return sorted(made, key=lambda one: one.timestamp or NOW)


def _run(rnd: Random, number: int) -> list[Entry]:
    """The calls of one run; of every eleventh they name no run."""
    begin = NOW - timedelta(seconds=rnd.randrange(90, DAYS * 86_400) if number else 1800)
    agent, user = rnd.choice(AGENTS), rnd.choice(USERS)
    shared = {
        "agent_id": agent, "user_id": user, "task": rnd.choice(TASKS), "environment": rnd.choice(("prod", "test")),
        "run_id": f"r-{number}" if number % 11 else None, "session_id": f"s-{number % 40}" if number % 3 else None,
        "release": f"{agent}@{1 + number % 2}" if agent in ("triage", "reasoning") else None,
        "tags": {"customer": customer} if (customer := rnd.choice(CUSTOMERS)) else None,
    }  # fmt: skip
    return [
        _call(rnd, f"r-{number}.{step}", min(begin + timedelta(seconds=40 * step), NOW), step, shared)
        for step in range(rnd.randrange(1, 8))
    ]


def _call(rnd: Random, event_id: str, at: datetime, step: int, shared: dict[str, object]) -> Entry:
    model = rnd.choice(list(MODELS))
    fate = rnd.random()
    usage: dict[str, object] = {"input_tokens": rnd.randrange(10, 90_000), "output_tokens": rnd.randrange(1, 4_000)}
    usage["cached_input_tokens"] = rnd.choice((0, int(usage["input_tokens"]) // 3))  # type: ignore[call-overload]
    cost: dict[str, object] = {"cost": str(Decimal(rnd.randrange(1, 4 * 10**12)).scaleb(-12))}
    if fate < 0.05:
        cost = {"cost": None, "upper_bound": Decimal(rnd.randrange(1, 900)) / 1000}
    elif fate < 0.08:
        usage = {"input_tokens": None, "output_tokens": None}
        cost = {"cost": None, "cost_source": CostSource.USAGE_UNKNOWN}
    failed = {"error": True, "error_type": "timeout"} if fate > 0.94 else {}
    return entry(event_id, timestamp=at, model=model, provider=MODELS[model], step=step,
                 latency_ms=rnd.randrange(9_000), **shared, **usage, **cost, **failed)  # fmt: skip


def between(found: Iterable[Entry], start: datetime, end: datetime) -> list[Entry]:
    return [one for one in found if start <= _at(one) < end]


def cost(found: Iterable[Entry]) -> Decimal:
    return sum((one.cost for one in found if one.cost is not None), Decimal(0))


def unpriced(found: Iterable[Entry]) -> int:
    return sum(one.cost_source == CostSource.UNPRICED for one in found)


def of(found: Iterable[Entry], name: str, value: str) -> list[Entry]:
    """Those that carry a value of a dimension; "" those that carry none."""
    return [one for one in found if (value_of(one, name) or "") == value]


def by(found: Sequence[Entry], key: Callable[[Entry], str | None]) -> dict[str, list[Entry]]:
    """The entries of each value; "" where there is none."""
    groups: dict[str, list[Entry]] = {}
    for one in found:
        groups.setdefault(key(one) or "", []).append(one)
    return groups


def value_of(one: Entry, name: str) -> str | None:
    if name.startswith("tag."):
        return (one.tags or {}).get(name.removeprefix("tag."))
    fields = {"agent": "agent_id", "user": "user_id", "run": "run_id", "session": "session_id"}
    found: str | None = getattr(one, fields.get(name, name))
    return found


def _at(one: Entry) -> datetime:
    assert one.timestamp is not None
    return one.timestamp.astimezone(UTC)
