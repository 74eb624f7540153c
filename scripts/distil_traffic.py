"""Distil the measured LLM traffic that the demo is drawn from into costwatch/demo/traffic.json.

python scripts/distil_traffic.py FOLDER     (the four .csv.gz files named below)
"""

import csv
import gzip
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

TARGET = Path(__file__).resolve().parent.parent / "costwatch" / "demo" / "traffic.json"
HOURS = 14 * 24
OFFICE = (("m-large", 48), ("m-large", 56))  # clients of ServeGen that work by day and rest by night
CONSUMER = (("m-small", 31), ("m-mid", 30))
STEADY = ("m-mid", 101)  # its days differ as those of a business without campaigns do
SAMPLES = 400
NOTE = (
    "Distilled from: ServeGen (github.com/alibaba/ServeGen, Apache-2.0, arXiv 2505.09999): shares of clients, hours, "
    "days, reasoning lengths; AzurePublicDataset LLM inference traces 2023 (CC BY 4.0; Patel et al., Splitwise, "
    "ISCA 2024): conversation and code lengths; Mooncake conversation trace (github.com/kvcache-ai/Mooncake, "
    "Apache-2.0): long prompts and the share of them that was seen before."
)


def main(folder: Path) -> None:
    """Write the file."""
    calls, reasoning = _hours(folder / "servegen_hourly_by_client.csv.gz")
    mooncake = [(int(r["input_tokens"]), int(r["output_tokens"]), int(r["cached_prefix_tokens_infinite_cache"]))
                for r in _rows(folder / "mooncake_conversation_trace.csv.gz")]  # fmt: skip
    data = {
        "note": NOTE,
        "clients": _clients(calls),
        "hours": {"office": _hours_of_day(calls, OFFICE), "consumer": _hours_of_day(calls, CONSUMER)},
        "days": _days(calls[STEADY]),
        "lengths": {
            "conversation": _spread(_azure(folder / "AzureLLMInferenceTrace_conv.csv.gz")),
            "code": _spread(_azure(folder / "AzureLLMInferenceTrace_code.csv.gz")),
            "long": _spread([(read, written) for read, written, _ in mooncake]),
            "reasoning": _spread(reasoning),
        },
        "reused": _reused(mooncake),
    }
    TARGET.write_text(json.dumps(data, separators=(",", ":")).replace('],"', '],\n"') + "\n")
    print(f"{TARGET}: {TARGET.stat().st_size:,} bytes")


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", newline="") as file:
        yield from csv.DictReader(file)


def _hours(path: Path) -> tuple[dict[tuple[str, int], list[float]], list[tuple[int, int]]]:
    """Requests by client and hour; mean lengths of the hours of the reasoning model's clients."""
    calls: dict[tuple[str, int], list[float]] = defaultdict(lambda: [0.0] * HOURS)
    reasoning = []
    for row in _rows(path):
        calls[row["pool"], int(row["client"])][int(row["hour"])] = float(row["requests"])
        if row["pool"] == "deepseek-r1" and row["avg_output_tokens"]:
            reasoning.append((round(float(row["avg_input_tokens"])), round(float(row["avg_output_tokens"]))))
    return calls, reasoning


def _clients(calls: dict[tuple[str, int], list[float]]) -> list[float]:
    """Each client's share of the calls of one pool, largest first."""
    sums = sorted((sum(hours) for (pool, _), hours in calls.items() if pool == "m-large"), reverse=True)
    return [round(s / sum(sums), 6) for s in sums]


def _hours_of_day(calls: dict[tuple[str, int], list[float]], clients: tuple[tuple[str, int], ...]) -> list[float]:
    """Calls in each hour of the day, 1 on average; every client counts the same."""
    shares = [[sum(calls[client][hour::24]) / sum(calls[client]) * 24 for hour in range(24)] for client in clients]
    return [round(sum(column) / len(clients), 3) for column in zip(*shares, strict=True)]


def _days(hours: list[float]) -> list[float]:
    sums = [sum(hours[day : day + 24]) for day in range(0, HOURS, 24)]
    return [round(s / sum(sums) * len(sums), 3) for s in sums]


def _azure(path: Path) -> list[tuple[int, int]]:
    return [(int(row["ContextTokens"]), int(row["GeneratedTokens"])) for row in _rows(path)]


def _spread(pairs: list[tuple[int, int]]) -> list[list[int]]:
    """Evenly spread over the sorted pairs: the same distribution in few of them."""
    pairs = sorted(pairs)
    step = len(pairs) / min(SAMPLES, len(pairs))
    return [list(pairs[int((i + 0.5) * step)]) for i in range(min(SAMPLES, len(pairs)))]


def _reused(mooncake: list[tuple[int, int, int]]) -> list[float]:
    """Of prompts that continue something: which share had been sent before. 99 quantiles."""
    shares = sorted(cached / read for read, _, cached in mooncake if cached > 512)
    return [round(shares[len(shares) * i // 100], 3) for i in range(1, 100)]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
