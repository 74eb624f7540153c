"""The table that benchmarks fill, and the words for the machine it was measured on."""

import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg


@dataclass(frozen=True)
class Row:
    """One figure beside its goal; `met` None = told, not judged."""

    what: str
    measured: str
    goal: str = ""
    met: bool | None = None


def at_least(what: str, value: float, goal: float, unit: str = "×", more: str = "") -> Row:
    """A figure that should be high."""
    return Row(what, _number(value, unit) + more, f"≥ {_number(goal, unit)}", value >= goal)


def at_most(what: str, value: float, goal: float, unit: str, more: str = "") -> Row:
    """A figure that should be low."""
    return Row(what, _number(value, unit) + more, f"≤ {_number(goal, unit)}", value <= goal)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which that share of all lies."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(len(ranked) * share))]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def show(rows: Sequence[Row]) -> str:
    """As a Markdown table."""
    lines = ["| what | measured | goal | |", "|---|---|---|---|"]
    marks = {None: "", True: "met", False: "**missed**"}
    lines += [f"| {row.what} | {row.measured} | {row.goal} | {marks[row.met]} |" for row in rows]
    return "\n".join(lines)


def machine(database_url: str) -> str:
    """Processors, system, Python, PostgreSQL."""
    with psycopg.connect(database_url) as connection:
        version = connection.execute("SHOW server_version").fetchone()
    system = dict(
        line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line
    ).get("PRETTY_NAME", platform.system())  # fmt: skip
    cores = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    name = cores[0].split(":", 1)[1].strip() if cores else platform.machine()
    return (
        f"{len(cores)} cores ({name}), {system.strip(chr(34))}, Python {platform.python_version()}, "
        f"PostgreSQL {version[0] if version else '?'}"
    )


def _number(value: float, unit: str) -> str:
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f} {unit}"
