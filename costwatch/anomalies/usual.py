"""What is usual for an hour of the week (or a weekday): medians, which past anomalies cannot move. Pure.

The same hour of the last 8 weeks, drawn towards the same hour of all days of its kind (working day or weekend), for
eight values alone say little.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from statistics import median
from typing import NamedTuple
from zoneinfo import ZoneInfo

from costwatch.anomalies.state import LEARNING, WEEKS, Sensitivity

NORMAL = Decimal("1.4826")  # a median deviation as a standard one
PULL = 4  # so many weeks' worth of weight has the hour of all days
FEWEST = 10
ABOVE_SEEN = Decimal("1.25")
SATURDAY = 5

Amounts = Mapping[datetime, Decimal]


class Usual(NamedTuple):
    """`mid`: what is expected. `spread`: how far it usually is from that. `top`: the most that occurred repeatedly."""

    mid: Decimal
    spread: Decimal
    top: Decimal

    def bound(self, how: Sensitivity) -> Decimal:
        """The most that is not unusual."""
        return max(self.mid + how.spreads * self.spread, self.mid * how.times, self.top * ABOVE_SEEN)


def usual(amounts: Amounts, start: datetime, zone: ZoneInfo, bucket: str) -> Usual | None:
    """What is usual for the bucket that begins at `start`, from the buckets before it; None: too little is known."""
    begun = min(amounts, default=start)
    if start - begun < LEARNING:
        return None
    local = start.astimezone(zone).replace(tzinfo=None)
    same = _amounts(amounts, [local - timedelta(weeks=k) for k in range(1, WEEKS + 1)], zone, begun)
    kind = [
        day
        for k in range(1, 7 * WEEKS + 1)
        if ((day := local - timedelta(days=k)).weekday() >= SATURDAY) == (local.weekday() >= SATURDAY)
    ]
    wide = _amounts(amounts, kind, zone, begun)
    if len(wide) < min(FEWEST, len(same) * 2) or not same:
        return None
    mid = (len(same) * median(same) + PULL * median(wide)) / (len(same) + PULL)
    spread = NORMAL * median(abs(amount - mid) for amount in wide)
    near = [hour + timedelta(hours=step) for hour in kind for step in (-1, 1)] if bucket == "hour" else []
    return Usual(mid, spread, max(_repeated(wide + _amounts(amounts, near, zone, begun), 20), _repeated(same, 4)))


def _amounts(amounts: Amounts, starts: Sequence[datetime], zone: ZoneInfo, begun: datetime) -> list[Decimal]:
    """What was spent in the buckets that begin at these local times; nothing is known of before the beginning."""
    at = (local.replace(tzinfo=zone).astimezone(UTC) for local in starts)
    return [amounts.get(moment, Decimal(0)) for moment in at if moment >= begun]


def _repeated(amounts: Sequence[Decimal], once_in: int) -> Decimal:
    """The largest amount without the one in so many that may have been an anomaly itself."""
    ordered = sorted(amounts)
    return ordered[max(0, len(ordered) - 1 - -(-len(ordered) // once_in))] if ordered else Decimal(0)
