"""Putting the past right: what events would cost at the prices of now, and the adjustments that make it so.

The event keeps the cost it was recorded with; the difference is one adjustment for each event that changes. Applying it
twice changes nothing the second time, because the current cost (event + its adjustments) is what is compared.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any, NamedTuple

from psycopg import Cursor, ServerCursor

from costwatch.ledger import months
from costwatch.ledger.adjust import Adjustment, adjust
from costwatch.ledger.models import LabelKind
from costwatch.ledger.rows import said
from costwatch.ledger.store import writing
from costwatch.pricing.book import Prices
from costwatch.pricing.usage import CostSource, Priced, Usage

LOCK = 7_301_003
FETCH = 20_000
ZERO = Decimal(0)

_COUNTS = (
    "requests, input_tokens, output_tokens, cached_input_tokens, cache_write_tokens, cache_write_1h_tokens,"
    " reasoning_tokens, audio_input_tokens, audio_output_tokens, image_input_tokens, image_output_tokens,"
    " service_tier, region, batch, reported_cost"
)
_NAMES = [name.strip() for name in _COUNTS.split(",")]
_EVENTS = f"""
SELECT e.occurred_at, e.event_key, e.attribution_id, e.run_id, e.session_id, e.end_user_id, {said("error")},
       coalesce(e.cost, 0) + coalesce(a.cost, 0), coalesce(a.source, e.cost_source),
       coalesce(e.upper_bound, 0) + coalesce(a.upper_bound, 0), e.units,
       {", ".join(said(name) for name in _NAMES)}
  FROM usage_event e
  LEFT JOIN (SELECT event_key, sum(cost) AS cost, sum(upper_bound) AS upper_bound,
                    (array_agg(cost_source ORDER BY id DESC))[1] AS source
               FROM spend_adjustment
              WHERE lane = %(lane)s AND event_key IS NOT NULL AND cost_source IS NOT NULL
                AND coalesce(event_at, occurred_at) >= %(start)s AND coalesce(event_at, occurred_at) < %(end)s
              GROUP BY event_key) a USING (event_key)
 WHERE e.lane = %(lane)s AND e.occurred_at >= %(start)s AND e.occurred_at < %(end)s
   AND e.attribution_id = ANY(%(attributions)s) AND e.usage_inconsistent IS NOT TRUE"""

# adjustments of a moment ago are not in the statistics: planned as a nested loop their join takes minutes
_PLAN = "SET LOCAL enable_nestloop = off; SET LOCAL jit = off"


@dataclass(frozen=True)
class Change:
    """One local day and model of a repricing, in USD; `priced` counts events that had no price before."""

    day: date
    model: str
    events: int
    old: Decimal
    new: Decimal
    priced: int


@dataclass(frozen=True)
class Repricing:
    """What repricing would do or has done. `events` were looked at, `changed` get another cost.

    `carried`: the part of the difference that counts in the open month, because the events' month is closed. USD.
    """

    events: int = 0
    changed: int = 0
    old: Decimal = ZERO
    new: Decimal = ZERO
    changes: list[Change] = field(default_factory=list)
    applied: bool = False
    carried: Decimal = ZERO


class _Labels(NamedTuple):
    provider: str | None
    model: str
    operation: str


def reprice(
    lane: int,
    start: datetime,
    end: datetime,
    book: Prices,
    *,
    models: Sequence[str] = (),
    reason: str = "repriced",
    apply: bool = False,
    zone: tzinfo = UTC,
) -> Repricing:
    """Compare each event of [start, end) (and of these models; default all) with its price in `book`.

    `book` is that of the workspace (`current().for_workspace(lane)`); `changes` are told by days of `zone`. What is
    corrected in a closed month counts from the first open instant on (ledger/months.py). One UTC day after the other,
    each in one transaction: killed in the middle, a second run finishes the rest. Raises StorageUnavailable.
    """
    tally: dict[tuple[date, str], list[Any]] = defaultdict(lambda: [0, ZERO, ZERO, 0])
    events, carried = 0, ZERO
    for first, last in _days(start, end):
        with writing() as cursor:
            if apply:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
            cursor.execute(_PLAN)
            open_from = months.hold(cursor, lane)
            labels = _labels(cursor, lane, models)
            adjustments: list[Adjustment] = []
            for row in _rows(cursor, lane, first, last, list(labels)):
                events += 1
                change = _change(row, labels[row[2]], book, reason)
                if change is None:
                    continue
                _count(tally[row[0].astimezone(zone).date(), labels[row[2]].model], row, change)
                if open_from and change.occurred_at < open_from:
                    carried += change.measures["cost"]
                    change = replace(change, occurred_at=open_from, event_at=change.occurred_at)
                if apply:
                    adjustments.append(change)
                if len(adjustments) >= FETCH:
                    adjust(lane, adjustments)
                    adjustments = []
            adjust(lane, adjustments)
    changes = [Change(day, model, n, old, new, priced) for (day, model), (n, old, new, priced) in sorted(tally.items())]
    return Repricing(events, sum(c.events for c in changes), sum((c.old for c in changes), ZERO),
                     sum((c.new for c in changes), ZERO), changes, apply, carried)  # fmt: skip


def _days(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """[start, end) cut at midnight UTC: a partition, and a transaction, at a time."""
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    while start < end:
        midnight = start.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        yield start, min(midnight, end)
        start = midnight


def _labels(cursor: Cursor[Any], lane: int, models: Sequence[str]) -> dict[int, _Labels]:
    """What the engine must know of each attribution of these models."""
    rows = cursor.execute(
        "SELECT a.id, p.value, m.value, o.value FROM attribution a"
        " JOIN label m ON m.id = a.model_id LEFT JOIN label p ON p.id = a.provider_id"
        " LEFT JOIN label o ON o.id = a.operation_id"
        " WHERE a.lane = %s AND m.kind = %s AND (%s OR m.value = ANY(%s))",
        [lane, LabelKind.MODEL.value, not models, list(models)],
    ).fetchall()
    return {number: _Labels(provider, model, operation or "chat") for number, provider, model, operation in rows}


def _rows(
    cursor: Cursor[Any], lane: int, start: datetime, end: datetime, attributions: list[int]
) -> Iterator[tuple[Any, ...]]:
    with ServerCursor(cursor.connection, "reprice") as events:
        events.itersize = FETCH
        events.execute(_EVENTS, {"lane": lane, "start": start, "end": end, "attributions": attributions}, binary=True)
        yield from events


def _change(row: tuple[Any, ...], labels: _Labels, book: Prices, reason: str) -> Adjustment | None:
    """The adjustment that brings one event to its price, or None where it has it already."""
    at, key, attribution, run, session, user, error, cost, source, bound, units, *counts = row
    requests = counts[0]
    priced = book.price(_usage(at, labels, units, counts))
    new = priced.cost or ZERO
    if new == cost and priced.source == source and priced.upper_bound == bound:
        return None
    measures: dict[str, int | Decimal] = {
        "cost": new - cost,
        "error_cost": new - cost if error else 0,
        "upper_bound": priced.upper_bound - bound,
        "unpriced_calls": requests * (_is(priced, CostSource.UNPRICED) - (source == CostSource.UNPRICED)),
        "unknown_calls": requests * (_is(priced, CostSource.USAGE_UNKNOWN) - (source == CostSource.USAGE_UNKNOWN)),
    }
    return Adjustment(at, attribution, measures, reason, key, run, session, user, priced.source, priced.price_version)


def _usage(at: datetime, labels: _Labels, units: dict[str, Any] | None, counts: list[Any]) -> Usage:
    values = dict(zip(_NAMES, counts, strict=True))
    exact = {unit: Decimal(str(amount)) for unit, amount in units.items()} if units else None
    return Usage(model=labels.model, provider=labels.provider, operation=labels.operation, timestamp=at, units=exact,
                 **values)  # fmt: skip


def _is(priced: Priced, source: CostSource) -> bool:
    return priced.source == source


def _count(tally: list[Any], row: tuple[Any, ...], change: Adjustment) -> None:
    cost, source = row[7], row[8]
    tally[0] += 1
    tally[1] += cost
    tally[2] += cost + change.measures["cost"]
    tally[3] += source == CostSource.UNPRICED and change.cost_source != CostSource.UNPRICED
