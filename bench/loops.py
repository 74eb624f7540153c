"""The loop detector: events a second on one core, and its ratio to a bare loop that only counts calls by run.

python bench/loops.py         (no database; the labelled development runs, five times over)
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import msgspec  # noqa: E402

from costwatch.loops.history import blind, read  # noqa: E402
from costwatch.loops.state import Call, Settings  # noqa: E402
from costwatch.loops.stream import Stream  # noqa: E402

GOAL = 200_000
ROUNDS, REPEATED, APART = 5, 5, 42.0


def calls(fingerprints: bool) -> list[Call]:
    """The calls of all labelled runs by time, a new run every 42 seconds, the whole five times."""
    folder = ROOT / "tests" / "data" / "loops"
    runs = read(str(folder / f"{name}.jsonl.gz") for name in ("events", "injected_events")).runs
    if not fingerprints:
        runs = blind(runs)
    made = []
    for again in range(REPEATED):
        for place, own in enumerate(runs.values()):
            shift = APART * (again * len(runs) + place) - own[0].at
            for call in own:
                named = {"event_id": f"{call.event_id}.{again}", "run_id": f"{call.run_id}.{again}"}
                made.append(msgspec.structs.replace(call, at=call.at + shift, **named))
    return sorted(made, key=lambda call: call.place)


def detect(events: list[Call]) -> None:
    """Everything: look the run up, judge, learn from finished runs."""
    see = Stream(Settings()).see
    for call in events:
        see(call)


def bare(events: list[Call]) -> None:
    """The least any detector does."""
    counts: dict[str, int] = {}
    for call in events:
        counts[call.run_id] = counts.get(call.run_id, 0) + 1


def rate(work: Callable[[list[Call]], None], events: list[Call]) -> float:
    """Events a second of processor time, the best of the rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        begin = time.process_time()
        work(events)
        best = min(best, time.process_time() - begin)
    return len(events) / best


def main() -> None:
    """Print the table."""
    print(f"{'':24}{'events':>10}{'events/s':>12}{'goal':>10}{'x bare loop':>14}")
    for fingerprints in (True, False):
        events = calls(fingerprints)
        detected = rate(detect, events)
        name = "with fingerprints" if fingerprints else "without fingerprints"
        print(f"{name:24}{len(events):10,}{detected:12,.0f}{GOAL:10,}{detected / rate(bare, events):14.3f}")


if __name__ == "__main__":
    main()
