"""What is usual for an hour of the week (or a weekday), from medians, which past anomalies cannot move. Pure.

The same hour of the last 8 weeks is drawn towards that hour on all days of its kind (working day or weekend), for eight
values alone say little. What bursts now and then at any hour is measured by its own bursts.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from statistics import median
from typing import NamedTuple
from zoneinfo import ZoneInfo

from costwatch.anomalies.state import LEARNING, LEARNING_DAYS, Sensitivity

NORMAL = Decimal("1.4826")  # a median deviation as a standard one
PULL = 4  # the weight, in weeks, of the hour of all days
REPEATED = 2  # on so many days something occurs before it is usual
ABOVE_SEEN = Decimal("1.5")
SATURDAY = 5
STEP = {"hour": timedelta(hours=1), "day": timedelta(days=1)}
ZERO = Decimal(0)

Amounts = Mapping[datetime, Decimal]


class Slot(NamedTuple):
    """A place in the week: weekday (0 = Monday) and hour, 0 for whole days."""

    weekday: int
    hour: int

    @property
    def kind(self) -> "Slot":
        """The same hour of all working days, or of all days of the weekend."""
        return Slot(SATURDAY if self.weekday >= SATURDAY else 0, self.hour)


class Usual(NamedTuple):
    """`mid`: what is expected. `spread`: how far off it usually is. `burst`: how far it went beyond repeatedly."""

    mid: Decimal
    spread: Decimal
    burst: Decimal

    def bound(self, how: Sensitivity) -> Decimal:
        """The most that is not unusual."""
        return max(self.mid + max(how.spreads * self.spread, ABOVE_SEEN * self.burst), self.mid * how.times)


@dataclass(frozen=True)
class Profile:
    """What is usual for every hour of the week, or every weekday."""

    zone: ZoneInfo
    bucket: str
    by_week: Mapping[Slot, tuple[Decimal, int]]
    by_kind: Mapping[Slot, tuple[Decimal, Decimal]]
    burst: Decimal = ZERO

    def at(self, start: datetime) -> Usual:
        """What is usual for the bucket that begins then."""
        slot = _slot(start, self.zone, self.bucket)
        middle, spread = self.by_kind.get(slot.kind, (ZERO, ZERO))
        own, weeks = self.by_week.get(slot, (ZERO, 0))
        return Usual((weeks * own + PULL * middle) / (weeks + PULL), spread, self.burst)


def profile(amounts: Amounts, until: datetime, zone: ZoneInfo, bucket: str) -> Profile | None:
    """The profile of what was spent before `until`; None: too little is known yet. Buckets left out had no spend."""
    begun = min(amounts, default=until)
    if until - begun < (LEARNING_DAYS if bucket == "day" else LEARNING):
        return None
    by_week, by_kind = _lists(amounts, begun, until, zone, bucket)
    known = Profile(
        zone,
        bucket,
        {slot: (median(values), len(values)) for slot, values in by_week.items()},
        {slot: _middle(values) for slot, values in by_kind.items()},
    )
    return Profile(zone, bucket, known.by_week, known.by_kind, _burst(known, amounts))


def _lists(
    amounts: Amounts, begun: datetime, until: datetime, zone: ZoneInfo, bucket: str
) -> tuple[dict[Slot, list[Decimal]], dict[Slot, list[Decimal]]]:
    """All amounts by slot of the week and by kind of day, with the zeros."""
    by_week: dict[Slot, list[Decimal]] = defaultdict(list)
    for start, amount in amounts.items():
        by_week[_slot(start, zone, bucket)].append(amount)
    passed = Counter(
        _slot(begun + n * STEP[bucket], zone, bucket) for n in range(round((until - begun) / STEP[bucket]))
    )
    by_kind: dict[Slot, list[Decimal]] = defaultdict(list)
    for slot, times in passed.items():
        by_week[slot] += [ZERO] * (times - len(by_week[slot]))
        by_kind[slot.kind] += by_week[slot]
    return by_week, by_kind


def _middle(values: Sequence[Decimal]) -> tuple[Decimal, Decimal]:
    """Median and spread."""
    mid = median(values)
    return mid, NORMAL * median(abs(value - mid) for value in values)


def _burst(known: Profile, amounts: Amounts) -> Decimal:
    """How far beyond the usual it went on the second of the days on which it went farthest."""
    farthest: dict[date, Decimal] = defaultdict(Decimal)
    for start, amount in amounts.items():
        day = start.astimezone(known.zone).date()
        farthest[day] = max(farthest[day], amount - known.at(start).mid)
    ordered = sorted(farthest.values(), reverse=True)
    return ordered[REPEATED - 1] if len(ordered) >= REPEATED else ZERO


def _slot(start: datetime, zone: ZoneInfo, bucket: str) -> Slot:
    # an hour later than midnight is still the same day where the clocks are put back
    local = (start + STEP["hour"]).astimezone(zone) if bucket == "day" else start.astimezone(zone)
    return Slot(local.weekday(), local.hour if bucket == "hour" else 0)
