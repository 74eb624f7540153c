"""Corrections: new rows, positive and negative, with a reason. Nothing that was recorded is ever changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from costwatch.ledger.store import MEASURES, writing
from costwatch.pricing.usage import CostSource

_COLUMNS = (
    "occurred_at, event_at, recorded_at, batch_id, lane, attribution_id, run_id, session_id, end_user_id, event_key,"
    f" cost_source, price_version_id, reason, {', '.join(MEASURES)}"
)
_MONEY = ("cost", "error_cost", "upper_bound")  # the last of MEASURES
_COUNTS = MEASURES[: -len(_MONEY)]
_TYPES = [
    *(
        "timestamptz",
        "timestamptz",
        "timestamptz",
        "int8",
        "int4",
        "int4",
        "int8",
        "int8",
        "int4",
        "uuid",
        "int2",
        "int4",
        "text",
    ),
    *("int8" for _ in _COUNTS),
    *("numeric" for _ in _MONEY),
]


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What to add (negative: to take away) at `occurred_at` under the given ids; `measures`: amounts by their names.

    `cost_source` and `price_version` say where the cost of the event `event_key` comes from after this; `event_at` is
    the event's own time where that month is closed and the correction counts later.
    """

    occurred_at: datetime
    attribution_id: int
    measures: dict[str, int | Decimal]
    reason: str
    event_key: UUID | None = None
    run_id: int | None = None
    session_id: int | None = None
    end_user_id: int | None = None
    cost_source: CostSource | None = None
    price_version: int | None = None
    event_at: datetime | None = None


def adjust(lane: int, adjustments: Sequence[Adjustment]) -> int:
    """Record corrections of one workspace as a batch of its own; they count at once. Returns how many."""
    if not adjustments:
        return 0
    times = [a.occurred_at for a in adjustments]
    now = datetime.now(UTC)
    with writing() as cursor:
        row = cursor.execute(
            "INSERT INTO ingest_batch (id, lane, first_at, last_at, received_at)"
            " VALUES (nextval('ingest_batch_id'), %s, %s, %s, %s) RETURNING id",
            [lane, min(times), max(times), now],
        ).fetchone()
        with cursor.copy(f"COPY spend_adjustment ({_COLUMNS}) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(_TYPES)
            for a in adjustments:
                source = None if a.cost_source is None else int(a.cost_source)
                copy.write_row((
                    a.occurred_at, a.event_at, now, row[0], lane, a.attribution_id, a.run_id, a.session_id,  # type: ignore[index]
                    a.end_user_id, a.event_key, source, a.price_version, a.reason,
                    *(a.measures.get(measure, 0) for measure in _COUNTS),
                    *(Decimal(a.measures.get(measure, 0)) for measure in _MONEY),
                ))  # fmt: skip
    return len(adjustments)
