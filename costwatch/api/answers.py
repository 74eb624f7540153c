"""What the API answers, as JSON-ready dicts: money as text with twelve places, times in RFC 3339."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from costwatch.alerts.models import Incident
from costwatch.lib.periods import zone
from costwatch.spend.queries import Answer, Group, Page, RunRow
from costwatch.spend.sums import Sums

_COUNTS = ("events", "calls", "errors", "runs", "input_tokens", "cached_input_tokens", "cache_write_tokens",
           "output_tokens", "reasoning_tokens")  # fmt: skip
MILLISECOND = timedelta(milliseconds=1)


def spend(answer: Answer) -> dict[str, Any]:
    """`GET /api/v1/spend`."""
    tz = zone(answer.time_zone)
    return {
        "from": _local(answer.start, tz),
        "to": _local(answer.end, tz),
        "time_zone": answer.time_zone,
        "currency": "USD",
        "complete_until": _utc(answer.complete_until),
        "coverage": coverage(answer.total),
        "groups": [_group(group, tz) for group in answer.groups],
        "total": sums(answer.total),
    }


def coverage(of: Sums) -> dict[str, Any]:
    """How much of a sum is priced: the calls, and the share of the money."""
    share = of.priced_share
    return {
        "calls": of.calls,
        "priced_calls": of.priced_calls,
        "unpriced_calls": of.unpriced_calls,
        "usage_unknown_calls": of.unknown_calls,
        "unpriced_upper_bound_usd": usd(of.upper_bound),
        "priced_share": None if share is None else float(share),
    }


def sums(of: Sums) -> dict[str, Any]:
    """The measures of a group or a total."""
    return {
        **{name: getattr(of, name) for name in _COUNTS},
        "unpriced_calls": of.unpriced_calls,
        "usage_unknown_calls": of.unknown_calls,
        "cost_usd": usd(of.cost),
        "error_cost_usd": usd(of.error_cost),
        "unpriced_upper_bound_usd": usd(of.upper_bound),
    }


def run(row: RunRow, loop: Incident | None) -> dict[str, Any]:
    """One run, and the worst that was found about it."""
    labels = {("agent_id" if name == "agent" else name): value or None for name, value in row.labels.items()}
    return {
        "run_id": row.run_id,
        **labels,
        "user_id": row.user or None,
        "session_id": row.session or None,
        "started_at": _utc(row.first_at),
        "last_call_at": _utc(row.last_at),
        "duration_ms": row.duration // MILLISECOND,
        "loop": loop and {"incident": loop.pk, "severity": loop.severity, "state": loop.state},
        **sums(row.sums),
    }


def page(of: Page[Any], items: list[Any]) -> dict[str, Any]:
    """A page of any list."""
    return {"items": items, "next_cursor": of.next_cursor}


def usd(amount: Decimal) -> str:
    """Twelve places, as the books keep it."""
    return f"{amount:.12f}"


def _group(group: Group, tz: ZoneInfo) -> dict[str, Any]:
    bucket = {"bucket": _local(group.bucket, tz)} if group.bucket else {}
    other = {"other": True} if group.other else {}
    return {**group.values, **bucket, **other, **sums(group.sums)}


def _local(at: datetime, tz: ZoneInfo) -> str:
    return at.astimezone(tz).isoformat()


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
