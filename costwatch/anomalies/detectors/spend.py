"""Spend that is unusual for this hour of the week, or for this weekday. Pure.

A finished hour is judged as a whole, the one that is filling as soon as it is beyond: it can only grow.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from costwatch.anomalies import words
from costwatch.anomalies.state import WEEK, WEEKS, Books, Driver, Finding, Settings
from costwatch.anomalies.usual import Usual, usual
from costwatch.lib.periods import period

NAME = "spend"
TITLE = "Unusual spend"
ABOUT = (
    "An agent, model, task, release, API key, user or tag spends far more than usual for this hour of the week or this"
    " weekday."
)
EVERY = "look"
OVER = "Spend is as usual again"
TOLERANCE = Decimal("1.25")
# in the order in which one of several that mean the same dollars is told
DIMENSIONS = {"hour": ("agent", "model", "task", "release", "key"), "day": ("agent", "model", "task", "release", "key")}
DAILY_ONLY = ("user",)
QUIET = {"hour": timedelta(hours=3), "day": timedelta(hours=12)}  # without another such hour or day: it is over
SHOWN = {"hour": 48, "day": 28}
CRITICAL = 10  # floors of impact
LENGTH = {"hour": timedelta(hours=1), "day": timedelta(days=1)}


def look(books: Books, at: datetime, settings: Settings) -> list[Finding]:
    """All values beyond their bound by more than the floor, the likeliest to be the cause first."""
    found = []
    for bucket, dimensions in DIMENSIONS.items():
        more = (*books.tags, *DAILY_ONLY) if bucket == "day" else ()
        for dimension in (*dimensions, *more):
            found += _of_dimension(books, at, settings, dimension, bucket)
    return sorted(found, key=lambda finding: rank(finding.dimension))


def rank(dimension: str) -> int:
    """The place of a dimension in the order of telling."""
    order = (*DIMENSIONS["hour"][:1], "tag", "user", *DIMENSIONS["hour"][1:])
    return order.index("tag" if dimension.startswith("tag.") else dimension)


def history(books: Books, dimension: str, value: str, bucket: str, start: datetime, end: datetime) -> dict[datetime, Decimal]:
    """What a value cost in each bucket of the compared weeks before `start`, and on to `end`."""
    since = period(bucket, start - WEEKS * WEEK - LENGTH[bucket], books.zone).start
    found = books.series(dimension, bucket, since, end, (value,)).get(value, {})
    return {moment: sums.cost for moment, sums in found.items()}


def chart(books: Books, finding: Finding, until: datetime) -> list[list[str]]:
    """The last two days by hour, or four weeks by day: start, what was spent, what is usual ("" where unknown)."""
    bucket = finding.bucket
    start = finding.start - SHOWN[bucket] * LENGTH[bucket]
    amounts = history(books, finding.dimension, finding.value, bucket, start, until)
    rows, moment = [], period(bucket, start, books.zone).start
    while moment < until:
        known = usual({t: a for t, a in amounts.items() if t < moment}, moment, books.zone, bucket)
        spent = amounts.get(moment, Decimal(0))
        rows.append([moment.isoformat(), words.plain(spent), words.plain(known.mid) if known else ""])
        moment = period(bucket, moment, books.zone).end
    return rows


def _of_dimension(books: Books, at: datetime, settings: Settings, dimension: str, bucket: str) -> Iterator[Finding]:
    since = period(bucket, at - LENGTH[bucket], books.zone).start
    for value, buckets in books.series(dimension, bucket, since, at).items():
        if not value and dimension != "agent":
            continue
        for start, sums in buckets.items():
            if sums.cost < settings.floor:
                continue
            known = _usual(books, dimension, value, bucket, start)
            if known and sums.cost > known.bound(settings.how) and sums.cost - known.mid >= settings.floor:
                yield _finding(books, at, settings, dimension, value, bucket, start, sums.cost, known)


def _usual(books: Books, dimension: str, value: str, bucket: str, start: datetime) -> Usual | None:
    def make() -> Usual | None:
        return usual(history(books, dimension, value, bucket, start, start), start, books.zone, bucket)

    found: Usual | None = books.once(("usual", dimension, value, bucket, start), make)
    return found


def _finding(
    books: Books, at: datetime, settings: Settings, dimension: str, value: str, bucket: str, start: datetime,
    spent: Decimal, known: Usual,
) -> Finding:  # fmt: skip
    end = period(bucket, start, books.zone).end
    over = spent - known.mid
    finished = end <= at
    return Finding(
        detector=NAME,
        dimension=dimension,
        value=value,
        at=min(at, end),
        start=start,
        end=end,
        lasts_until=end + QUIET[bucket],
        title=words.capital(f"{words.name(dimension, value)}: {_ratio(spent, known)} usual {bucket}"),
        message=_message(books, dimension, value, bucket, start, spent, known, settings, finished),
        level=spent,
        severity="critical" if over >= CRITICAL * settings.floor else "alarm",
        bucket=bucket,
        hour=start.astimezone(books.zone).hour if bucket == "hour" else None,
        impact=over,
        facts={
            "bucket": bucket,
            "bucket_start": start.isoformat(),
            "actual_usd": words.plain(spent),
            "expected_usd": words.plain(known.mid),
            "bound_usd": words.plain(known.bound(settings.how)),
        },
    )


def _ratio(spent: Decimal, known: Usual) -> str:
    return f"{words.times(spent / known.mid)} its" if known.mid >= Decimal("0.01") else "far above its"


def _message(
    books: Books, dimension: str, value: str, bucket: str, start: datetime, spent: Decimal, known: Usual,
    settings: Settings, finished: bool,
) -> str:  # fmt: skip
    when = (
        f"on {words.day(start, books.zone)}"
        if bucket == "day"
        else f"in the hour from {words.clock(start, books.zone)}"
    )
    which = "weekday" if bucket == "day" else "hour of the week"
    bound = words.usd(known.bound(settings.how))
    so_far = "" if finished else " so far"
    return words.capital(
        f"{words.name(dimension, value)} spent {words.usd(spent)}{so_far} {when}. Usual for this {which} is"
        f" {words.usd(known.mid)}; up to {bound} would not have been told."
    )


def explained(finding: Finding, drivers: list[Driver], dimension: str, value: str) -> bool:
    """Whether most of what the finding is about lies within this other value: it is the same matter."""
    within = sum((d.delta for d in drivers if (d.dimension, d.value) == (dimension, value)), Decimal(0))
    return finding.impact is not None and within >= finding.impact * Decimal("0.6")
