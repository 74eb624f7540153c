"""Usage without a price appears: a model's calls are in no total until somebody prices it. Pure."""

from collections.abc import Collection
from datetime import datetime, timedelta
from decimal import Decimal

from costwatch.anomalies import words
from costwatch.anomalies.state import Books, Finding, Settings
from costwatch.lib.periods import period

NAME = "unpriced"
TITLE = "Usage without a price"
ABOUT = "Calls of a model have no price, so that they are in no total and no budget until they are priced."
EVERY = "look"
OVER = "No call without a price for a day"
PRICED = "Priced now: none of its calls of the last day is without a price any more"
TOLERANCE = None
DAY = timedelta(days=1)
FEWEST = 3  # calls of a day; one call of a mistyped name is nobody's trouble


def left(books: Books, models: Collection[str], at: datetime) -> set[str]:
    """Those of the models that have calls without a price in the last 24 hours, corrections counted."""
    last_day = books.series("model", "hour", period("hour", at - DAY, books.zone).start, at, models)
    return {model for model, hours in last_day.items() if any(sums.unpriced_calls > 0 for sums in hours.values())}


def look(books: Books, at: datetime, settings: Settings) -> list[Finding]:
    """The models with unpriced calls in the last 24 hours."""
    found = []
    for value, buckets in books.series("model", "hour", period("hour", at - DAY, books.zone).start, at).items():
        hours = {start: sums for start, sums in buckets.items() if sums.unpriced_calls > 0}
        calls = sum(sums.unpriced_calls for sums in hours.values())
        if calls >= FEWEST:
            found.append(_finding(at, settings, value, min(hours), max(hours), calls,
                                  sum((sums.upper_bound for sums in hours.values()), Decimal(0))))  # fmt: skip
    return found


def _finding(
    at: datetime, settings: Settings, model: str, first: datetime, last: datetime, calls: int, at_most: Decimal
) -> Finding:  # fmt: skip
    bound = f"They cost at most {words.usd(at_most)}." if at_most else "Nothing bounds what they cost."
    return Finding(
        detector=NAME,
        dimension="model",
        value=model,
        at=at,
        start=first,
        end=at,
        lasts_until=last + DAY + timedelta(hours=1),
        title=f"{words.capital(words.name('model', model))} has no price",
        message=(
            f"{calls:,} calls of {words.name('model', model)} within a day have no price. {bound} They count in no"
            " total and no budget until the model is priced under Unpriced."
        ),
        level=Decimal(calls),
        kind="pricing",
        severity="alarm" if at_most >= settings.floor else "notice",
        impact=at_most or None,
        facts={"unpriced_calls": calls, "upper_bound_usd": words.plain(at_most), "first_at": first.isoformat()},
    )
