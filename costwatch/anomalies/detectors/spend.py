"""Spend that is unusual for this hour of the week, or for this weekday. Pure.

A finished hour is judged as a whole, the one that is filling as soon as it is beyond: it can only grow.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from costwatch.anomalies import words
from costwatch.anomalies.state import WEEK, WEEKS, Books, Driver, Finding, Settings
from costwatch.anomalies.usual import Profile, Usual, profile
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
DIMENSIONS = ("agent", "model", "task", "release", "key")
DAILY_ONLY = ("user",)  # and tags: the books keep no hours of them
QUIET = {"hour": timedelta(hours=3), "day": timedelta(hours=12)}  # without another such hour or day: it is over
SHOWN = {"hour": 48, "day": 28}
CRITICAL = 10  # floors of impact
FLOORS = {"hour": 1, "day": 2}  # a day has more chances to be a little dearer
LENGTH = {"hour": timedelta(hours=1), "day": timedelta(days=1)}


def look(books: Books, at: datetime, settings: Settings) -> list[Finding]:
    """All values beyond their bound by more than the floor, the likeliest to be the cause first."""
    found: list[Finding] = []
    for bucket in LENGTH:
        more = (*books.tags, *DAILY_ONLY) if bucket == "day" else ()
        for dimension in (*DIMENSIONS, *more):
            found += _of_dimension(books, at, settings, dimension, bucket)
    return sorted(found, key=lambda finding: rank(finding.dimension))


def rank(dimension: str) -> int:
    """The place of a dimension in the order of telling: of several that mean the same dollars the first is told."""
    order = (DIMENSIONS[0], "tag", *DAILY_ONLY, *DIMENSIONS[1:])
    return order.index("tag" if dimension.startswith("tag.") else dimension)


def history(
    books: Books, dimension: str, value: str, bucket: str, start: datetime, end: datetime
) -> dict[datetime, Decimal]:
    """What a value cost in each bucket of the compared weeks before `start`, and on to `end`."""
    since = period(bucket, start - WEEKS * WEEK - LENGTH[bucket], books.zone).start
    found = books.series(dimension, bucket, since, end, (value,)).get(value, {})
    return {moment: sums.cost for moment, sums in found.items()}


def chart(books: Books, finding: Finding, until: datetime) -> list[list[str]]:
    """The last two days by hour, or four weeks by day: start, what was spent, what is usual there ("": not known)."""
    bucket = finding.bucket
    amounts = history(books, finding.dimension, finding.value, bucket, finding.start, until)
    known = profile({at: usd for at, usd in amounts.items() if at < finding.start}, finding.start, books.zone, bucket)
    moment = period(bucket, finding.start - SHOWN[bucket] * LENGTH[bucket], books.zone).start
    rows = []
    while moment < until:
        usual = words.plain(known.at(moment).mid) if known else ""
        rows.append([moment.isoformat(), words.plain(amounts.get(moment, Decimal(0))), usual])
        moment = period(bucket, moment, books.zone).end
    return rows


def _of_dimension(books: Books, at: datetime, settings: Settings, dimension: str, bucket: str) -> Iterator[Finding]:
    since = period(bucket, at - LENGTH[bucket], books.zone).start
    for value, buckets in books.series(dimension, bucket, since, at).items():
        if not value and dimension != "agent":
            continue
        for start, sums in buckets.items():
            floor = settings.floor * FLOORS[bucket]
            if sums.cost < floor:
                continue
            known = _usual(books, dimension, value, bucket, start)
            if known and sums.cost > known.bound(settings.how) and sums.cost - known.mid >= floor:
                yield _finding(books, at, settings, dimension, value, bucket, start, sums.cost, known)


def _usual(books: Books, dimension: str, value: str, bucket: str, start: datetime) -> Usual | None:
    def make() -> Profile | None:
        return profile(history(books, dimension, value, bucket, start, start), start, books.zone, bucket)

    known: Profile | None = books.once(("usual", dimension, value, bucket, start), make)
    return known.at(start) if known else None


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
        f" {words.usd(known.mid)}; an alarm starts above {bound}."
    )


def explained(finding: Finding, drivers: Sequence[Driver], dimension: str, value: str) -> bool:
    """Whether most of what the finding is about lies within this other value: it is the same matter."""
    within = sum((d.delta for d in drivers if (d.dimension, d.value) == (dimension, value)), Decimal(0))
    return finding.impact is not None and within >= finding.impact * Decimal("0.6")
