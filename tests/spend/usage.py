"""Generated usage, and its sums worked out by plain Python: what every answer is compared with."""

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from costwatch.ledger.entry import Entry
from costwatch.lib import periods
from costwatch.pricing.usage import CostSource
from costwatch.spend.dimensions import TAG
from costwatch.spend.filters import SpendFilter
from costwatch.spend.sums import Sums, add
from tests.ledger.make import entry

# around the DST changes of Berlin, New York and Lord Howe, a month's end and a quiet day
CENTRES = [datetime(2026, 10, 25, 1), datetime(2026, 11, 1, 3), datetime(2026, 4, 4, 15), datetime(2026, 12, 31, 23)]


def generated(seed: int, count: int = 160) -> list[Entry]:
    """Events with every kind of label present and absent, some of them at exact quarter hours and midnights."""
    dice = random.Random(seed)
    entries = []
    for n in range(count):
        at = dice.choice(CENTRES).replace(tzinfo=UTC) + timedelta(seconds=dice.gauss(0, 40 * 3600))
        if dice.random() < 0.3:
            at = periods.floor(at)
        kind = dice.choice([CostSource.CATALOG] * 4 + [CostSource.UNPRICED, CostSource.USAGE_UNKNOWN])
        entries.append(_entry(dice, f"e-{seed}-{n}", at, kind))
    return entries


def _entry(dice: random.Random, event_id: str, at: datetime, kind: CostSource) -> Entry:
    def some(prefix: str, most: int) -> str | None:
        return dice.choice([None, *(f"{prefix}-{i}" for i in range(most))])

    known = kind != CostSource.USAGE_UNKNOWN
    return entry(
        event_id,
        timestamp=at,
        model=f"model-{dice.randrange(3)}",
        provider=dice.choice(["openai", "anthropic"]),
        operation=dice.choice(["chat", "embeddings"]),
        agent_id=some("agent", 4),
        task=some("task", 3),
        environment=some("env", 2),
        release=some("release", 2),
        user_id=some("user", 5),
        session_id=some("session", 4),
        run_id=some("run", 6),
        tags=dice.choice([None, {"team": "a"}, {"team": "b", "customer": "x"}]),
        requests=dice.choice([1, 1, 1, 7]),
        error=dice.random() < 0.2,
        input_tokens=dice.randrange(100_000) if known else None,
        output_tokens=dice.randrange(5_000) if known else None,
        cached_input_tokens=dice.choice([None, 50]),
        cache_write_tokens=dice.choice([None, 20]),
        cache_write_1h_tokens=dice.choice([None, 3]),
        reasoning_tokens=dice.choice([None, 9]),
        cost=str(Decimal(dice.randrange(10**13)).scaleb(-12)) if kind == CostSource.CATALOG else None,
        cost_source=kind,
        upper_bound=Decimal(dice.randrange(10**11)).scaleb(-12) if kind == CostSource.UNPRICED else Decimal(0),
    )


def value_of(e: Entry, dimension: str) -> str:
    """The value of a dimension, "" where it is not attributed."""
    if dimension.startswith(TAG):
        return (e.tags or {}).get(dimension.removeprefix(TAG), "")
    fields = {"agent": "agent_id", "user": "user_id", "session": "session_id", "run": "run_id"}
    return getattr(e, fields.get(dimension, dimension)) or ""


def selected(entries: Iterable[Entry], filter: SpendFilter) -> list[Entry]:
    """The events that a filter means."""
    return [
        e
        for e in entries
        if filter.start <= e.timestamp < filter.end
        and all(value_of(e, d) in values for d, values in filter.include.items())
        and all(value_of(e, d) not in values for d, values in filter.exclude.items())
    ]


def sums_of(entries: Sequence[Entry], first_of_run: set[str]) -> Sums:
    """Their sums; `first_of_run`: ids of the events with which a run began."""
    return add(_sums(e, e.event_id in first_of_run) for e in entries)


def expected(entries: Sequence[Entry], filter: SpendFilter, group_by: Sequence[str], starts: Sequence[datetime],
             first_of_run: set[str]) -> dict[tuple[object, ...], Sums]:  # fmt: skip
    """(values…, start of the bucket or None) → sums, for the groups that have events."""
    found = defaultdict(list)
    for e in selected(entries, filter):
        bucket = max((s for s in starts if s <= e.timestamp), default=None)
        found[*(value_of(e, d) for d in group_by), bucket].append(e)
    return {key: sums_of(group, first_of_run) for key, group in found.items()}


def _sums(e: Entry, starts_run: bool) -> Sums:
    return Sums(
        events=1,
        calls=e.requests,
        errors=e.requests if e.error else 0,
        runs=int(starts_run),
        unpriced_calls=e.requests if e.cost_source == CostSource.UNPRICED else 0,
        unknown_calls=e.requests if e.cost_source == CostSource.USAGE_UNKNOWN else 0,
        input_tokens=e.input_tokens or 0,
        cached_input_tokens=e.cached_input_tokens or 0,
        cache_write_tokens=(e.cache_write_tokens or 0) + (e.cache_write_1h_tokens or 0),
        output_tokens=e.output_tokens or 0,
        reasoning_tokens=e.reasoning_tokens or 0,
        cost=e.cost or Decimal(0),
        error_cost=(e.cost or Decimal(0)) if e.error else Decimal(0),
        upper_bound=e.upper_bound,
    )
