"""All calls of a run as a file: one row each, in their order, with every digit."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from costwatch.accounts.models import Workspace
from costwatch.dashboards.csv import MOST_CALLS
from costwatch.dashboards.run_calls import Call, calls
from costwatch.dashboards.run_page import told
from costwatch.spend.events import oldest
from costwatch.spend.filters import SpendFilter
from costwatch.spend.runs import run as find_run
from costwatch.spend.snapshot import snapshot

TOKENS = ("input_tokens", "cached_input_tokens", "cache_write_tokens", "cache_write_1h_tokens", "output_tokens",
          "reasoning_tokens")  # fmt: skip
HEAD = ("call", "timestamp", "event_id", "agent", "tool", "provider", "model", "status", "error_type", "latency_ms",
        *TOKENS, "sent_again_tokens", "cost_usd", "cost_source", "unpriced_at_most_usd", "cumulative_usd",
        "called_by_call", "repeats", "answer")  # fmt: skip


def run_file(workspace: Workspace, run_id: str) -> tuple[list[tuple[Any, ...]], bool] | None:
    """A head and the first MOST_CALLS calls of a run, and whether there are more; None where no such run is known."""
    with snapshot(workspace.lane):
        row = find_run(workspace, run_id)
        if row is None:
            return None
        span = SpendFilter(row.first_at, row.last_at + timedelta(microseconds=1), {"run": (run_id,)})
        found, more = oldest(workspace, span, MOST_CALLS)
    repeats, answers = told(workspace, run_id)
    made = calls(found, repeats, answers=answers)
    return [HEAD, *map(_row, made, found)], more


def _row(call: Call, event: Mapping[str, Any]) -> tuple[Any, ...]:
    at_most = event["upper_bound_usd"] and Decimal(event["upper_bound_usd"])
    return (call.number, call.at, call.event_id, call.agent, call.asked, event["provider"], call.model,
            event["status"], event["error_type"], event["latency_ms"], *(event[name] for name in TOKENS), call.again,
            call.cost, call.source, at_most, call.running, call.caller, call.repeats,
            call.answer)  # fmt: skip
