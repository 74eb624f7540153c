"""Corrections: new rows, positive and negative, with a reason. Nothing that was recorded is ever changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from costwatch.ledger.store import MEASURES, writing


@dataclass(frozen=True)
class Adjustment:
    """What to add (negative: to take away) at `occurred_at` under the given ids. `measures`: names of MEASURES → amount."""

    occurred_at: datetime
    attribution_id: int
    measures: dict[str, int | Decimal]
    reason: str
    event_key: UUID | None = None
    run_id: int | None = None
    session_id: int | None = None
    end_user_id: int | None = None


def adjust(lane: int, adjustments: Sequence[Adjustment]) -> int:
    """Record corrections of one workspace as a batch of its own; they count at once. Returns how many."""
    if not adjustments:
        return 0
    times = [a.occurred_at for a in adjustments]
    columns = ("occurred_at", "recorded_at", "batch_id", "lane", "attribution_id", "run_id", "session_id", "end_user_id",
               "event_key", "reason", *MEASURES)  # fmt: skip
    now = datetime.now(UTC)
    with writing() as cursor:
        row = cursor.execute("INSERT INTO ingest_batch (id, lane, first_at, last_at, received_at)"
                             " VALUES (nextval('ingest_batch_id'), %s, %s, %s, %s) RETURNING id",
                             [lane, min(times), max(times), now]).fetchone()  # fmt: skip
        with cursor.copy(f"COPY spend_adjustment ({', '.join(columns)}) FROM STDIN") as copy:
            for a in adjustments:
                copy.write_row((a.occurred_at, now, row[0], lane, a.attribution_id, a.run_id, a.session_id,  # type: ignore[index]
                                a.end_user_id, a.event_key, a.reason, *(a.measures.get(m, 0) for m in MEASURES)))  # fmt: skip
    return len(adjustments)
