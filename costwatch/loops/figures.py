"""How good a detector is on labelled runs: the figures, from what was flagged and what the labels say."""

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from math import ceil, sqrt
from typing import Literal

import msgspec

SOFT_KINDS = ("conversation", "orchestrator")
CERTAINTY = 1.96


class Label(msgspec.Struct, frozen=True):
    """What is known about a run: the place of its first redundant call, from 0 (else it has no delay); its kind."""

    run_id: str
    label: Literal["loop", "borderline", "clean"]
    onset_step: int | None = None
    kind: str | None = None
    source: str | None = None

    @property
    def soft(self) -> bool:
        """A loop in what is said, or one that only a model called a loop: no tool repeats."""
        return (self.kind or "").startswith(SOFT_KINDS)


class Flag(msgspec.Struct, frozen=True):
    """The first alarm of a run: the place of the deciding call in the run, from 0, and the rule."""

    index: int
    rule: str


class Figures(msgspec.Struct, frozen=True):
    """What the goals of docs/loops.md are stated in. Delays count redundant calls up to the deciding one."""

    loops: int
    found: int
    clean: int
    false_alarms: int
    borderline: int
    borderline_alarms: int
    tool_loops: int
    tool_loops_found: int
    identical: int
    identical_found: int
    identical_delay: int | None
    delay_median: int | None
    delay_90: int | None
    dollars_saved: Decimal | None
    """Share of what the loops cost after their first redundant call that a stop at the alarm saves."""
    by_kind: dict[str, tuple[int, int]]
    by_rule: dict[str, int]

    @property
    def recall(self) -> float:
        """Share of the loops that were found; 0 without loops."""
        return self.found / self.loops if self.loops else 0.0

    @property
    def false_per_1000(self) -> float:
        """Alarms on 1,000 clean runs."""
        return 1000 * self.false_alarms / self.clean if self.clean else 0.0

    @property
    def false_interval(self) -> tuple[float, float]:
        """Between which rates of false alarms per 1,000 clean runs the truth lies with 95 % certainty (Wilson)."""
        low, high = wilson(self.false_alarms, self.clean)
        return 1000 * low, 1000 * high


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share; (0, 1) where nothing was counted."""
    if not of:
        return 0.0, 1.0
    share, square = hits / of, CERTAINTY**2
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = CERTAINTY * sqrt(share * (1 - share) / of + square / (4 * of * of)) / (1 + square / of)
    return max(0.0, middle - half), min(1.0, middle + half)


def measure(labels: Iterable[Label], flags: Mapping[str, Flag], costs: Mapping[str, list[Decimal]]) -> Figures:
    """The figures of these runs; `costs` holds what each call of a run cost, in order."""
    rows = list(labels)
    loops, clean = ([row for row in rows if row.label == wanted] for wanted in ("loop", "clean"))
    border = [row for row in rows if row.label == "borderline"]
    tool = [row for row in loops if not row.soft]
    identical = [row for row in loops if (row.kind or "").startswith("identical")]
    timed = [
        (row, _delay(row, flags[row.run_id])) for row in loops if row.run_id in flags and row.onset_step is not None
    ]
    delays = sorted(delay for _, delay in timed)

    def hits(part: Iterable[Label]) -> int:
        return sum(row.run_id in flags for row in part)

    of_kind = Counter(_kind(row) for row in loops)
    found_of_kind = Counter(_kind(row) for row in loops if row.run_id in flags)
    return Figures(
        loops=len(loops),
        found=hits(loops),
        clean=len(clean),
        false_alarms=hits(clean),
        borderline=len(border),
        borderline_alarms=hits(border),
        tool_loops=len(tool),
        tool_loops_found=hits(tool),
        identical=len(identical),
        identical_found=hits(identical),
        identical_delay=max((delay for row, delay in timed if row in identical), default=None),
        delay_median=_at(delays, 0.5),
        delay_90=_at(delays, 0.9),
        dollars_saved=_saved(loops, flags, costs),
        by_kind={kind: (found_of_kind[kind], many) for kind, many in sorted(of_kind.items())},
        by_rule=dict(sorted(Counter(flags[row.run_id].rule for row in rows if row.run_id in flags).items())),
    )


def _kind(row: Label) -> str:
    return (row.kind or "not told").split(":")[0].split(",")[0].split("(")[0].strip().removesuffix(" ledger is_in_loop")


def _delay(row: Label, flag: Flag) -> int:
    return max(0, flag.index - (row.onset_step or 0) + 1)


def _saved(loops: list[Label], flags: Mapping[str, Flag], costs: Mapping[str, list[Decimal]]) -> Decimal | None:
    spent = saved = Decimal(0)
    for row in loops:
        if (onset := row.onset_step) is None:
            continue
        spent += sum(costs[row.run_id][onset:], Decimal(0))
        if row.run_id in flags:
            saved += sum(costs[row.run_id][max(flags[row.run_id].index, onset) + 1 :], Decimal(0))
    return saved / spent if spent else None


def _at(ordered: list[int], share: float) -> int | None:
    """The value that this share of the sorted values does not exceed."""
    return ordered[max(0, ceil(share * len(ordered)) - 1)] if ordered else None
