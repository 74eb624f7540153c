"""Usage events and sums as rows for files: read with a cursor on the server, so that their number costs no memory.

Everything comes from one snapshot of the books, and holds the same figures as the lists and sums of the API.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from costwatch.accounts.models import ApiKey
from costwatch.ledger.models import Attribution
from costwatch.ledger.rows import said
from costwatch.lib import periods
from costwatch.lib.tables import COUNT, FLAG, MONEY, TIME, Column, Rows
from costwatch.pricing.usage import CostSource
from costwatch.spend import conditions as where
from costwatch.spend.conditions import Clause, names_of
from costwatch.spend.dimensions import FACTS, LABELS
from costwatch.spend.events import SOURCE, bounds
from costwatch.spend.filters import SpendFilter
from costwatch.spend.queries import Workspace, bucket_starts, checked_groups, prepare, zone_of
from costwatch.spend.shown import TOKENS, corrections
from costwatch.spend.snapshot import snapshot
from costwatch.spend.statement import statement
from costwatch.spend.sums import FIELDS

BATCH = 2_000  # rows fetched at once
ALL = 2**31 - 2  # a limit that cuts nothing off
SUM_NAMES = {"unknown_calls": "usage_unknown_calls", "cost": "cost_usd", "error_cost": "error_cost_usd",
             "upper_bound": "unpriced_upper_bound_usd"}  # fmt: skip
UNKNOWN = (CostSource.UNPRICED, CostSource.USAGE_UNKNOWN)

# columns of an event that are told as they are stored: column → kind
_PLAIN = {
    "event_id": "text", "received_at": TIME, "step": COUNT, "parent_id": "text", **dict.fromkeys(TOKENS, COUNT),
    "service_tier": "text", "region": "text", "batch": FLAG, "requests": COUNT, "response_id": "text",
    "latency_ms": COUNT, "error_type": "text", "tool": "text", "call_fingerprint": "text",
    "input_fingerprint": "text", "input_error": FLAG, "usage_inconsistent": FLAG,
}  # fmt: skip
_STORED = (*_PLAIN, "lane", "event_key", "occurred_at", "attribution_id", *FACTS.values(), "error", "units", "cost",
           "cost_source", "upper_bound", "reported_cost")  # fmt: skip
_NAMES = {"agent": "agent_id"}
EVENT_COLUMNS = (
    Column("timestamp", TIME),
    *(Column(_NAMES.get(kind, kind)) for kind in LABELS),
    *(Column(f"{kind}_id") for kind in FACTS),
    Column("tags"),
    Column("key"),
    *(Column(name, kind) for name, kind in _PLAIN.items()),
    Column("units"),
    Column("status"),
    Column("cost_usd", MONEY),
    Column("cost_source"),
    Column("unpriced_upper_bound_usd", MONEY),
    Column("reported_cost_usd", MONEY),
    Column("recorded_cost_usd", MONEY),
)


@dataclass(frozen=True)
class Export:
    """What a file holds: its columns, and its rows in batches, read while they are asked for."""

    columns: Sequence[Column]
    batches: Iterator[Rows]


def events(workspace: Workspace, filter: SpendFilter) -> Export:
    """The events that a filter means, oldest first. `cost_usd` is the cost now, `recorded_cost_usd` that before
    corrections; both are empty where it is not known."""
    return Export(EVENT_COLUMNS, _events(workspace.lane, filter))


def spend(
    workspace: Workspace,
    filter: SpendFilter,
    group_by: Sequence[str] = (),
    bucket: str = "none",
    time_zone: str | None = None,
    limit: int | None = None,
) -> Export:
    """The sums of `queries.query`, by default of every combination. Raises BadQuery before any row is read."""
    tz = zone_of(time_zone or workspace.time_zone)
    starts = bucket_starts(filter, bucket, tz, workspace.week_start)
    names = checked_groups(group_by)
    kinds = [MONEY if name in ("cost", "error_cost", "upper_bound") else COUNT for name in FIELDS]
    columns = [
        *([Column("bucket", TIME)] if starts else []),
        *map(Column, names),
        *([Column("other", FLAG)] if limit else []),
        *(Column(SUM_NAMES.get(name, name), kind) for name, kind in zip(FIELDS, kinds, strict=True)),
    ]
    local = [start.astimezone(tz) for start in starts]
    return Export(columns, _sums(workspace, filter, names, starts, local, limit))


def _sums(
    workspace: Workspace,
    filter: SpendFilter,
    names: tuple[str, ...],
    starts: list[datetime],
    local: list[datetime],
    limit: int | None,
) -> Iterator[Rows]:
    most = limit or ALL
    with snapshot(workspace.lane) as books:
        text, parameters = statement(prepare(workspace, filter, names, starts), books, most)
        for rows in _fetched((f"{text} ORDER BY 2, 1", parameters)):
            told = [names_of(name, {row[2 + n] for row in rows if row[0] <= most}) for n, name in enumerate(names)]
            yield [
                _sum_row(row, told, local, most, limited=limit is not None) for row in rows if any(row[-len(FIELDS) :])
            ]


def _sum_row(
    row: Sequence[Any], names: Sequence[Mapping[Any, str]], starts: Sequence[datetime], most: int, *, limited: bool
) -> list[Any]:
    other = row[0] > most
    values = [None if other else named.get(row[2 + n], "") for n, named in enumerate(names)]
    bucket = [starts[row[1]]] if starts else []
    return [*bucket, *values, *([other] if limited else []), *row[-len(FIELDS) :]]


def _events(lane: int, filter: SpendFilter) -> Iterator[Rows]:
    """Day after day of UTC, as the table is partitioned: each is sorted for itself."""
    with snapshot(lane) as books:
        conditions = where.resolve(lane, filter)
        attributions = where.few_attributions(lane, conditions)
        tables = where.from_clause(SOURCE, ())
        clauses = [("r.lane = %s", [lane]), *where.on_source(SOURCE, conditions, attributions)]
        select = f"SELECT {', '.join(said(name, 'r') for name in _STORED)} FROM {tables} WHERE"
        labels = _Labels(lane)
        for start, end in _days(*bounds(lane, books, filter)):
            which = where.joined([*clauses, ("r.occurred_at >= %s AND r.occurred_at < %s", [start, end])])
            for rows in _fetched((f"{select} {which[0]} ORDER BY r.occurred_at, r.event_key", which[1])):
                yield _event_rows([dict(zip(_STORED, row, strict=True)) for row in rows], labels)


def _days(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    while start < end:
        midnight = start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + periods.DAY
        yield start, min(midnight, end)
        start = midnight


def _fetched(query: Clause) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of a statement, BATCH at a time, out of a cursor on the server."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(*query)
        while rows := cursor.fetchmany(BATCH):
            yield rows


class _Labels:
    """What the attributions say, remembered: a million events have a few hundred."""

    def __init__(self, lane: int) -> None:
        self._keys = dict(ApiKey.objects.filter(workspace_id=lane).values_list("id", "name"))
        self._known: dict[int, list[Any]] = {}

    def of(self, ids: set[int]) -> dict[int, list[Any]]:
        """Attribution id → labels in the order of LABELS, tags as JSON, name of the API key."""
        missing = Attribution.objects.in_bulk(ids - self._known.keys())
        names = {kind: names_of(kind, {getattr(a, f"{kind}_id") for a in missing.values()}) for kind in LABELS}
        for number, own in missing.items():
            labels = [names[kind].get(getattr(own, f"{kind}_id")) or None for kind in LABELS]
            tags = json.dumps(own.tags, ensure_ascii=False, sort_keys=True) if own.tags else None
            self._known[number] = [*labels, tags, self._keys.get(own.key_id)]
        return self._known


def _event_rows(rows: list[dict[str, Any]], attributions: _Labels) -> Rows:
    labels = attributions.of({row["attribution_id"] for row in rows})
    facts = {kind: names_of(kind, {row[c] for row in rows if row[c]}) for kind, c in FACTS.items()}
    corrected = corrections(rows)
    return [_event_row(row, labels[row["attribution_id"]], facts, corrected.get(row["event_key"])) for row in rows]


def _event_row(
    row: Mapping[str, Any],
    labels: Sequence[Any],
    facts: Mapping[str, Mapping[Any, str]],
    correction: Mapping[str, Any] | None,
) -> list[Any]:
    recorded: Decimal | None = row["cost"]
    source, cost, bound = CostSource(row["cost_source"]), recorded, row["upper_bound"]
    if correction:
        source = CostSource(correction["cost_source"])
        cost = None if source in UNKNOWN else (recorded or Decimal(0)) + correction["cost"]
        bound = (bound or Decimal(0)) + correction["upper_bound"]
    return [
        row["occurred_at"],
        *labels[: len(LABELS)],
        *(facts[kind].get(row[column]) for kind, column in FACTS.items()),
        *labels[len(LABELS) :],
        *(row[name] for name in _PLAIN),
        row["units"],
        "error" if row["error"] else "ok",
        cost,
        source.name.lower(),
        bound or None,
        row["reported_cost"],
        recorded if correction else cost,
    ]
