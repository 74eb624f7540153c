"""From the commit of the call that decides a loop to the guard's `stop`, while other runs come in.

A real `costwatch up`: its web processes, worker and scheduler. Each of the loops has made all calls but the deciding
one; that is sent at any moment, and the guard is asked about the run every 10 ms. A time counts from when the deciding
call was sent, so it has the commit in it.
"""

import argparse
import json
import random
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from bench.table import Row, at_most, percentile
from tests.faults.installation import Installation, installed

LOOPS = 30
BEFORE = 4  # equal calls that are not enough for an alarm
OTHERS, EVERY = 100, 0.5  # calls of other runs in a batch, and seconds between batches
PATIENCE = 20.0
WARM_UP = 5.0


def run(options: argparse.Namespace) -> list[Row]:
    """The times, and how the answers of ingest and the runs that work on were judged."""
    done = threading.Event()
    with installed("costwatch-bench-") as up:
        key = up.make_key("ingest,read")
        with ThreadPoolExecutor(LOOPS + 1) as pool:
            pool.submit(_others, up, key, done)
            try:
                return _measured(up, key, pool)
            finally:
                done.set()


def _measured(up: Installation, key: str, pool: ThreadPoolExecutor) -> list[Row]:
    dice = random.Random(6)
    _post(up, key, [_call(loop, number) for loop in range(LOOPS) for number in range(BEFORE)])
    time.sleep(WARM_UP)
    early = sum(not _allowed(up, key, loop) for loop in range(LOOPS))
    waiting = []
    for loop in range(LOOPS):
        waiting.append(pool.submit(_decide, up, key, loop))
        time.sleep(dice.uniform(0.05, 0.75))
    times = [found for one in waiting if (found := one.result()) is not None]
    asked = sum("verdicts" in _post(up, key, [_call(loop, BEFORE + 1)]) for loop in range(LOOPS))
    return [
        at_most(f"{LOOPS} loops, from the deciding call to the guard's stop, slowest", max(times), 2_000, "ms"),
        Row("… p50, p90", f"{percentile(times, 0.5):,.0f}, {percentile(times, 0.9):,.0f} ms"),
        Row("… never stopped; stopped before their time", f"{LOOPS - len(times)}; {early}"),
        Row("… asked to stop by the answer to their next call", f"{asked} of {LOOPS}"),
    ]


def _decide(up: Installation, key: str, loop: int) -> float | None:
    """Send the deciding call; milliseconds until the guard says no, None if it never does."""
    began = time.monotonic()
    _post(up, key, [_call(loop, BEFORE)])
    while time.monotonic() < began + PATIENCE:
        if not _allowed(up, key, loop):
            return (time.monotonic() - began) * 1000
        time.sleep(0.01)
    return None


def _allowed(up: Installation, key: str, loop: int) -> bool:
    return bool(up.get(f"/api/v1/guard?run_id=loop-{loop}", key)["allow"])


def _call(loop: int, number: int) -> dict[str, Any]:
    """A call of a loop: the same again, in the same situation."""
    return _event(f"loop-{loop}", number, tool="get_order", call_fingerprint="order 7", input_fingerprint="pending")


def _others(up: Installation, key: str, done: threading.Event) -> None:
    """Runs that work: new calls, new results."""
    batch = 0
    while not done.wait(EVERY):
        _post(up, key, [_event(f"work-{batch // 8}-{n % 10}", batch, call_fingerprint=f"{batch} {n}",
                               input_fingerprint=f"{batch} {n}") for n in range(OTHERS)])  # fmt: skip
        batch += 1


def _event(run_id: str, number: int, **more: object) -> dict[str, Any]:
    return {
        "run_id": run_id, "step": number, "timestamp": datetime.now(UTC).isoformat(), "agent_id": "agent",
        "task": "task", "model": "gpt-5.4-mini", "input_tokens": 2_000 + 50 * number, "output_tokens": 40, **more,
    }  # fmt: skip


def _post(up: Installation, key: str, events: list[dict[str, Any]]) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{up.url}/api/v1/events", json.dumps({"events": events}).encode(),
        {"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )  # fmt: skip
    with urllib.request.urlopen(request, timeout=30) as answer:
        return dict(json.load(answer))
