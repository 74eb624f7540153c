"""`costwatch loops evaluate FILE…`: the detector judged by labelled runs, replayed as they would arrive in life.

Files are NDJSON, plain or .gz, in any order: events in the form of POST /api/v1/events, and labels (`run_id`, `label`,
for loops `onset_step` and `kind`). Runs are spread over time in a shuffled order that is always the same, so that the
normal lengths are learnt from the runs that finished before, as in life.
"""

import argparse
import gzip
import hashlib
import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from costwatch.loops.figures import Figures, Flag, Label, measure
from costwatch.loops.state import Call, Level, Settings
from costwatch.loops.stream import Stream
from costwatch.trouble import Trouble

APART = 42.0
"""Seconds between the beginnings of two runs."""
HELD_BACK = 40
INPUT_PRICE, OUTPUT_PRICE = Decimal("0.0000025"), Decimal("0.00001")
"""Dollars a token where an event brings no cost, so that runs of all models compare."""

Runs = dict[str, list[Call]]
PARTS: dict[str, Callable[[Label], bool]] = {
    "tuned on": lambda label: label.source != "injected" and not held_back(label.run_id),
    "held back": lambda label: label.source != "injected" and held_back(label.run_id),
    "all": lambda label: label.source != "injected",
    "injected": lambda label: label.source == "injected",
}


def command(arguments: argparse.Namespace, settings: Settings | None = None) -> int:
    """Print the figures, as a table or with --json; of these settings, else of --sensitivity."""
    events, labels = read(arguments.files, fingerprints=not arguments.no_fingerprints)
    if not labels:
        raise Trouble('No labels in these files: add one line per run like {"run_id": …, "label": "clean"}.')
    figures = evaluate(events, labels, settings or Settings.at(arguments.sensitivity))
    if arguments.json:
        print(json.dumps({name: as_dict(part) for name, part in figures.items()}, indent=2))
    else:
        print(table(figures))
    return 0


def read(files: Iterable[str], *, fingerprints: bool = True) -> tuple[Runs, dict[str, Label]]:
    """Runs with their calls in order, and labels, both by run id. Raises Trouble with file and line for bad rows."""
    runs: Runs = defaultdict(list)
    labels: dict[str, Label] = {}
    for name, number, row in _rows(files):
        try:
            if "label" in row:
                label = msgspec.convert(row, Label, strict=False)
                labels[label.run_id] = label
            elif row.get("run_id"):
                runs[row["run_id"]].append(_call(row, f"{row['run_id']}.{len(runs[row['run_id']])}", fingerprints))
        except (KeyError, TypeError, ValueError, msgspec.ValidationError) as error:
            raise Trouble(f"{name}, line {number}: neither an event nor a label ({error}).") from error
    for calls in runs.values():
        calls.sort(key=lambda call: call.place)
    unknown = next((run_id for run_id in labels if run_id not in runs), None)
    if unknown is not None:
        raise Trouble(f"There is a label for run {unknown!r}, but none of its events in these files.")
    return dict(runs), labels


def evaluate(runs: Runs, labels: Mapping[str, Label], settings: Settings) -> dict[str, Figures]:
    """The figures of each part that has labelled runs; injected runs come after the real ones and are told apart."""
    real = {run_id: calls for run_id, calls in runs.items() if not _injected(labels, run_id)}
    injected = {run_id: calls for run_id, calls in runs.items() if _injected(labels, run_id)}
    stream = Stream(settings)
    flags = replay(real, stream, 0.0) | replay(injected, stream, APART * (len(real) + 20))
    costs = {run_id: [call.cost or Decimal(0) for call in calls] for run_id, calls in runs.items()}
    parts = {name: [label for label in labels.values() if belongs(label)] for name, belongs in PARTS.items()}
    return {name: measure(part, flags, costs) for name, part in parts.items() if part}


def replay(runs: Runs, stream: Stream, start: float) -> dict[str, Flag]:
    """Send the runs through the detector, beginning at `start` seconds; the first alarm of each run that has one."""
    order = sorted(runs)
    random.Random(7).shuffle(order)  # noqa: S311
    arriving = []
    for place, run_id in enumerate(order):
        shift = start + APART * place - runs[run_id][0].at
        for index, call in enumerate(runs[run_id]):
            arriving.append((call.at + shift, index, msgspec.structs.replace(call, at=call.at + shift)))
    flags: dict[str, Flag] = {}
    for _, index, call in sorted(arriving, key=lambda one: one[:2]):
        for finding in stream.see(call):
            if finding.level >= Level.alarm and call.run_id not in flags:
                flags[call.run_id] = Flag(index, finding.rule)
    return flags


