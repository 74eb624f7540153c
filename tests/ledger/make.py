"""Entries for the tests."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count

from costwatch.ledger.entry import Entry
from costwatch.ledger.keys import event_key, response_key
from costwatch.pricing.usage import CostSource

NOW = datetime(2026, 11, 18, 13, 32, 7, 123456, tzinfo=UTC)
_numbers = count(1)


def entry(event_id: str | None = None, *, minutes: float = 0, cost: str | None = "0.0123", **fields: object) -> Entry:
    """One event `minutes` after NOW; unpriced where cost is None."""
    event_id = event_id or f"event-{next(_numbers)}"
    response = fields.get("response_id")
    keys = (event_key(event_id),) + ((response_key("openai", str(response)),) if response else ())
    values = {
        "event_id": event_id, "keys": keys, "timestamp": NOW + timedelta(minutes=minutes), "model": "gpt-5.4-mini",
        "provider": "openai", "agent_id": "triage", "input_tokens": 1200, "output_tokens": 85,
        "cost": None if cost is None else Decimal(cost),
        "cost_source": CostSource.UNPRICED if cost is None else CostSource.CATALOG, **fields,
    }  # fmt: skip
    return Entry(**values)  # type: ignore[arg-type]
