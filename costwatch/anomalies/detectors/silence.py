"""A source that always sent at this time of the week sends nothing: usage may be missing from the books. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from costwatch.anomalies import words
from costwatch.anomalies.state import WEEK, Books, Finding, Settings
from costwatch.lib.periods import period
from costwatch.spend.sums import Sums

NAME = "silence"
TITLE = "A source has gone silent"
ABOUT = "An API key or agent that sent in these very hours of each of the last four weeks has sent nothing for hours."
EVERY = "hour"
OVER = "It sends again"
TOLERANCE = None
SHORTEST = 3  # hours
LONGEST = 24
WEEKS_BEFORE = 4
SURE = {"low": 200, "normal": 80, "high": 30}  # calls in the quietest of the four weeks
HOUR = timedelta(hours=1)


def look(books: Books, at: datetime, settings: Settings) -> list[Finding]:
    """Keys that are silent, else agents: an agent without its key says nothing more."""
    return _silent(books, at, settings, "key") or _silent(books, at, settings, "agent")


def _silent(books: Books, at: datetime, settings: Settings, dimension: str) -> list[Finding]:
    now = period("hour", at, books.zone).start
    since = now - WEEKS_BEFORE * WEEK - (LONGEST + 1) * HOUR
    found = []
    for value, hours in books.series(dimension, "hour", since, at).items():
        last = max((start for start, sums in hours.items() if sums.calls > 0), default=None)
        silent = [] if last is None else _hours_after(last, now, books.watching_since)
        if not value or last is None or not SHORTEST <= len(silent) <= LONGEST:
            continue
        weeks = [_calls(hours, silent, back) for back in range(1, WEEKS_BEFORE + 1)]
        if min(calls for calls, _ in weeks) >= SURE[settings.sensitivity] and all(every for _, every in weeks):
            usual = sum(calls for calls, _ in weeks) // WEEKS_BEFORE
            found.append(_finding(books, at, dimension, value, last + HOUR, len(silent), usual))
    return found


def _hours_after(last: datetime, now: datetime, watching_since: datetime | None) -> list[datetime]:
    """The finished hours since the last one with calls, in which somebody was there to receive them."""
    hours = (last + HOUR * n for n in range(1, int((now - last) / HOUR)))
    return [hour for hour in hours if watching_since is None or hour >= watching_since]


def _calls(hours: Mapping[datetime, Sums], silent: list[datetime], weeks: int) -> tuple[int, bool]:
    """The calls of the same hours so many weeks before, and whether each of the hours had some."""
    calls = [hours[start - weeks * WEEK].calls if start - weeks * WEEK in hours else 0 for start in silent]
    return sum(calls), all(calls)


def _finding(
    books: Books, at: datetime, dimension: str, value: str, since: datetime, hours: int, usual: int
) -> Finding:  # fmt: skip
    who = words.name(dimension, value)
    return Finding(
        detector=NAME,
        dimension=dimension,
        value=value,
        at=at,
        start=since,
        end=at,
        lasts_until=at + timedelta(minutes=70),
        title=words.capital(f"{who} has gone silent"),
        message=(
            f"{words.capital(who)} has sent nothing since {words.clock(since, books.zone)}, for {hours} hours. In the"
            f" same hours of the last {WEEKS_BEFORE} weeks it made {usual:,} calls on average, and some in every hour."
            " Either it is off, or its usage is not arriving: look at the sender, its key and its network."
        ),
        level=Decimal(hours),
        kind="ingest",
        facts={"silent_hours": hours, "usual_calls": usual, "silent_since": since.isoformat()},
    )
