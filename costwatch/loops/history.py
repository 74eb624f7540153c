"""Labelled runs out of files: events in the form of POST /api/v1/events, and a line for each run that was judged."""

import gzip
import json
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from math import isfinite
from pathlib import Path
from typing import Any

import msgspec

from costwatch.loops.figures import Label
from costwatch.loops.state import Call
from costwatch.trouble import Trouble

INPUT_PRICE, OUTPUT_PRICE = Decimal("0.0000025"), Decimal("0.00001")
"""Dollars a token where an event brings no cost, so that runs of all models compare."""

Runs = dict[str, list[Call]]


@dataclass(frozen=True)
class History:
    """Runs with their calls in order, and labels, both by run id."""

    runs: Runs
    labels: dict[str, Label]
    times_known: bool = True
    """No event says that its time was made up (`timestamp_real`: false)."""


def read(files: Iterable[str]) -> History:
    """What these files hold, NDJSON, plain or .gz. Raises Trouble with file and line for rows that are neither."""
    runs: Runs = defaultdict(list)
    labels: dict[str, Label] = {}
    times_known = True
    for name, number, row in _rows(files):
        try:
            if "label" in row:
                label = msgspec.convert(row, Label, strict=False)
                labels[label.run_id] = label
            elif row.get("run_id"):
                runs[row["run_id"]].append(_call(row, f"{row['run_id']}.{len(runs[row['run_id']])}"))
                times_known = times_known and row.get("timestamp_real") is not False
        except (KeyError, TypeError, ValueError, ArithmeticError, msgspec.ValidationError) as error:
            missing = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            raise Trouble(f"{name}, line {number}: neither an event nor a label ({missing}).") from error
    for calls in runs.values():
        calls.sort(key=lambda call: call.place)
    return History(dict(runs), labels, times_known)


def check(history: History) -> None:
    """Raises Trouble for a label of a run that is not there, or whose loop begins after the run's end."""
    for run_id, label in history.labels.items():
        calls = len(history.runs.get(run_id, ()))
        if not calls:
            raise Trouble(f"There is a label for run {run_id!r}, but none of its events.")
        if label.onset_step is not None and not 0 <= label.onset_step < calls:
            raise Trouble(f"The label of run {run_id!r} says that the loop begins at call {label.onset_step}, "
                          f"counted from 0, but the run has {calls} calls.")  # fmt: skip


def blind(runs: Runs) -> Runs:
    """The same runs as if the clients sent no fingerprints."""
    nothing: dict[str, Any] = {"tool": None, "call_fingerprint": None, "input_fingerprint": None, "input_error": False}
    return {run_id: [msgspec.structs.replace(call, **nothing) for call in calls] for run_id, calls in runs.items()}


def _rows(files: Iterable[str]) -> Iterator[tuple[str, int, dict[str, Any]]]:
    for name in files:
        number = 0
        try:
            with gzip.open(name, "rb") if name.endswith(".gz") else Path(name).open("rb") as file:
                for number, line in enumerate(file, 1):
                    if line.strip():
                        row = json.loads(line.decode("utf-8-sig"))
                        if not isinstance(row, dict):
                            raise Trouble(f"{name}, line {number}: not a JSON object. One event or label a line.")
                        yield name, number, row
        except (OSError, EOFError, zlib.error) as error:
            raise Trouble(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
        except (ValueError, RecursionError) as error:
            raise Trouble(f"{name}, line {number}, cannot be read as NDJSON: {error}") from error


def _call(row: Mapping[str, Any], event_id: str) -> Call:
    tokens = int(row.get("input_tokens") or 0), int(row.get("output_tokens") or 0)
    cost = row.get("cost_usd")
    latency = row.get("latency_ms")
    call = Call(
        event_id=row.get("event_id") or event_id,
        run_id=row["run_id"],
        at=_unix(row["timestamp"]),
        agent=row.get("agent_id") or "",
        task=row.get("task") or "",
        step=row.get("step"),
        tool=row.get("tool"),
        call_fingerprint=row.get("call_fingerprint"),
        input_fingerprint=row.get("input_fingerprint"),
        input_error=bool(row.get("input_error")),
        input_tokens=tokens[0],
        output_tokens=tokens[1],
        cost=tokens[0] * INPUT_PRICE + tokens[1] * OUTPUT_PRICE if cost is None else Decimal(str(cost)),
        latency=None if latency is None else float(latency) / 1000,
        failed=row.get("status") == "error",
        batch=bool(row.get("batch")),
    )
    if not isfinite(call.at) or not isfinite(call.cost or 0):
        raise ValueError("times and costs are numbers")
    return msgspec.convert(msgspec.to_builtins(call), Call)  # making it looked at no type


def _unix(timestamp: str | float) -> float:
    return datetime.fromisoformat(timestamp).timestamp() if isinstance(timestamp, str) else float(timestamp)
