"""Calendar periods in IANA zones. Pure: `now` is an argument, all instants are aware and come back in UTC.

Never compare or subtract local datetimes of one zone here: Python then ignores the offset and loses the hour of a DST
change. A local day has 23, 24 or 25 hours (Lord Howe: 23.5, 24.5); all offsets since 1972 are multiples of 15 minutes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

# what lies outside is no time of ours: the last days of the calendar are in no other zone
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
QUARTER_HOUR = timedelta(minutes=15)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MONTHS = {"month": 1, "quarter": 3, "year": 12}
KINDS = ("15m", "hour", "day", "week", "month", "quarter", "year")
SHORTEST = {"15m": QUARTER_HOUR, "hour": HOUR / 2, "day": HOUR * 23, "week": DAY * 6, "month": DAY * 27}


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """The instants from `start` up to, but not including, `end` (both UTC)."""

    start: datetime
    end: datetime

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant < self.end


def zone(name: str) -> ZoneInfo:
    """The zone of an IANA name; ValueError for any other text, which never reaches the file system."""
    if name not in zone_names():
        raise ValueError(f"{name[:64]!r} is not an IANA time zone such as Europe/Berlin or UTC.")
    return ZoneInfo(name)


@cache
def zone_names() -> frozenset[str]:
    """All IANA names, links such as Asia/Calcutta among them."""
    return frozenset((files("tzdata") / "zones").read_text().split())


def midnight(day: date, tz: ZoneInfo) -> datetime:
    """The first instant of a local day: where DST skips midnight, the instant at which the day begins instead."""
    # fold=0 picks the first of two midnights and, inside a gap, the offset before it: the instant of the change
    return datetime.combine(day, time(), tz).astimezone(UTC)


def local_day(instant: datetime, tz: ZoneInfo) -> date:
    """The calendar day on which an instant falls."""
    return instant.astimezone(tz).date()


def period(kind: str, now: datetime, tz: ZoneInfo, week_start: int = 1) -> Period:
    """The period of a kind (one of KINDS) that holds `now`; weeks begin on ISO day `week_start` (1 = Monday)."""
    if kind == "15m":
        start = floor(now)
        return Period(start, start + QUARTER_HOUR)
    if kind == "hour":
        start = _hour(now, tz)
        return Period(start, _next_hour(start, tz))
    first, after = _days(kind, local_day(now, tz), week_start)
    return Period(midnight(first, tz), midnight(after, tz))


def previous(this: Period, kind: str, tz: ZoneInfo, week_start: int = 1) -> Period:
    """The period of the same kind just before `this` one."""
    return period(kind, this.start - timedelta(microseconds=1), tz, week_start)


def buckets(start: datetime, end: datetime, kind: str, tz: ZoneInfo, week_start: int = 1) -> list[Period]:
    """The whole periods of a kind that meet [start, end), in order, without gaps; the outer ones may reach over it."""
    return list(_each(start.astimezone(UTC), end.astimezone(UTC), kind, tz, week_start))


def floor(instant: datetime) -> datetime:
    """The quarter hour (UTC) in which an instant lies."""
    at = instant.astimezone(UTC)
    return at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)


def ceiling(instant: datetime) -> datetime:
    """The first quarter hour (UTC) that begins at an instant or after it."""
    lower = floor(instant)
    return lower if lower == instant else lower + QUARTER_HOUR


def _each(start: datetime, end: datetime, kind: str, tz: ZoneInfo, week_start: int) -> Iterator[Period]:
    at = period(kind, start, tz, week_start)
    while max(at.start, start) < end:
        if at.end > start:
            yield at
        at = _following(at, kind, tz, week_start)


def _following(this: Period, kind: str, tz: ZoneInfo, week_start: int) -> Period:
    if kind == "15m":
        return Period(this.end, this.end + QUARTER_HOUR)
    if kind == "hour":
        return Period(this.end, _next_hour(this.end, tz))
    _, after = _days(kind, local_day(this.end, tz), week_start)
    return Period(this.end, midnight(after, tz))


def _hour(instant: datetime, tz: ZoneInfo) -> datetime:
    """Where the hour on the clock began; an hour within which the clocks change is two, before it and after it."""
    local, start = instant.astimezone(tz), instant.astimezone(UTC) - _into_hour(instant, tz)
    if start.astimezone(tz).utcoffset() == local.utcoffset():
        return start
    start = floor(instant)
    while (start - QUARTER_HOUR).astimezone(tz).utcoffset() == local.utcoffset():
        start -= QUARTER_HOUR
    return start


def _next_hour(start: datetime, tz: ZoneInfo) -> datetime:
    """Where the clock shows the next full hour, or where it changes (by half an hour on Lord Howe)."""
    end, offset = start + HOUR - _into_hour(start, tz), start.astimezone(tz).utcoffset()
    while (end - QUARTER_HOUR).astimezone(tz).utcoffset() != offset:
        end -= QUARTER_HOUR
    return end


def _into_hour(instant: datetime, tz: ZoneInfo) -> timedelta:
    local = instant.astimezone(tz)
    return timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)


def _days(kind: str, day: date, week_start: int) -> tuple[date, date]:
    """First day of the period that holds a day, and first day after it."""
    if kind == "day":
        return day, day + DAY
    if kind == "week":
        first = day - DAY * ((day.isoweekday() - week_start) % 7)
        return first, first + DAY * 7
    if kind not in MONTHS:
        raise ValueError(f"{kind!r} is not one of {', '.join(KINDS)}.")
    span = MONTHS[kind]
    month = (day.month - 1) // span * span
    return date(day.year, month + 1, 1), date(day.year + (month + span) // 12, (month + span) % 12 + 1, 1)
