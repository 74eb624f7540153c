"""Is one of two better? Intervals and verdicts out of moments. Pure; floats, for these are estimates and no money.

A measure is a ratio of sums over units that are independent of each other (runs; where nothing names a run, events):
cost per call is the cost of all runs by the calls of all runs, and its spread is that between runs, since the calls of
one run are alike. Variances by linearisation (Cochran, Sampling Techniques, 6.4), 95 % intervals by Student's t with
Welch's degrees of freedom; ratios of two positive measures on a logarithmic scale, for costs grow by factors.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

Verdict = Literal["better", "worse", "no_difference", "too_little_data"]
LEAST_UNITS = 30  # of each side: below, the mean of a skewed measure says little
TOLERANCE = 0.05  # a difference within it, as a share of the baseline, is none
CONFIDENCE = 0.95
NOTHING = 1e-100  # the squares of smaller floats are rounded to zero; a real amount has twelve decimal places
EXIT_CODES: dict[Verdict, int] = {"better": 0, "no_difference": 0, "worse": 1, "too_little_data": 2}


@dataclass(frozen=True)
class Moments:
    """Of `n` units with values x and y (y = 1 for a mean): the sums of x, y and of their products."""

    n: int
    x: float
    y: float
    xx: float
    yy: float
    xy: float

    @property
    def ratio(self) -> float | None:
        """Sum of x by sum of y; None where y is 0."""
        return self.x / self.y if self.y else None

    @property
    def variance(self) -> float | None:
        """Of the ratio; None for fewer than two units."""
        ratio = self.ratio
        if ratio is None or self.n < 2:
            return None
        residuals = max(0.0, self.xx - 2 * ratio * self.xy + ratio * ratio * self.yy)
        return self.n / (self.n - 1) * residuals / (self.y * self.y)


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95 % interval; `low` and `high` None where there is too little to say."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Judged:
    """One measure of both sides. `difference`: candidate against baseline, as a share of it (points for a rate)."""

    baseline: Interval | None
    candidate: Interval | None
    difference: Interval | None
    verdict: Verdict


def judge(baseline: Moments, candidate: Moments, tolerance: float = TOLERANCE, *, rate: bool = False) -> Judged:
    """Compare two sides of a measure of which less is better. `rate`: a share, held against the other in points."""
    sides = [_interval(side, rate) for side in (baseline, candidate)]
    difference = (_points if rate else _relative)(baseline, candidate)
    enough = min(baseline.n, candidate.n) >= LEAST_UNITS
    return Judged(sides[0], sides[1], difference, verdict(difference, tolerance) if enough else "too_little_data")


def verdict(difference: Interval | None, tolerance: float) -> Verdict:
    """What an interval of a difference says; one that holds both 0 and more than the tolerance says nothing yet."""
    if difference is None or difference.low is None or difference.high is None:
        return "too_little_data"
    if -tolerance <= difference.low and difference.high <= tolerance:
        return "no_difference"
    if difference.low > 0:
        return "worse"
    return "better" if difference.high < 0 else "too_little_data"


def together(verdicts: list[Verdict]) -> Verdict:
    """One verdict of several: worse if any is, then undecided if any is, then better if any is."""
    for one in ("worse", "too_little_data", "better"):
        if one in verdicts:
            return one  # type: ignore[return-value]
    return "no_difference" if verdicts else "too_little_data"


def student(freedom: float, confidence: float = CONFIDENCE) -> float:
    """The two-sided quantile of Student's t (Cornish-Fisher; within 0.2 % from 5 degrees of freedom on)."""
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    g1 = (z**3 + z) / 4
    g2 = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    g3 = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + g1 / freedom + g2 / freedom**2 + g3 / freedom**3


def _interval(side: Moments, rate: bool) -> Interval | None:
    if side.ratio is None:
        return None
    if rate:
        return _wilson(side)
    if side.variance is None:
        return Interval(side.ratio)
    half = student(side.n - 1) * math.sqrt(side.variance)
    return Interval(side.ratio, max(0.0, side.ratio - half), side.ratio + half)


def _wilson(side: Moments) -> Interval:
    """The interval of a share, also where nothing (or everything) was hit; units that hold together weigh less."""
    share, count = side.x / side.y, _effective(side)
    z = student(max(side.n - 1, 1))
    middle, half = share + z * z / (2 * count), z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    return Interval(share, max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale))


def _effective(side: Moments) -> float:
    """How many independent calls would be spread as these are (Kish): at most all, at least the units."""
    share, variance = side.x / side.y, side.variance
    plain = share * (1 - share)
    if not variance or plain <= 0:
        return side.y
    return min(side.y, max(float(side.n), plain / variance))


def _relative(baseline: Moments, candidate: Moments) -> Interval | None:
    """Candidate by baseline, less 1."""
    old, new = baseline.ratio, candidate.ratio
    if old is None or new is None or old <= NOTHING:
        return None
    change = new / old - 1
    if new <= NOTHING or baseline.variance is None or candidate.variance is None:
        return Interval(change)
    own = (baseline.variance / old**2, candidate.variance / new**2)
    half = student(_welch(own, baseline, candidate)) * math.sqrt(sum(own))
    return Interval(change, math.exp(math.log(new / old) - half) - 1, math.exp(math.log(new / old) + half) - 1)


def _points(baseline: Moments, candidate: Moments) -> Interval | None:
    """The difference of two shares with Newcombe's interval (method 10: of two Wilson intervals)."""
    if baseline.ratio is None or candidate.ratio is None:
        return None
    old, new = _wilson(baseline), _wilson(candidate)
    change = new.value - old.value
    below = math.hypot(new.value - (new.low or 0.0), (old.high or 0.0) - old.value)
    above = math.hypot((new.high or 0.0) - new.value, old.value - (old.low or 0.0))
    return Interval(change, change - below, change + above)


def _welch(own: tuple[float, float], baseline: Moments, candidate: Moments) -> float:
    """Welch's degrees of freedom."""
    spread = own[0] ** 2 / (baseline.n - 1) + own[1] ** 2 / (candidate.n - 1)
    return sum(own) ** 2 / spread if spread else float(baseline.n + candidate.n - 2)
