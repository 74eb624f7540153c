"""The event with which a sum reached an amount: in order of the events' own times, whatever the order of arrival.

Days come first, from the rollups; then only the entries of the day on which it happened are added up one by one. An
event counts with its corrections: what it cost for a while only, before it was put right, reached nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from costwatch.ledger.rows import said
from costwatch.lib import periods
from costwatch.spend import conditions as where
from costwatch.spend import queries
from costwatch.spend.dimensions import FACTS
from costwatch.spend.filters import SpendFilter
from costwatch.spend.sources import Source
from costwatch.spend.sums import Sums

TICK = timedelta(microseconds=1)
FEW_HOURS = timedelta(hours=26)

_COLUMNS = "lane, occurred_at, batch_id, attribution_id, end_user_id, run_id, session_id, event_key, ctid AS place"
_ENTRIES = f"""(
    SELECT {_COLUMNS}, {said("event_id")} AS event_id, coalesce(cost, 0) AS cost,
           coalesce(input_tokens, 0)::bigint + coalesce(output_tokens, 0) AS tokens FROM usage_event e
    UNION ALL SELECT {_COLUMNS}, NULL, coalesce(cost, 0),
           coalesce(input_tokens, 0) + coalesce(output_tokens, 0) FROM spend_adjustment)"""
_SOURCE = Source(_ENTRIES, "occurred_at", None, {name: f"r.{c}" for name, c in FACTS.items()}, "r.attribution_id")

_REACHED = """
WITH entry AS MATERIALIZED (
    SELECT r.occurred_at, r.batch_id, r.place, r.event_key, r.event_id,
           %s::numeric + {running} AS running
      FROM {entries})
SELECT DISTINCT ON (a.number) a.number, e.occurred_at, coalesce(e.event_id, (
           SELECT {event_id} FROM usage_event u
            WHERE u.lane = %s AND u.event_key = e.event_key AND u.occurred_at = e.occurred_at LIMIT 1), '')
  FROM unnest(%s::int[], %s::numeric[]) AS a(number, amount) JOIN entry e ON e.running >= a.amount
 WHERE e.occurred_at >= %s
 ORDER BY a.number, e.occurred_at, e.batch_id, e.place"""
# each event with its corrections, in the place of the event; takes as long again as all the rest, so only where needed
_CORRECTED = """(
    SELECT r.occurred_at, r.event_key, max(r.event_id) AS event_id, min(r.batch_id) AS batch_id,
           coalesce(min(r.place) FILTER (WHERE r.event_id IS NOT NULL), min(r.place)) AS place,
           sum(r.cost) AS cost, sum(r.tokens) AS tokens
      FROM {tables} WHERE {which}
     GROUP BY r.occurred_at, r.event_key, CASE WHEN r.event_key IS NULL THEN r.place END) r"""
_ANY_CORRECTION = """
SELECT EXISTS (SELECT FROM spend_adjustment
                WHERE lane = %s AND occurred_at >= %s AND occurred_at < %s AND event_key IS NOT NULL)"""
_IN_ORDER = "sum(r.{measure}) OVER (ORDER BY r.occurred_at, r.batch_id, r.place)"
# a window of time holds all entries of the same instant, also those behind the current one: these are taken out
_SLIDING = """sum(r.{measure}) OVER (
           ORDER BY r.occurred_at RANGE BETWEEN interval '{seconds} seconds' PRECEDING AND CURRENT ROW)
           - sum(r.{measure}) OVER (PARTITION BY r.occurred_at)
           + sum(r.{measure}) OVER (PARTITION BY r.occurred_at ORDER BY r.batch_id, r.place)"""


@dataclass(frozen=True)
class Reached:
    """An amount was reached at this time, with this event ("": with a correction that is no event's)."""

    at: datetime
    event_id: str


def reached(
    workspace: queries.Workspace, filter: SpendFilter, amounts: Sequence[Decimal], *, tokens: bool = False
) -> list[Reached | None]:
    """For each amount (dollars, or prompt and generated tokens) where the sum from the start of the filter's range on
    first came to it; None where it does not."""
    found: list[Reached | None] = [None] * len(amounts)
    for day, before, numbers in _days(workspace, filter, amounts, tokens):
        for number, one in _search(workspace, day, [(n, amounts[n]) for n in numbers], before, tokens, _IN_ORDER,
                                   day.start):  # fmt: skip
            found[number] = one
    return found


def reached_within(
    workspace: queries.Workspace,
    filter: SpendFilter,
    window: timedelta,
    amounts: Sequence[Decimal],
    *,
    tokens: bool = False,
) -> list[Reached | None]:
    """The same for sums over a window of this length that ends with the event; only events in the filter's range."""
    whole = filter.within(filter.start - window + TICK, filter.end)
    sliding = _SLIDING.replace("{seconds}", f"{(window - TICK) / timedelta(seconds=1):.6f}")
    found: list[Reached | None] = [None] * len(amounts)
    asked = list(enumerate(amounts))
    for number, one in _search(workspace, whole, asked, Decimal(0), tokens, sliding, filter.start):
        found[number] = one
    return found


def _days(
    workspace: queries.Workspace, filter: SpendFilter, amounts: Sequence[Decimal], tokens: bool
) -> list[tuple[SpendFilter, Decimal, list[int]]]:
    """The days on which amounts are reached, with what was spent before and the numbers of these amounts."""
    if filter.end - filter.start <= FEW_HOURS:
        return [(filter, Decimal(0), list(range(len(amounts))))]
    tz = periods.zone(workspace.time_zone)
    answer = queries.query(workspace, filter, bucket="day")
    left, running, found = set(range(len(amounts))), Decimal(0), []
    for group in answer.groups:
        before, running = running, running + _measure(group.sums, tokens)
        now = sorted(number for number in left if running >= amounts[number])
        if now and group.bucket is not None:
            day = periods.period("day", group.bucket, tz)
            within = filter.within(max(day.start, filter.start), min(day.end, filter.end))
            found.append((within, before, now))
            left -= {*now}
    return found


def _search(
    workspace: queries.Workspace,
    filter: SpendFilter,
    amounts: Sequence[tuple[int, Decimal]],
    before: Decimal,
    tokens: bool,
    running: str,
    since: datetime,
) -> list[tuple[int, Reached]]:
    """The entries of a range added up one by one."""
    lane = workspace.lane
    conditions = where.resolve(lane, filter)
    attributions = where.few_attributions(lane, conditions)
    tables = where.from_clause(_SOURCE, ())
    which, parameters = where.joined([
        ("r.lane = %s AND r.occurred_at >= %s AND r.occurred_at < %s", [lane, filter.start, filter.end]),
        *where.on_source(_SOURCE, conditions, attributions),
    ])  # fmt: skip
    running = running.format(measure="tokens" if tokens else "cost")
    numbers, wanted = [number for number, _ in amounts], [amount for _, amount in amounts]
    values: list[Any] = [before, *parameters, lane, numbers, wanted, since]
    with connection.cursor() as cursor:
        cursor.execute(_ANY_CORRECTION, [lane, filter.start, filter.end])
        template = _CORRECTED if cursor.fetchone()[0] else "{tables} WHERE {which}"
        entries = template.format(tables=tables, which=which)
        cursor.execute(_REACHED.format(event_id=said("event_id", "u"), running=running, entries=entries), values)
        return [(number, Reached(at, event_id)) for number, at, event_id in cursor.fetchall()]


def _measure(sums: Sums, tokens: bool) -> Decimal:
    return Decimal(sums.input_tokens + sums.output_tokens) if tokens else sums.cost
