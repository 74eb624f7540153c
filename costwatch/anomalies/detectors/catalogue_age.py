"""The price catalogue grows old: prices change, and newer models have none. Pure."""

from datetime import datetime, timedelta
from decimal import Decimal

from costwatch.anomalies import words
from costwatch.anomalies.state import Books, Finding, Settings

NAME = "catalogue"
TITLE = "Price catalogue too old"
ABOUT = "The installed prices are older than 60 days: an alarm after 120, for by then many prices have changed."
EVERY = "day"
OVER = "The catalogue has been renewed"
TOLERANCE = None
OLD, VERY_OLD = timedelta(days=60), timedelta(days=120)


def look(books: Books, at: datetime, settings: Settings) -> list[Finding]:
    """The catalogue in use, if it is too old."""
    known = books.catalogue()
    if known is None or at - known.as_of < OLD:
        return []
    days = (at - known.as_of).days
    return [
        Finding(
            detector=NAME,
            dimension="catalogue",
            value=known.name,
            at=at,
            start=known.as_of + OLD,
            end=at,
            lasts_until=at + timedelta(days=2),
            title=f"The prices are {days} days old",
            message=(
                f"{known.name} holds the prices of {words.day(known.as_of, books.zone)}. Models that came later are"
                " unpriced and changed prices are not known: upgrade genai-prices and run `costwatch prices sync`,"
                " or set COSTWATCH_PRICES_URL."
            ),
            level=Decimal(days),
            kind="pricing",
            severity="alarm" if at - known.as_of >= VERY_OLD else "notice",
            facts={"catalogue": known.name, "as_of": known.as_of.isoformat(), "days": days},
        )
    ]
