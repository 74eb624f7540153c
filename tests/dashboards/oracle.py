"""Usage made by chance, and its sums counted call by call in plain Python: what the pages have to say of it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

import time_machine
from django.core.cache import cache
from django.db import transaction

from costwatch.accounts.models import Workspace
from costwatch.ledger.entry import Entry
from costwatch.ledger.fold import fold_all
from costwatch.ledger.record import record
from costwatch.pricing.usage import CostSource
from tests.ledger.make import NOW, entry

FIELDS = {"agent": "agent_id", "user": "user_id", "run": "run_id", "session": "session_id"}
Conditions = Mapping[str, Sequence[str]]


@dataclass
class Told:
    """The sums of some calls."""

    calls: int = 0
    errors: int = 0
    unpriced: int = 0
    unknown: int = 0
    input: int = 0
    cached: int = 0
    output: int = 0
    cost: Decimal = Decimal(0)
    error_cost: Decimal = Decimal(0)
    bound: Decimal = Decimal(0)
    runs: set[str] = field(default_factory=set)

    def take(self, call: Entry, begins: bool) -> None:
        self.calls += call.requests
        self.errors += call.requests if call.error else 0
        self.unpriced += call.requests if call.cost_source == CostSource.UNPRICED else 0
        self.unknown += call.requests if call.cost_source == CostSource.USAGE_UNKNOWN else 0
        self.input += call.input_tokens
        self.cached += call.cached_input_tokens
        self.output += call.output_tokens
        self.cost += call.cost or 0
        self.error_cost += call.cost or 0 if call.error else 0
        self.bound += call.upper_bound
        if begins:
            self.runs.add(call.run_id)


def usage(seed: int, count: int = 160, days: int = 70, ends: datetime = NOW) -> list[Entry]:
    """Calls of the days before a moment, in order of time; no two at the same."""
    chance = Random(seed)
    minutes = sorted(chance.sample(range(1, days * 24 * 60), count), reverse=True)
    return [_call(chance, ends - timedelta(minutes=minute)) for minute in minutes]


def _call(chance: Random, at: datetime) -> Entry:
    price = None if chance.random() < 0.06 else Decimal(chance.randrange(2 * 10**10, 9 * 10**13)).scaleb(-12)
    tokens = chance.randrange(100, 40_000)
    silent = price is not None and chance.random() < 0.04  # the sender told no usage
    counted = {"cost": None, "cost_source": CostSource.USAGE_UNKNOWN} if silent else {}
    made = {
        "timestamp": at,
        "cost": None if price is None else str(price),
        "upper_bound": Decimal("0.75") if price is None else Decimal(0),
        "agent_id": chance.choice(["triage", "coder", "reasoning", "lookup", None]),
        "task": chance.choice(["refund", "route", None]),
        "user_id": chance.choice([f"u-{n}" for n in range(12)]),
        "model": chance.choice(["gpt-5.4-mini", "claude-haiku-4.5"]),
        "run_id": chance.choice([f"r-{n}" for n in range(25)]),
        "tags": {"customer": chance.choice(["Orbit", "Nordwind", "Ällä & Co"])} if chance.random() < 0.8 else None,
        "error": chance.random() < 0.15,
        "requests": chance.choice([1, 1, 1, 2, 5]),
        "input_tokens": tokens,
        "cached_input_tokens": chance.randrange(0, tokens),
        "output_tokens": chance.randrange(1, 4_000),
    }
    silenced = dict.fromkeys(("input_tokens", "cached_input_tokens", "output_tokens"), 0) if silent else {}
    return entry(**{**made, **counted, **silenced})


def value(call: Entry, dimension: str) -> str:
    """What a call says of a dimension; "" for nothing."""
    if dimension.startswith("tag."):
        return (call.tags or {}).get(dimension[4:], "")
    return getattr(call, FIELDS.get(dimension, dimension)) or ""


def told(
    calls: Iterable[Entry],
    by: Sequence[str],
    start: datetime,
    end: datetime,
    include: Conditions | None = None,
    exclude: Conditions | None = None,
) -> dict[tuple[str, ...], Told]:
    """The sums of the calls from `start` up to `end` that meet the conditions, by their values."""
    found: dict[tuple[str, ...], Told] = defaultdict(Told)
    known: set[str] = set()
    for call in calls:
        begins = bool(call.run_id) and call.run_id not in known
        known.add(call.run_id or "")
        if (
            start <= call.timestamp < end
            and all(value(call, name) in among for name, among in (include or {}).items())
            and not any(value(call, name) in among for name, among in (exclude or {}).items())
        ):
            found[tuple(value(call, name) for name in by)].take(call, begins)
    return found


def whole(parts: Iterable[Told]) -> Told:
    """Several together."""
    total = Told()
    for part in parts:
        for name, amount in vars(part).items():
            setattr(total, name, getattr(total, name) | amount if name == "runs" else getattr(total, name) + amount)
    return total


def local(day: str, zone: str) -> datetime:
    """The first instant of a local day."""
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), ZoneInfo(zone))


def dollars(amount: Decimal) -> str:
    """Cents as pages write them; only of amounts from a cent on."""
    sign = "−" if amount < 0 else ""
    return f"{sign}${abs(round(amount, 2)):,.2f}"


@contextmanager
def books(blocker, *calls: Entry, zone: str = "Europe/Berlin", now: datetime = NOW, unfolded: int = 0):
    """A workspace with some calls, the last ones not folded yet; for fixtures of a whole file. Nothing of it stays."""
    with blocker.unblock(), time_machine.travel(now, tick=False), transaction.atomic():
        cache.clear()
        workspace = Workspace.objects.create(name="Northbeam", time_zone=zone)
        record(workspace.lane, list(calls[: len(calls) - unfolded]))
        fold_all()
        if unfolded:
            record(workspace.lane, list(calls[len(calls) - unfolded :]))
        yield workspace
        transaction.set_rollback(True)
    cache.clear()
