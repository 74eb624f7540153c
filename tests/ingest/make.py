"""Events and frames for the tests of the edge."""

import json
from datetime import UTC, datetime
from typing import Any

from costwatch.ledger.entry import Entry
from ingest.event import Batch, decode
from ingest.finish import Frame

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def frame(**changes: Any) -> Frame:
    return Frame(**{"now": NOW, "provider": lambda sent, model: sent or "openai", "labels": {}, **changes})


def event(**changes: Any) -> dict[str, Any]:
    return {"event_id": "e1", "timestamp": "2026-11-25T11:00:00Z", "model": "gpt-4o", "agent_id": "triage",
            "input_tokens": 100, "output_tokens": 10, **changes}  # fmt: skip


def batch(*events: Any, **changes: Any) -> Batch:
    """What becomes of these events, sent as an array."""
    return decode(json.dumps(list(events)).encode(), frame(**changes))


def entry(**changes: Any) -> Entry:
    """What becomes of one event that is taken."""
    got = batch(event(**changes))
    assert not got.problems, got.problems
    return got.entries[0]


def fault(**changes: Any) -> tuple[str | None, str]:
    """(field, message) of one event that is not taken."""
    got = batch(event(**changes))
    assert len(got.problems) == 1 and not got.entries, got
    return got.problems[0].field, got.problems[0].message
