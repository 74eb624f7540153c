"""Generated conversations, and what plain Python makes of them."""

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from costwatch.ledger.entry import Entry
from costwatch.pricing.usage import CostSource
from tests.ledger.make import entry

START, END = datetime(2026, 10, 20, tzinfo=UTC), datetime(2026, 10, 30, tzinfo=UTC)


def talks(seed: int, count: int = 30) -> list[Entry]:
    """Calls of so many sessions, mixed as they come in: over minutes or days, some without a session or a price."""
    dice = random.Random(seed)
    found = []
    for n in range(count):
        at = START + timedelta(seconds=dice.randrange(9 * 24 * 3600))
        session = f"s-{seed}-{n}" if dice.random() < 0.85 else None
        user = dice.choice([None, "u-1", "u-2"])
        for place in range(dice.choice([1, 2, 2, 3, 5, 9])):
            found.append(_call(dice, f"{seed}-{n}-{place}", at, session, user, f"r-{seed}-{n}-{place // 3}"))
            at += timedelta(seconds=dice.choice([7, 600, 40_000]), microseconds=dice.randrange(10**6))
    dice.shuffle(found)
    return found


def _call(dice: random.Random, name: str, at: datetime, session: str | None, user: str | None, run: str) -> Entry:
    kind = dice.choice([CostSource.CATALOG] * 6 + [CostSource.UNPRICED, CostSource.USAGE_UNKNOWN])
    known = kind != CostSource.USAGE_UNKNOWN
    cost = str(Decimal(dice.randrange(1, 10 ** dice.randrange(1, 14))).scaleb(-12))
    return entry(
        name,
        timestamp=at,
        session_id=session,
        run_id=dice.choice([run, run, None]),
        user_id=user,
        agent_id=dice.choice(["triage", "lookup", "lookup", "reasoning", None]),
        model=dice.choice(["small", "large"]),
        operation=dice.choice(["chat", "chat", "embeddings"]),
        tags=dice.choice([None, {"team": "a"}]),
        requests=dice.choice([1, 1, 3]),
        error=dice.random() < 0.2,
        input_tokens=dice.randrange(60_000) if known else None,
        output_tokens=dice.randrange(3_000) if known else None,
        cached_input_tokens=dice.choice([None, 900]),
        cache_write_tokens=dice.choice([None, 300]),
        cost=cost if kind == CostSource.CATALOG else None,
        cost_source=kind,
    )


def by_session(entries: list[Entry]) -> dict[str, list[Entry]]:
    """The calls of each session in order of time."""
    found = defaultdict(list)
    for e in sorted(entries, key=lambda e: e.timestamp):
        if e.session_id:
            found[e.session_id].append(e)
    return dict(found)


def spent(entries: list[Entry]) -> Decimal:
    return sum((e.cost or Decimal(0) for e in entries), Decimal(0))


def percentile(amounts: list[Decimal], share: Decimal) -> Decimal:
    """The least amount that at least this share of all do not exceed."""
    ordered = sorted(amounts)
    return next(one for n, one in enumerate(ordered, 1) if Decimal(n) / len(ordered) >= share)
