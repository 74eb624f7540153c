"""`costwatch loops evaluate [FILE…]`: the detector judged by labelled runs, replayed as they would arrive in life.

Runs are replayed at their own times, or, where those were made up, spread over time in a shuffled order that is always
the same: the normal lengths are learnt from the runs that finished before, as in life.
"""

import argparse
import hashlib
import json
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec

from costwatch.loops.figures import Figures, Flag, Label, measure
from costwatch.loops.history import History, Runs, blind, check, read
from costwatch.loops.say import title
from costwatch.loops.state import Call, Finding, Level, Settings
from costwatch.loops.stream import Stream
from costwatch.trouble import Trouble

APART = 42.0
"""Seconds between the beginnings of two runs whose times are not known."""
HELD_BACK = 40

Found = dict[str, tuple[int, Finding]]
"""Run id → its first alarm, and the place of the deciding call in the run, from 0."""
PARTS: dict[str, Callable[[Label], bool]] = {
    "tuned on": lambda label: label.source not in (None, "injected") and not held_back(label.run_id),
    "held back": lambda label: label.source not in (None, "injected") and held_back(label.run_id),
    "all": lambda label: label.source != "injected",
    "injected": lambda label: label.source == "injected",
}
"""Of the development data, whose labels name a source; the first two say nothing about anybody else's runs."""


def command(
    arguments: argparse.Namespace, settings: Settings | None = None, own: Callable[[], Runs] | None = None
) -> int:
    """Print the figures, as a table or with --json; of these settings, else of --sensitivity.

    `own` gives the runs where the files have none. Without any label, what would be flagged is printed to be labelled.
    """
    history = read(arguments.files)
    if own is not None and not history.runs:
        history = replace(history, runs=own())
    if not history.runs:
        raise Trouble("No events of runs in these files: give NDJSON as for POST /api/v1/events, or --workspace.")
    check(history)
    if arguments.no_fingerprints:
        history = replace(history, runs=blind(history.runs))
    settings = settings or Settings.at(arguments.sensitivity)
    if not history.labels:
        return _ask_for_labels(history, settings)
    figures = evaluate(history, settings)
    if arguments.json:
        print(json.dumps({name: as_dict(part) for name, part in figures.items()}, indent=2))
    else:
        print(table(figures))
        if unlabelled := len(history.runs) - len(history.labels):
            print(f"{unlabelled:,} runs have no label: they teach what is normal and are not scored.")
    return 0


def evaluate(history: History, settings: Settings) -> dict[str, Figures]:
    """The figures of each part that has labelled runs; injected runs come after the real ones and are told apart."""
    found = _found(history, settings)
    flags = {run_id: Flag(index, finding.rule) for run_id, (index, finding) in found.items()}
    costs = {run_id: [call.cost or Decimal(0) for call in calls] for run_id, calls in history.runs.items()}
    parts = {name: [one for one in history.labels.values() if belongs(one)] for name, belongs in PARTS.items()}
    return {name: measure(part, flags, costs) for name, part in parts.items() if part}


def _found(history: History, settings: Settings) -> Found:
    if history.times_known:
        return replay((call for calls in history.runs.values() for call in calls), Stream(settings))
    injected = {label.run_id for label in history.labels.values() if label.source == "injected"}
    real = {run_id: calls for run_id, calls in history.runs.items() if run_id not in injected}
    later = {run_id: history.runs[run_id] for run_id in injected}
    arriving = [*_spread(real, 0.0), *_spread(later, APART * (len(real) + 20))]
    return replay(arriving, Stream(settings))


def replay(calls: Iterable[Call], stream: Stream) -> Found:
    """Send the calls through the detector by time; the first alarm of each run that has one."""
    found: Found = {}
    places: Counter[str] = Counter()
    for call in sorted(calls, key=lambda call: (call.at, call.place, call.run_id)):
        for finding in stream.see(call):
            if finding.level >= Level.alarm:
                found.setdefault(call.run_id, (places[call.run_id], finding))
        places[call.run_id] += 1
    return found


def _spread(runs: Runs, start: float) -> Iterator[Call]:
    """The runs in a shuffled order, one begins every APART seconds."""
    order = sorted(runs)
    random.Random(7).shuffle(order)  # noqa: S311
    for place, run_id in enumerate(order):
        shift = start + APART * place - runs[run_id][0].at
        yield from (msgspec.structs.replace(call, at=call.at + shift) for call in runs[run_id])


def _ask_for_labels(history: History, settings: Settings) -> int:
    """What would be flagged, as labels to be filled in."""
    found = _found(history, settings)
    for run_id, (index, finding) in sorted(found.items(), key=lambda one: one[1][1].at):
        onset = min(finding.since_number - 1, index)
        flagged = {"run_id": run_id, "label": "", "onset_step": onset, "kind": "", "flagged_at": index,
                   "calls": len(history.runs[run_id]), "why": title(finding)}  # fmt: skip
        print(json.dumps(flagged, ensure_ascii=False))
    print(
        f"No labels given. Of {len(history.runs):,} runs these {len(found):,} would be flagged: set each label to loop,"
        " borderline or clean, add lines for runs that are not listed, and give the lines back beside the events.",
        file=sys.stderr,
    )
    return 0


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


def _or_dash(value: object) -> str:
    return "-" if value is None else str(value)
