"""The span of days a page shows, what it is compared with, and its neighbours. Pure: `now` is an argument."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from costwatch.dashboards import display
from costwatch.lib import periods

DAY = timedelta(days=1)
WEEK = 7
KINDS = {"today": "Today", "7d": "7 days", "month": "Month to date", "30d": "30 days"}
YESTERDAY = "yesterday"
PRESETS = {"today": "Today", YESTERDAY: "Yesterday"} | KINDS
USUAL = "month"
LENGTHS = {"7d": 7, "30d": 30}
LONGEST = 3_660  # days
EARLIEST, LATEST = date(1990, 1, 1), date(2100, 1, 1)
BUCKETS = ((2, "hour"), (92, "day"), (731, "week"), (LONGEST, "month"))  # up to so many days; about 750 bars at most


class BadRange(ValueError):
    """A span of days that cannot be shown; the message says what to change."""


@dataclass(frozen=True)
class Range:
    """Local days `first` to `last`, both in full. `kind` is a word of KINDS, or "custom"."""

    kind: str
    first: date
    last: date
    now: datetime
    zone: ZoneInfo

    @property
    def today(self) -> date:
        return periods.local_day(self.now, self.zone)

    @property
    def start(self) -> datetime:
        return periods.midnight(self.first, self.zone)

    @property
    def end(self) -> datetime:
        return periods.midnight(self.last + DAY, self.zone)

    @property
    def length(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def unfinished(self) -> bool:
        """Whether `now` lies inside, so that the last bucket is still filling."""
        return self.first <= self.today <= self.last

    @property
    def is_current(self) -> bool:
        """Whether this is the span of its kind that holds today."""
        return self.kind in KINDS and self == of_kind(self.kind, self.today, self.now, self.zone)

    @property
    def preset(self) -> str:
        """The word of PRESETS that means this span, if one does."""
        if self.is_current:
            return self.kind
        return YESTERDAY if self.first == self.last == self.today - DAY else ""

    @property
    def bucket(self) -> str:
        """The length of a bar: hours of a day or two, else days, weeks, months."""
        return next(kind for most, kind in BUCKETS if self.length <= most)

    @property
    def label(self) -> str:
        return display.days(self.first, self.last)

    def query(self) -> dict[str, str]:
        """The parameters of an address that mean this span."""
        if self.kind not in KINDS:
            return {"first": self.first.isoformat(), "last": self.last.isoformat()}
        if self.is_current:
            return {} if self.kind == USUAL else {"period": self.kind}
        return {"period": self.kind, "on": self.last.isoformat()}

    def previous(self) -> "Range | None":
        """The span just before; None where the calendar of this product begins."""
        before = self.first - DAY
        if before - timedelta(days=self.length) < EARLIEST:
            return None
        if self.kind in KINDS:
            return of_kind(self.kind, before, self.now, self.zone)
        return Range("custom", self.first - timedelta(days=self.length), before, self.now, self.zone)

    def next(self) -> "Range | None":
        """The span just after; None where it would lie in the future."""
        if self.last >= self.today:
            return None
        after = self.last + DAY
        if self.kind == "month":
            return of_kind(self.kind, after, self.now, self.zone)
        last = min(self.last + timedelta(days=self.length), self.today)
        if self.kind in KINDS:
            return of_kind(self.kind, last, self.now, self.zone)
        return Range("custom", last - timedelta(days=self.length - 1), last, self.now, self.zone)

    def compared(self) -> "Compared":
        """The same weekdays, whole weeks earlier, up to the same time of day where today is not over."""
        weeks = 4 if self.kind == "month" and self.length <= 4 * WEEK else -(-self.length // WEEK)
        back = timedelta(days=weeks * WEEK)
        first, last = self.first - back, min(self.last, self.today if self.unfinished else self.last) - back
        end = at_same_time(self.now, back, self.zone) if self.unfinished else periods.midnight(last + DAY, self.zone)
        start = periods.midnight(first, self.zone)
        return Compared(start, max(end, start + timedelta(microseconds=1)), display.days(first, last, year=False))


@dataclass(frozen=True)
class Compared:
    """An earlier span, up to the same moment as the one it is compared with."""

    start: datetime
    end: datetime
    label: str


def of_kind(kind: str, on: date, now: datetime, zone: ZoneInfo) -> Range:
    """The span of a kind that ends on (a month: holds) a day, never beyond today."""
    today = periods.local_day(now, zone)
    if kind == "month":
        first, last = on.replace(day=1), month_end(on)
        return Range(kind, first, min(last, today) if first <= today else last, now, zone)
    return Range(kind, on - timedelta(days=LENGTHS.get(kind, 1) - 1), on, now, zone)


def of_preset(name: str, now: datetime, zone: ZoneInfo) -> Range:
    """The span that a word of PRESETS means now; yesterday is the "today" of the day before."""
    today = periods.local_day(now, zone)
    return of_kind("today", today - DAY, now, zone) if name == YESTERDAY else of_kind(name, today, now, zone)


def range_of(params: Mapping[str, str], now: datetime, zone: ZoneInfo) -> Range:
    """The span that an address asks for: `first` and `last`, or `period` with `on`; raises BadRange."""
    first, last = _day(params, "first"), _day(params, "last")
    if first or last:
        first, last = first or last, last or first
        assert first and last
        if last < first or (last - first).days >= LONGEST:
            raise BadRange("The last day must not come before the first, and at most ten years can be shown at once.")
        return Range("custom", first, last, now, zone)
    kind = params.get("period") or USUAL
    if kind not in KINDS:
        raise BadRange(f"period must be one of {', '.join(KINDS)}.")
    today = periods.local_day(now, zone)
    return of_kind(kind, min(_day(params, "on") or today, today), now, zone)


def at_same_time(now: datetime, back: timedelta, zone: ZoneInfo) -> datetime:
    """The same local time so many days before."""
    local = now.astimezone(zone)
    return (local.replace(tzinfo=None) - back).replace(tzinfo=zone).astimezone(UTC)


def month_end(on: date) -> date:
    """The last day of a day's month."""
    return (on.replace(day=1) + timedelta(days=32)).replace(day=1) - DAY


def _day(params: Mapping[str, str], name: str) -> date | None:
    text = params.get(name)
    if not text:
        return None
    try:
        on = date.fromisoformat(text)
    except ValueError:
        on = LATEST
    if not EARLIEST <= on < LATEST:
        raise BadRange(f"{name} must be a day such as 2026-11-18, from 1990 to 2099.")
    return on
