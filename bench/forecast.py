"""The forecast of a month's total on 14 public daily series, beside the mean of the last week and the run-rate.

python bench/forecast.py      (no database)

Rolling origin: at the end of day 3, 7, 14 and 21 of every whole month, with the last 14, 28, 84 and 140 days known.
WAPE: the errors' sum ÷ the totals' sum, each series scaled to a mean month of 1; skill: 1 - WAPE ÷ WAPE of the
run-rate; in the band: how often the truth lay from low to high, the goal is 80 %.
"""

import csv
import gzip
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import fmean, median

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from costwatch.spend.forecast import forecast  # noqa: E402

SERIES = ROOT / "tests" / "data" / "daily_series.csv.gz"
ORIGINS, HISTORIES = (3, 7, 14, 21), (14, 28, 84, 140)
DAY = timedelta(days=1)
NAMES = ("weekday", "last7", "run-rate")


@dataclass(frozen=True)
class Case:
    """One month forecast at one day: actual total, totals by method, whether the truth lay in the weekday's band."""

    series: str
    origin: int
    actual: float
    totals: dict[str, float]
    in_band: bool


def series() -> dict[str, dict[date, Decimal]]:
    """name → day → value."""
    found: dict[str, dict[date, Decimal]] = defaultdict(dict)
    with gzip.open(SERIES, "rt") as file:
        for row in csv.DictReader(file):
            found[row["series"]][date.fromisoformat(row["date"])] = Decimal(row["value"])
    return found


def cases(origins: Sequence[int] = ORIGINS, histories: Sequence[int] = HISTORIES) -> Iterator[Case]:
    """Every month that is known in full, forecast from every origin with every length of history without gaps."""
    for name, values in series().items():
        for first in sorted({day.replace(day=1) for day in values}):
            month = [first + DAY * n for n in range(31) if (first + DAY * n).month == first.month]
            if all(day in values for day in month):
                for origin in origins:
                    for length in histories:
                        known = [first + DAY * (origin - n) for n in range(length, 0, -1)]
                        if all(day in values for day in known):
                            yield _case(name, origin, values, month, known)


def _case(name: str, origin: int, values: dict[date, Decimal], month: list[date], known: list[date]) -> Case:
    history = [(day, values[day]) for day in known]
    so_far = float(sum(values[day] for day in month[:origin]))
    actual = float(sum(values[day] for day in month))
    weekday, last7 = (forecast(history, month[-1], method=method) for method in NAMES[:2])
    assert weekday and last7
    totals = {
        "weekday": so_far + float(weekday.mid),
        "last7": so_far + float(last7.mid),
        "run-rate": so_far / origin * len(month),
    }
    rest = actual - so_far
    return Case(name, origin, actual, totals, float(weekday.low) <= rest <= float(weekday.high))


def wape(found: Sequence[Case], method: str) -> float:
    """Σ |error| ÷ Σ actual, each series scaled by its mean."""
    by_series: dict[str, list[Case]] = defaultdict(list)
    for case in found:
        by_series[case.series].append(case)
    errors = totals = 0.0
    for own in by_series.values():
        mean = fmean(case.actual for case in own)
        errors += sum(abs(case.totals[method] - case.actual) for case in own) / mean
        totals += sum(case.actual for case in own) / mean
    return errors / totals


def main() -> None:
    """Print the table."""
    began = time.process_time()
    found = list(cases())
    took = (time.process_time() - began) / len(found) / 2 * 1000
    print(f"{len(found)} cases; {took:.1f} ms a forecast with its band")
    print(f"{'':14}{'WAPE':>8}{'MAPE':>8}{'median':>8}{'skill':>8}")
    worst = wape(found, "run-rate")
    for name in NAMES:
        errors = [abs(case.totals[name] - case.actual) / case.actual for case in found]
        said = (wape(found, name), fmean(errors), median(errors), 1 - wape(found, name) / worst)
        print(f"{name:14}" + "".join(f"{100 * value:7.1f}%" for value in said))
    print(f"in the band: {100 * fmean(case.in_band for case in found):.1f} %")
    for early in ORIGINS:
        own = [case for case in found if case.origin == early]
        print(f"  day {early:2}: in the band {100 * fmean(c.in_band for c in own):5.1f} %, "
              + ", ".join(f"{name} {100 * wape(own, name):.1f} %" for name in NAMES))  # fmt: skip


if __name__ == "__main__":
    main()