def held_back(run_id: str) -> bool:
    """Four runs in ten, chosen by a hash of their id, which no threshold was chosen on."""
    return int(hashlib.sha256(run_id.encode()).hexdigest()[:8], 16) % 100 < HELD_BACK


def as_dict(figures: Figures) -> dict[str, Any]:
    """The figures as plain values."""
    plain: dict[str, Any] = msgspec.to_builtins(figures)
    saved = figures.dollars_saved
    return plain | {"dollars_saved": None if saved is None else str(round(saved, 3))}


def table(parts: Mapping[str, Figures]) -> str:
    """One column per part."""
    rows: list[tuple[str, Callable[[Figures], str]]] = [
        ("loops found", lambda f: f"{f.found}/{f.loops} = {f.recall:.2f}"),
        ("clean runs flagged", lambda f: f"{f.false_alarms}/{f.clean}"),
        (
            "  in 1,000, with 95 % interval",
            lambda f: "{:.1f} ({:.1f}-{:.1f})".format(f.false_per_1000, *f.false_interval),
        ),
        ("borderline runs flagged", lambda f: f"{f.borderline_alarms}/{f.borderline}"),
        ("tool loops found", lambda f: f"{f.tool_loops_found}/{f.tool_loops}"),
        ("identical-call loops found", lambda f: f"{f.identical_found}/{f.identical}"),
        ("  slowest, redundant calls", lambda f: _or_dash(f.identical_delay)),
        ("delay, median / 90 %", lambda f: f"{_or_dash(f.delay_median)} / {_or_dash(f.delay_90)}"),
        ("loop dollars saved", lambda f: _or_dash(None if f.dollars_saved is None else f"{f.dollars_saved:.0%}")),
    ]
    lines = [f"{'':32}" + "".join(f"{name:>20}" for name in parts)]
    lines += [f"{title:32}" + "".join(f"{show(part):>20}" for part in parts.values()) for title, show in rows]
    for name, part in parts.items():
        kinds = ", ".join(f"{kind} {found}/{many}" for kind, (found, many) in part.by_kind.items())
        rules = ", ".join(f"{rule} {many}" for rule, many in part.by_rule.items())
        lines.append(f"{name}: {kinds or 'no loops'}; flagged by {rules or 'nothing'}")
    return "\n".join(lines)


def _rows(files: Iterable[str]) -> Iterator[tuple[str, int, dict[str, Any]]]:
    for name in files:
        try:
            with gzip.open(name, "rt", encoding="utf-8") if name.endswith(".gz") else Path(name).open() as file:
                for number, line in enumerate(file, 1):
                    if line.strip():
                        row = json.loads(line)
                        if not isinstance(row, dict):
                            raise Trouble(f"{name}, line {number}: not a JSON object.")
                        yield name, number, row
        except (OSError, ValueError) as error:
            raise Trouble(f"{name} cannot be read as NDJSON: {error}") from error


def _call(row: Mapping[str, Any], event_id: str, fingerprints: bool) -> Call:
    tokens = int(row.get("input_tokens") or 0), int(row.get("output_tokens") or 0)
    cost = row.get("cost_usd")
    latency = row.get("latency_ms")
    return Call(
        event_id=row.get("event_id") or event_id,
        run_id=row["run_id"],
        at=_unix(row["timestamp"]),
        agent=row.get("agent_id") or "",
        task=row.get("task") or "",
        step=row.get("step"),
        tool=row.get("tool") if fingerprints else None,
        call_fingerprint=row.get("call_fingerprint") if fingerprints else None,
        input_fingerprint=row.get("input_fingerprint") if fingerprints else None,
        input_error=bool(row.get("input_error")) and fingerprints,
        input_tokens=tokens[0],
        output_tokens=tokens[1],
        cost=tokens[0] * INPUT_PRICE + tokens[1] * OUTPUT_PRICE if cost is None else Decimal(str(cost)),
        latency=None if latency is None else float(latency) / 1000,
        failed=row.get("status") == "error",
        batch=bool(row.get("batch")),
    )


def _unix(timestamp: str | float) -> float:
    return datetime.fromisoformat(timestamp).timestamp() if isinstance(timestamp, str) else float(timestamp)


def _injected(labels: Mapping[str, Label], run_id: str) -> bool:
    return run_id in labels and labels[run_id].source == "injected"


def _or_dash(value: object) -> str:
    return "-" if value is None else str(value)
