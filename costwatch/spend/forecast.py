"""What the coming days will cost: how high spend is now × how this weekday differs from the others. No trend. Pure.

Forecasts are estimates: floats inside, Decimal cents at the borders. Why this method: docs/decisions, forecasts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import accumulate
from statistics import fmean, median

CENT = Decimal("0.01")
DAY = timedelta(days=1)
WEEK = 7
WINDOW = 56  # days that say how high spend is and how weekdays differ
LEAST, FULL = 7, 14  # fewer days: no forecast; fewer than FULL: the mean of the last week
ALPHA = 0.15  # what a day weighs less than the next one
SHRINK = 1  # so many weeks without any weekday pattern are added to those seen
QUIET = 0.5  # a weekday with less than this share of the mean says little about how high spend is
BACK, STEP = 84, 2  # past forecasts that are looked at for the band: of so many days, every second one
USUAL_ERRORS = 4  # so many past errors' worth is given to the usual band below
# (from so many days ahead, actual ÷ forecast at the 10th and 90th percentile), measured on 14 public daily series
USUAL_BAND = ((7, 0.77, 1.38), (3, 0.70, 1.34), (0, 0.63, 1.45))

METHODS = ("weekday", "last7")


@dataclass(frozen=True)
class Forecast:
    """The sum of the coming days in USD, to the cent. Four times of five the truth lies from `low` to `high`.

    `method`: "weekday", or "last7" (the mean of the last seven days) where there are fewer than 14 days of history.
    """

    low: Decimal
    mid: Decimal
    high: Decimal
    method: str
    daily: list[tuple[date, Decimal]]


def forecast(history: Sequence[tuple[date, Decimal]], until: date, *, method: str = "weekday") -> Forecast | None:
    """The sum of the days after the last day of `history` up to and including `until`; None: not enough data.

    `history`: whole days with their spend, oldest first; leave today out, it is not over. Days missing in between
    cost nothing. History begins with the first day that cost something. More than WINDOW days only make the band
    better. Raises ValueError where no day is left to forecast, or for an unknown method.
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}.")
    if not history:
        return None
    last = history[-1][0]
    ahead = (until - last).days
    if ahead < 1:
        raise ValueError("until must come after the last day of the history.")
    amounts = _every_day(history)
    coming = _ahead(amounts, last, ahead, method)
    if coming is None:
        return None
    low, high = _band(amounts, last, ahead, method)
    *_, total = accumulate(coming)
    return Forecast(
        _cents(total * min(low, 1.0)),
        _cents(total),
        _cents(total * max(high, 1.0)),
        method if len(amounts) >= FULL else "last7",
        [(last + DAY * (n + 1), amount) for n, amount in enumerate(_in_cents(coming))],
    )


def run_rate(spent: Decimal, elapsed_days: Decimal, days: int) -> Decimal:
    """The naive forecast that others are held against: as in the days so far, so in all `days`."""
    return (spent / elapsed_days * days).quantize(CENT, ROUND_HALF_EVEN)


@dataclass(frozen=True)
class Outlook:
    """What a whole period will cost: spent so far and forecast together."""

    low: Decimal
    mid: Decimal
    high: Decimal


def outlook(spent_before_today: Decimal, spent_today: Decimal, coming: Forecast) -> Outlook:
    """The total of a period whose `coming` begins with today: today costs what it has cost already, or more.

    `spent_before_today` and `spent_today` belong to the period. Never less than what is spent already.
    """
    spent = spent_before_today + spent_today
    more_than_thought = max(Decimal(0), spent_today - coming.daily[0][1])
    mid = spent_before_today + coming.mid + more_than_thought
    low = max(spent, spent_before_today + coming.low)
    return Outlook(*(_to_cents(x) for x in (min(low, mid), mid, max(mid, spent_before_today + coming.high))))


