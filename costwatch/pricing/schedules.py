"""Time-of-day prices: is a moment inside the hours of a schedule? Pure."""

from datetime import datetime, time
from zoneinfo import ZoneInfo

from costwatch.pricing.specs import ScheduleSpec


class Schedule:
    """A ScheduleSpec made ready for questions."""

    __slots__ = ("holidays", "name", "weekdays", "windows", "zone")

    def __init__(self, spec: ScheduleSpec) -> None:
        self.name = spec.name
        self.zone = ZoneInfo(spec.zone)
        self.windows = [(time.fromisoformat(a), time.fromisoformat(b)) for a, b in spec.windows]
        self.weekdays = frozenset(spec.weekdays)
        self.holidays = spec.holidays

    def active(self, at: datetime) -> bool:
        """Whether `at` (aware) lies in a window, on one of the weekdays and on no holiday, all in local time."""
        local = at.astimezone(self.zone)
        if local.weekday() not in self.weekdays or local.date().isoformat() in self.holidays:
            return False
        clock = local.time()
        return any(_inside(clock, first, last) for first, last in self.windows)


def _inside(clock: time, first: time, last: time) -> bool:
    if first <= last:
        return first <= clock < last
    return clock >= first or clock < last
