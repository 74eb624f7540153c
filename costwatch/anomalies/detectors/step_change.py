"""A release after which a run or a session of an agent costs more. Pure.

Costs of runs spread over decades, so the medians of their logarithms are compared, with an interval of their own.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from math import exp, log, sqrt
from statistics import median
from typing import NamedTuple

from costwatch.anomalies import words
from costwatch.anomalies.state import WEEK, Books, Cost, Finding, Settings

NAME = "step"
TITLE = "Dearer after a release"
ABOUT = "A run or session of an agent costs clearly more under a new release than under the one before."
EVERY = "day"
OVER = "The release has been in use for a week"
TOLERANCE = Decimal("1.1")
FRESH = timedelta(days=7)  # so long a release counts as new
BEFORE = 3 * WEEK
FEWEST = 30  # runs of each release
LEAST = {"low": 0.5, "normal": 0.25, "high": 0.12}  # by how much dearer, at the lower end of the interval
NORMAL = 1.4826 * 1.2533  # of a median's standard error
SMALLEST = Decimal("0.000001")


class Step(NamedTuple):
    """How much dearer the new release is: the ratio of the medians and its interval; the means in USD."""

    ratio: float
    low: float
    high: float
    before: Decimal
    after: Decimal
    runs_before: int
    runs_after: int


def look(books: Books, at: datetime, settings: Settings) -> list[Finding]:
    """The agents whose newest release is dearer, by session where that is told, else by run."""
    found = []
    for agent, releases in books.releases(at - BEFORE - FRESH, at).items():
        ordered = sorted(releases, key=lambda release: releases[release])
        if agent and len(ordered) > 1 and releases[ordered[-1]] >= at - FRESH:
            found += _compare(books, at, settings, agent, ordered[-2], ordered[-1], releases[ordered[-1]])
    return found


def step(before: Sequence[Decimal], after: Sequence[Decimal], errors: float) -> Step | None:
    """The step between two samples of costs; None where they are too few. `errors`: standard errors of the interval."""
    if min(len(before), len(after)) < FEWEST:
        return None
    samples = [[log(max(cost, SMALLEST)) for cost in costs] for costs in (before, after)]
    mids = [median(sample) for sample in samples]
    spread = [NORMAL * median(abs(x - mid) for x in sample) for sample, mid in zip(samples, mids, strict=True)]
    error = sqrt(sum(s * s / len(sample) for s, sample in zip(spread, samples, strict=True)))
    difference = mids[1] - mids[0]
    means = [sum(costs, Decimal(0)) / len(costs) for costs in (before, after)]
    middle, low, high = (exp(difference + sign * errors * error) for sign in (0, -1, 1))
    return Step(middle, low, high, means[0], means[1], len(before), len(after))


def _compare(
    books: Books, at: datetime, settings: Settings, agent: str, old: str, new: str, since: datetime
) -> list[Finding]:  # fmt: skip
    for each in ("session", "run"):
        costs = books.costs(agent, each, since - BEFORE, at)
        found = step(_of(costs, old), _of(costs, new), settings.how.errors)
        if found is None:
            continue
        impact = (found.after - found.before) * found.runs_after
        if found.low > 1 + LEAST[settings.sensitivity] and impact >= settings.floor:
            return [_finding(books, at, agent, each, old, new, since, found, impact)]
    return []


def _of(costs: Sequence[Cost], release: str) -> list[Decimal]:
    return [cost.usd for cost in costs if cost.release == release and cost.usd > 0]


def _finding(
    books: Books, at: datetime, agent: str, each: str, old: str, new: str, since: datetime, found: Step, impact: Decimal
) -> Finding:  # fmt: skip
    return Finding(
        detector=NAME,
        dimension="agent",
        value=agent,
        at=at,
        start=since,
        end=at,
        lasts_until=since + FRESH + timedelta(days=1),
        title=f"{agent}: a {each} costs {words.times(Decimal(found.ratio))} since {new}",
        message=(
            f"Under release {new}, {found.runs_after:,} {each}s of {agent} cost {words.usd(found.after)} each; under"
            f" {old} they cost {words.usd(found.before)} ({found.runs_before:,} {each}s). The usual {each} is"
            f" {words.times(Decimal(found.ratio))} as dear, between {words.times(Decimal(found.low))} and"
            f" {words.times(Decimal(found.high))}."
        ),
        level=Decimal(f"{found.ratio:.4f}"),
        impact=impact,
        facts={
            "release": new, "release_before": old, "each": each, "ratio": f"{found.ratio:.4f}",
            "ratio_low": f"{found.low:.4f}", "ratio_high": f"{found.high:.4f}",
            "actual_usd": words.plain(found.after), "expected_usd": words.plain(found.before),
            "runs": found.runs_after, "runs_before": found.runs_before, "since": since.isoformat(),
        },
    )  # fmt: skip
