"""The periods of digests: whole local days, weeks and months. Pure."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from costwatch.lib import periods
from costwatch.lib.dates import day

KINDS = {"daily": "day", "weekly": "week", "monthly": "month"}
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Span:
    """A period of a kind: its first and last local day; [start, end) in UTC."""

    kind: str
    first: date
    last: date
    start: datetime
    end: datetime

    @property
    def label(self) -> str:
        """Tue 17 Nov 2026; 16–22 Nov 2026; November 2026."""
        if self.kind == "daily":
            return day(self.first, year=True)
        if self.kind == "monthly":
            return f"{self.first:%B %Y}"
        if self.first.month == self.last.month:
            return f"{self.first.day}–{self.last.day} {self.last:%b %Y}"
        return f"{self.first.day} {self.first:%b} – {self.last.day} {self.last:%b %Y}"

    @property
    def name(self) -> str:
        """The day, the week, the month."""
        return KINDS[self.kind]


def holding(kind: str, moment: datetime, tz: ZoneInfo, week_start: int) -> Span:
    """The period that holds a moment."""
    found = periods.period(KINDS[kind], moment, tz, week_start)
    last = periods.local_day(found.end - timedelta(microseconds=1), tz)
    return Span(kind, periods.local_day(found.start, tz), last, found.start, found.end)


def on(kind: str, day: date, tz: ZoneInfo, week_start: int) -> Span:
    """The period that holds a local day."""
    return holding(kind, periods.midnight(day, tz), tz, week_start)


def before(span: Span, tz: ZoneInfo, week_start: int) -> Span:
    """The period just before."""
    return holding(span.kind, span.start - timedelta(microseconds=1), tz, week_start)


def latest(kind: str, now: datetime, tz: ZoneInfo, week_start: int) -> Span:
    """The last period that is over."""
    return before(holding(kind, now, tz, week_start), tz, week_start)


def due(span: Span, hour: int, tz: ZoneInfo) -> datetime:
    """When its digest is sent: at an hour of the first day after it."""
    local = span.end.astimezone(tz)
    return max(span.end, local.replace(hour=hour, minute=0, second=0, microsecond=0).astimezone(span.end.tzinfo))
