"""What taking events costs before they are stored: microseconds an event by stage, and ratios to msgspec's bare decode.

python bench/decode.py         (no database; the catalogue is compiled in memory)
"""

import gc
import json
import os
import random
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "costwatch.settings")
import django

django.setup()

import msgspec  # noqa: E402

from costwatch.pricing.catalogue import read  # noqa: E402
from ingest.accept import _price, _provider_by  # noqa: E402
from ingest.event import _decoded, decode  # noqa: E402
from ingest.finish import Frame, Labels  # noqa: E402
from tests.pricing.conftest import compile_book  # noqa: E402

EVENTS = 1000
NOW = datetime.now(UTC)
MODELS = ("gpt-4.1", "gpt-4.1-mini", "claude-sonnet-4-5", "gemini-2.5-flash")


def event(i: int, chance: random.Random) -> dict[str, Any]:
    """A call as an agent's SDK sends it: 18 fields, 460 bytes."""
    return {
        "event_id": f"{chance.getrandbits(128):032x}", "model": chance.choice(MODELS),
        "timestamp": (NOW - timedelta(milliseconds=chance.randrange(10**6))).isoformat(),
        "agent_id": f"agent-{i % 20}", "user_id": f"user-{i % 500}", "task": f"task-{i % 10}",
        "run_id": f"run-{i // 7}", "session_id": f"session-{i // 20}", "step": i % 7,
        "environment": "prod", "release": "triage@1.8.2",
        "input_tokens": chance.randrange(10_000), "output_tokens": chance.randrange(2_000), "cached_input_tokens": 0,
        "tags": {"team": "support", "customer": f"c{i % 30}"}, "latency_ms": chance.randrange(5_000), "status": "ok",
    }  # fmt: skip


def measure(call: Callable[[], object]) -> float:
    """Microseconds an event: the best of 15 batches."""
    gc.collect()
    best = float("inf")
    for _ in range(15):
        begin = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - begin)
    return best / EVENTS * 1e6


def main() -> None:
    """Print the table."""
    chance = random.Random(7)
    events = [event(i, chance) for i in range(EVENTS)]
    body = json.dumps({"events": events}).encode()
    cached = json.dumps([e | {"cached_input_tokens": e["input_tokens"] // 2} for e in events]).encode()
    usage = {"prompt_tokens": 431, "completion_tokens": 210, "prompt_tokens_details": {"cached_tokens": 0}}
    raw = json.dumps([{k: v for k, v in e.items() if "tokens" not in k} | {"usage": usage} for e in events]).encode()
    stranger = json.dumps([e | {"own_field": 1} for e in events]).encode()
    fault = json.dumps([*events[:-1], events[-1] | {"input_tokens": "5"}]).encode()
    book = compile_book(read())
    labels: dict[Labels, Labels] = {}

    def frame() -> Frame:
        return Frame(now=NOW, provider=_provider_by(book), labels=labels, api_key_id=1)

    def whole(sent: bytes) -> Callable[[], object]:
        return lambda: _price(decode(sent, frame()).entries, book)

    entries = decode(body, frame()).entries
    bare = measure(lambda: msgspec.json.decode(body))
    print(f"{len(body) / EVENTS:.0f} bytes an event, {EVENTS} in a batch\n{'':44}{'µs':>7}{'x bare':>9}")
    for name, took in (
        ("msgspec, bare: JSON into dicts", bare),
        ("JSON into entries, types and limits checked", measure(lambda: _decoded(body, False))),
        ("  and rules between fields, names, keys", measure(lambda: decode(body, frame()))),
        ("price alone", measure(lambda: _price(entries, book))),
        ("all of it", measure(whole(body))),
        ("all of it, half of the input from cache", measure(whole(cached))),
        ("all of it, provider's usage objects", measure(whole(raw))),
        ("all of it, every event with a strange field", measure(whole(stranger))),
        ("all of it, one event of the batch at fault", measure(whole(fault))),
    ):
        print(f"{name:44}{took:7.2f}{took / bare:9.2f}")


if __name__ == "__main__":
    main()