def _every_day(history: Sequence[tuple[date, Decimal]]) -> list[float]:
    """One amount a day from the first that cost something, without gaps."""
    first, last = history[0][0], history[-1][0]
    amounts = [0.0] * ((last - first).days + 1)
    for day, amount in history:
        amounts[(day - first).days] += max(0.0, float(amount))  # a correction may leave a day below zero
    began = next((n for n, amount in enumerate(amounts) if amount > 0), len(amounts))
    return amounts[began:]


def _ahead(amounts: list[float], last: date, ahead: int, method: str) -> list[float] | None:
    """The coming days, after amounts up to and including `last`."""
    known = amounts[-WINDOW:]
    if len(known) < LEAST or not any(known):
        return None
    if len(known) < FULL or method == "last7":
        return [fmean(known[-WEEK:])] * ahead
    first = (last.weekday() - len(known) + 1) % WEEK
    factors = _weekday_factors(known, first)
    level = _level(known, factors, first)
    return [level * factors[(last.weekday() + n) % WEEK] for n in range(1, ahead + 1)]


def _weekday_factors(amounts: list[float], first: int) -> list[float]:
    """How much each weekday (0 = Monday) costs against the days around it; their mean is 1."""
    ratios: list[list[float]] = [[] for _ in range(WEEK)]
    for n, amount in enumerate(amounts):
        around = amounts[max(0, n - 3) : n + 4]
        if total := sum(around):
            ratios[(first + n) % WEEK].append(amount * len(around) / total)
    shrunk = [(median(r) * len(r) + SHRINK) / (len(r) + SHRINK) if r else 1.0 for r in ratios]
    mean = fmean(shrunk)
    return [factor / mean for factor in shrunk]


def _level(amounts: list[float], factors: list[float], first: int) -> float:
    """What a day without its weekday's share costs now: a mean in which the past fades."""
    weighed = weights = 0.0
    for n, amount in enumerate(amounts):
        factor = factors[(first + n) % WEEK]
        if factor >= QUIET:
            weight = (1 - ALPHA) ** (len(amounts) - 1 - n)
            weighed += weight * amount / factor
            weights += weight
    return weighed / weights


def _band(amounts: list[float], last: date, ahead: int, method: str) -> tuple[float, float]:
    """Actual ÷ forecast at the 10th and the 90th percentile: own past errors, mixed with the usual ones.

    Each past forecast knows only the days before it. Errors of overlapping spans are not independent, so `ahead` of
    them count as one.
    """
    usual_low, usual_high = next((low, high) for least, low, high in USUAL_BAND if ahead >= least)
    errors = _past_errors(amounts, last, ahead, method)
    if not errors:
        return usual_low, usual_high
    own = len(errors) * STEP / ahead
    share = own / (own + USUAL_ERRORS)
    low, high = _percentile(errors, 0.1), _percentile(errors, 0.9)
    return share * low + (1 - share) * usual_low, share * high + (1 - share) * usual_high


def _past_errors(amounts: list[float], last: date, ahead: int, method: str) -> list[float]:
    newest = len(amounts) - ahead
    errors = []
    for known in range(newest, max(FULL, newest - BACK) - 1, -STEP):
        coming = _ahead(amounts[:known], last - DAY * (len(amounts) - known), ahead, method)
        if coming and (total := sum(coming)) > 0:
            errors.append(sum(amounts[known : known + ahead]) / total)
    return errors


def _percentile(values: list[float], share: float) -> float:
    """Between the two nearest values, as far as the share lies between them."""
    ordered = sorted(values)
    at = share * (len(ordered) - 1)
    below = int(at)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (at - below)


def _in_cents(amounts: list[float]) -> list[Decimal]:
    """Each to the cent, so that together they are the rounded sum."""
    until = [_cents(running) for running in accumulate(amounts)]
    return [amount - before for amount, before in zip(until, [Decimal(0), *until[:-1]], strict=True)]


def _cents(amount: float) -> Decimal:
    return _to_cents(Decimal(amount))


def _to_cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_EVEN)
