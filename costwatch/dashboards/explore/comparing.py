"""The span of time that a span is compared with. Pure; all days are local, all ends exclusive."""

from datetime import date, datetime, timedelta

from costwatch.dashboards import display
from costwatch.dashboards.ranges import DAY, BadRange, Compared, Range, at_same_time, month_end
from costwatch.lib import periods

WEEKS, PREVIOUS, MONTH, CUSTOM, NOTHING = "weeks", "previous", "month", "custom", "none"
WAYS = {
    WEEKS: "the same weekdays",
    PREVIOUS: "the period before",
    MONTH: "the same days last month",
    CUSTOM: "days of your choice",
    NOTHING: "nothing",
}
Days = tuple[date, date]


def compared(span: Range, way: str, chosen: Days | None = None) -> Compared | None:
    """The span to compare with, up to the same time of day where `span` is not over; None for nothing.

    `chosen`: first and last day where the way is CUSTOM.
    """
    if way == NOTHING or (way == CUSTOM and chosen is None):
        return None
    if way == WEEKS:
        return span.compared()
    first, last = chosen if way == CUSTOM and chosen else _shifted(span, way)
    whole = way == CUSTOM or not span.unfinished
    if whole or first + (span.today - span.first) > last:  # the same point of a shorter month is its end
        end = periods.midnight(last + DAY, span.zone)
        return Compared(periods.midnight(first, span.zone), end, _label(span, first, last))
    return _up_to_now(span, first, span.today - span.first)


def checked(first: date, last: date) -> Days:
    """Two days as a span to compare with; raises BadRange."""
    if last < first or (last - first).days >= 3_660:
        raise BadRange("The days to compare with must be in order, and at most ten years.")
    return first, last


def _shifted(span: Range, way: str) -> Days:
    if way == MONTH:
        return _month_before(span.first), _month_end_or_day(span.last)
    if span.first.day == 1 and span.last == month_end(span.last):  # whole months: as many whole months
        months = (span.last.year - span.first.year) * 12 + span.last.month - span.first.month + 1
        first = span.first
        for _ in range(months):
            first = _month_before(first)
        return first, span.first - DAY
    return span.first - timedelta(days=span.length), span.first - DAY


def _month_before(on: date) -> date:
    """The same day of the month before, or its last where it is shorter."""
    end = on.replace(day=1) - DAY
    return end.replace(day=min(on.day, end.day))


def _month_end_or_day(on: date) -> date:
    """As above; the end of a month answers to the end of the one before."""
    return on.replace(day=1) - DAY if on == month_end(on) else _month_before(on)


def _up_to_now(span: Range, first: date, days: timedelta) -> Compared:
    """From `first` so many days on, and there up to the present time of day."""
    last = first + days
    start = periods.midnight(first, span.zone)
    end: datetime = at_same_time(span.now, span.today - last, span.zone)
    return Compared(start, max(end, start + timedelta(microseconds=1)), _label(span, first, last))


def _label(span: Range, first: date, last: date) -> str:
    """The days, with the year where it is another one."""
    return display.days(first, last, year=last.year != span.last.year)
