"""How close the calls came to a limit: pure sums over minutes."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

MEASURES = ("requests", "tokens", "input_tokens", "output_tokens")
NEAR = 0.8  # of a limit
SHARE = 0.95


class Minute(Protocol):
    """What is needed of a minute here (spend.minutes.Minute)."""

    @property
    def at(self) -> datetime: ...
    @property
    def provider(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def requests(self) -> int: ...
    @property
    def input_tokens(self) -> int: ...
    @property
    def cached_tokens(self) -> int: ...
    @property
    def output_tokens(self) -> int: ...
    @property
    def throttled(self) -> int: ...


class Limit(Protocol):
    """What is needed of a limit here (limits.models.ProviderLimit)."""

    provider: str
    model: str
    key: str
    requests: int | None
    tokens: int | None
    input_tokens: int | None
    output_tokens: int | None
    cached_counts: bool


@dataclass(frozen=True)
class Pressure:
    """One measure over a span: its highest minute and when, what 95 % of the minutes stay below, and the limit.

    `near` and `hit`: minutes at NEAR of the limit or more, and at the limit or more.
    """

    measure: str
    limit: int | None
    peak: int
    peak_at: datetime | None
    p95: int
    near: int
    hit: int
    series: dict[datetime, int]

    @property
    def share(self) -> float | None:
        """The highest minute as a share of the limit."""
        return self.peak / self.limit if self.limit else None


@dataclass(frozen=True)
class Pressed:
    """All measures of one limit (or of a model without one), and the minutes in which requests were refused."""

    measures: list[Pressure]
    throttled: int
    refused: frozenset[datetime]

    @property
    def tightest(self) -> Pressure:
        """The measure that is closest to its limit; requests where nothing is limited."""
        return max(self.measures, key=lambda one: one.share if one.share is not None else -1.0)

    @property
    def hit(self) -> int:
        """Minutes in which a limit was reached, or the provider refused for one."""
        reached = {at for one in self.measures if one.limit for at, n in one.series.items() if n >= one.limit}
        return len(reached | self.refused)


def pressed(rows: Iterable[Minute], limit: Limit, span_minutes: int) -> Pressed:
    """How close the minutes of a span (so many minutes, those without calls among them) come to a limit."""
    own = [row for row in rows if _concerns(limit, row)]
    measures = [_pressure(measure, own, limit, span_minutes) for measure in MEASURES]
    return Pressed(measures, sum(row.throttled for row in own), frozenset(row.at for row in own if row.throttled))


def _concerns(limit: Limit, row: Minute) -> bool:
    return row.provider == limit.provider and limit.model in ("", row.model) and limit.key in ("", row.key)


def _pressure(measure: str, rows: Sequence[Minute], limit: Limit, span_minutes: int) -> Pressure:
    series: dict[datetime, int] = defaultdict(int)
    for row in rows:
        series[row.at] += _count(measure, row, limit.cached_counts)
    most = getattr(limit, measure)
    peak_at = max(series, key=lambda at: series[at], default=None)
    counts = list(series.values())
    near = sum(1 for count in counts if most and count >= NEAR * most)
    hit = sum(1 for count in counts if most and count >= most)
    peak = series[peak_at] if peak_at else 0
    return Pressure(measure, most, peak, peak_at, _percentile(counts, span_minutes), near, hit, dict(series))


def _count(measure: str, row: Minute, cached_counts: bool) -> int:
    given = row.input_tokens - (0 if cached_counts else row.cached_tokens)
    return {"requests": row.requests, "input_tokens": given, "output_tokens": row.output_tokens,
            "tokens": given + row.output_tokens}[measure]  # fmt: skip


def _percentile(counts: Sequence[int], span_minutes: int) -> int:
    """What SHARE of all minutes stay at or below; minutes without calls count as 0."""
    silent = max(0, span_minutes - len(counts))
    place = max(0, -(-int(SHARE * 100 * max(span_minutes, len(counts))) // 100) - 1)
    return 0 if place < silent else sorted(counts)[place - silent] if counts else 0
