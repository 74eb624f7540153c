"""Runs for the tests, written as short as they can be told."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec

from costwatch.loops.detect import judge
from costwatch.loops.state import Call, Finding, Level, Limits, RunState, Settings

ROOMY = Limits(calls=10_000.0, dollars=Decimal(10_000))
"""Limits that the net never reaches: what is found then is found by its behaviour."""


def run_of(*steps: dict[str, Any], seconds: float = 5.0, cost: str = "0.01", **common: Any) -> list[Call]:
    """One call per step, five seconds apart; the context grows by 100 tokens a call unless told otherwise."""
    calls = []
    for number, step in enumerate(steps):
        fields: dict[str, Any] = {
            "event_id": f"e{number:04}", "run_id": "r", "at": 1_000_000.0 + seconds * number, "agent": "triage",
            "task": "refund", "step": number, "input_tokens": 1000 + 100 * number, "output_tokens": 20,
            "cost": Decimal(cost),
        }  # fmt: skip
        calls.append(Call(**(fields | common | step)))
    return calls


def uses(tool: str, arguments: object, sees: object, **more: Any) -> dict[str, Any]:
    """A tool call after having seen something (the result of the call before)."""
    return {
        "tool": tool,
        "call_fingerprint": f"{tool}({arguments})",
        "input_fingerprint": str(sees),
        **more,
    }


def says(text: str, sees: object, **more: Any) -> dict[str, Any]:
    """A reply without a tool."""
    return {"call_fingerprint": f"said {text}", "input_fingerprint": str(sees), **more}


def sized(growth_and_output: Iterable[tuple[int, int]], **more: Any) -> list[Call]:
    """Calls without fingerprints, by growth of the context and output."""
    tokens, steps = 1000, []
    for growth, output in growth_and_output:
        tokens += growth
        steps.append({"input_tokens": tokens, "output_tokens": output})
    return run_of(*steps, **more)


def findings(calls: Iterable[Call], settings: Settings | None = None, limits: Limits = ROOMY) -> list[Finding]:
    """All that is found in the run about repeats and length; what its context costs is apart (test_growth.py)."""
    return [one for one in judge(calls, limits, settings or Settings())[1] if one.rule != "growth"]


def alarms(calls: Iterable[Call], settings: Settings | None = None, limits: Limits = ROOMY) -> list[Finding]:
    """What would be sent out: alarms and critical ones."""
    return [finding for finding in findings(calls, settings, limits) if finding.level >= Level.alarm]


def state(calls: Iterable[Call], settings: Settings | None = None, limits: Limits = ROOMY) -> RunState:
    """The state after the run."""
    run = judge(calls, limits, settings or Settings())[0]
    assert run is not None
    return run


def plain(value: object) -> Any:
    """For comparisons of states and findings."""
    return msgspec.to_builtins(value)
