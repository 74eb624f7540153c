"""A growing share of the sessions reaches an expensive agent or model. Pure."""

from datetime import datetime, timedelta
from decimal import Decimal
from math import sqrt
from statistics import median

from costwatch.anomalies import words
from costwatch.anomalies.state import Books, Finding, Reach, Settings
from costwatch.lib.periods import local_day, midnight

NAME = "escalation"
TITLE = "Escalation drift"
ABOUT = "More of the sessions of a week reach an expensive agent or model than in any of the four weeks before."
EVERY = "day"
OVER = "The share is no longer above that of the weeks before"
TOLERANCE = Decimal("1.15")
DAYS = 7
WEEKS_BEFORE = 4
FEWEST = 200  # sessions of a week
MOST = Decimal("0.6")  # what more sessions than that reach is no escalation
DEARER = 3  # times what a session costs at the median agent
GROWN = {"low": 1.6, "normal": 1.3, "high": 1.15}
EXPENSIVE = {"agent", "model"}


def look(books: Books, at: datetime, settings: Settings) -> list[Finding]:
    """Expensive agents that are reached more often, else models."""
    return _drifts(books, at, settings, "agent") or _drifts(books, at, settings, "model")


def interval(reached: int, sessions: int, errors: float) -> tuple[float, float]:
    """Wilson's interval of a share."""
    share, square = reached / sessions, errors * errors
    middle = (share + square / (2 * sessions)) / (1 + square / sessions)
    half = errors / (1 + square / sessions) * sqrt(share * (1 - share) / sessions + square / (4 * sessions * sessions))
    return middle - half, middle + half


def _drifts(books: Books, at: datetime, settings: Settings, dimension: str) -> list[Finding]:
    weeks = [_week(books, dimension, at, back) for back in range(WEEKS_BEFORE + 1)]
    if any(week.sessions < FEWEST for week in weeks):
        return []
    now, before = weeks[0], weeks[1:]
    found = []
    for value in _expensive(now):
        earlier = [week.by_value.get(value, (0, Decimal(0)))[0] for week in before]
        reached, cost = now.by_value[value]
        usual = sum(earlier) / sum(week.sessions for week in before)
        top = max(interval(n, week.sessions, 1.0)[1] for n, week in zip(earlier, before, strict=True))
        low, high = interval(reached, now.sessions, settings.how.errors)
        more = Decimal(reached) - Decimal(usual) * now.sessions
        impact = cost / reached * more
        if usual and low > max(usual * GROWN[settings.sensitivity], top) and impact >= settings.floor:
            found.append(_finding(books, at, dimension, value, now, usual, (low, high), impact))
    return found


def _week(books: Books, dimension: str, at: datetime, back: int) -> Reach:
    today = local_day(at, books.zone)
    start, end = (midnight(today - timedelta(days=DAYS * (back + n)), books.zone) for n in (1, 0))
    found: Reach = books.once(("reach", dimension, start), lambda: books.reach(dimension, start, end))
    return found


def _expensive(week: Reach) -> list[str]:
    """What few sessions reach and what costs a multiple of the others, a session."""
    each = {value: cost / reached for value, (reached, cost) in week.by_value.items() if value and reached and cost}
    usual = median(each.values()) if len(each) > 1 else Decimal(0)
    return [
        value
        for value, cost in each.items()
        if usual and cost >= DEARER * usual and week.by_value[value][0] <= MOST * week.sessions
    ]


def _finding(
    books: Books, at: datetime, dimension: str, value: str, now: Reach, usual: float, ends: tuple[float, float],
    impact: Decimal,
) -> Finding:  # fmt: skip
    reached, cost = now.by_value[value]
    share = Decimal(reached) / now.sessions
    return Finding(
        detector=NAME,
        dimension=dimension,
        value=value,
        at=at,
        start=midnight(local_day(at, books.zone) - timedelta(days=DAYS), books.zone),
        end=at,
        lasts_until=at + timedelta(days=2),
        title=words.capital(f"{words.name(dimension, value)} is reached by {words.percent(share)} of the sessions"),
        message=(
            f"In the last {DAYS} days {reached:,} of {now.sessions:,} sessions reached {words.name(dimension, value)}:"
            f" {words.percent(share)}, between {words.percent(ends[0])} and {words.percent(ends[1])}. In the"
            f" {WEEKS_BEFORE} weeks before it were {words.percent(usual)}. A session that reaches it costs"
            f" {words.usd(cost / reached)} there."
        ),
        level=share,
        impact=impact,
        facts={
            "sessions": now.sessions, "reached": reached, "share": f"{share:.4f}", "usual_share": f"{usual:.4f}",
            "share_low": f"{ends[0]:.4f}", "share_high": f"{ends[1]:.4f}", "actual_usd": words.plain(cost),
            "expected_usd": words.plain(cost - impact),
        },
    )  # fmt: skip
