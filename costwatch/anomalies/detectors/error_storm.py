"""Far more of a provider's or a model's calls fail than usual. Pure."""

from datetime import datetime, timedelta
from decimal import Decimal
from math import sqrt

from costwatch.anomalies import words
from costwatch.anomalies.state import LEARNING, Books, Finding, Settings
from costwatch.lib.periods import floor, period
from costwatch.spend.sums import Sums, add

NAME = "errors"
TITLE = "Provider error storm"
ABOUT = "Far more of the calls of a provider or a model failed within 15 minutes than in the two weeks before."
EVERY = "look"
OVER = "The calls succeed again"
TOLERANCE = Decimal("1.1")
SPAN = timedelta(minutes=15)
FEWEST = 10  # failed calls
LEAST = 0.2  # of the calls
TIMES = 4  # the usual share


def look(books: Books, at: datetime, settings: Settings) -> list[Finding]:
    """Providers in a storm, else models."""
    return _storms(books, at, settings, "provider") or _storms(books, at, settings, "model")


def _storms(books: Books, at: datetime, settings: Settings, dimension: str) -> list[Finding]:
    found = []
    start = floor(at - SPAN)  # with the quarter hour that is filling: from 15 to 30 minutes
    for value, quarters in books.series(dimension, "15m", start, at).items():
        now = add(quarters.values())
        if not value or now.errors < FEWEST or now.errors < LEAST * now.calls:
            continue
        before = _before(books, dimension, value, start)
        usual = before.errors / before.calls if before.calls else 0.0
        lower = now.errors / now.calls - settings.how.errors * sqrt(usual * (1 - usual) / now.calls + 0.25 / now.calls)
        if before.calls >= FEWEST and now.errors / now.calls > TIMES * usual and lower > usual:
            found.append(_finding(books, at, dimension, value, start, now, usual))
    return found


def _before(books: Books, dimension: str, value: str, start: datetime) -> Sums:
    hour = period("hour", start, books.zone).start

    def make() -> Sums:
        return add(books.series(dimension, "hour", hour - LEARNING, hour, (value,)).get(value, {}).values())

    found: Sums = books.once(("errors", dimension, value, hour), make)
    return found


def _finding(
    books: Books, at: datetime, dimension: str, value: str, start: datetime, now: Sums, usual: float
) -> Finding:  # fmt: skip
    share = Decimal(now.errors) / now.calls
    who = words.name(dimension, value)
    return Finding(
        detector=NAME,
        dimension=dimension,
        value=value,
        at=at,
        start=start,
        end=at,
        lasts_until=at + timedelta(minutes=30),
        title=words.capital(f"{who}: {words.percent(share)} of the calls fail"),
        message=(
            f"{now.errors:,} of {now.calls:,} calls of {who} failed since {words.clock(start, books.zone)}; usual is"
            f" {words.percent(usual)}. Failed calls that were billed cost {words.usd(now.error_cost)}. Retries make a"
            " storm dearer: see whether the agents back off."
        ),
        level=share,
        severity="critical" if share >= Decimal("0.8") else "alarm",
        impact=now.error_cost or None,
        facts={
            "calls": now.calls, "errors": now.errors, "share": f"{share:.4f}", "usual_share": f"{usual:.4f}",
            "error_cost_usd": words.plain(now.error_cost),
        },
    )  # fmt: skip
