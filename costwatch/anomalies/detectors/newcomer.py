"""A model or an agent that nobody has seen before and that spends money. Pure."""

from datetime import datetime, timedelta
from decimal import Decimal

from costwatch.anomalies import words
from costwatch.anomalies.state import LEARNING, WEEK, WEEKS, Books, Finding, Settings
from costwatch.lib.periods import period

NAME = "newcomer"
TITLE = "New model or agent"
ABOUT = f"A model or agent that was not seen in the {WEEKS} weeks before spends more than the floor within a day."
EVERY = "look"
OVER = "It has been known for two days"
TOLERANCE = None
DAY = timedelta(days=1)


def look(books: Books, at: datetime, settings: Settings) -> list[Finding]:
    """The newcomers of the last 24 hours."""
    return [*_new(books, at, settings, "agent"), *_new(books, at, settings, "model")]


def _new(books: Books, at: datetime, settings: Settings, dimension: str) -> list[Finding]:
    since = period("hour", at - DAY, books.zone).start
    recent = books.series(dimension, "hour", since, at)
    found = []
    for value, buckets in recent.items():
        spent = sum((sums.cost for sums in buckets.values()), Decimal(0))
        if value and spent >= settings.floor and _unknown(books, dimension, value, since):
            found.append(_finding(books, at, dimension, value, min(buckets), spent))
    return found


def _unknown(books: Books, dimension: str, value: str, since: datetime) -> bool:
    """Whether the workspace has a past, and this value none in it."""

    def make() -> bool:
        begin = period("day", since - WEEKS * WEEK, books.zone).start
        everything = books.series("", "day", begin, since).get("", {})
        old = min(everything, default=since) <= since - LEARNING
        return old and not books.series(dimension, "day", begin, since, (value,)).get(value)

    return bool(books.once(("new", dimension, value, since), make))


def _finding(
    books: Books, at: datetime, dimension: str, value: str, first: datetime, spent: Decimal
) -> Finding:  # fmt: skip
    return Finding(
        detector=NAME,
        dimension=dimension,
        value=value,
        at=at,
        start=first,
        end=at,
        lasts_until=first + 2 * DAY,
        title=words.capital(f"new {words.name(dimension, value)}"),
        message=(
            f"{words.capital(words.name(dimension, value))} was seen for the first time in the hour from"
            f" {words.clock(first, books.zone)} and has spent {words.usd(spent)} since."
            f" Nothing of that name was seen in the {WEEKS} weeks before."
        ),
        level=spent,
        impact=spent,
        facts={
            "actual_usd": words.plain(spent),
            "first_at": first.isoformat(),
        },
    )
