"""The thresholds of a budget in its running period: reached, expected, or neither."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from costwatch.budgets import evaluate
from costwatch.budgets.evaluate import HUNDRED
from costwatch.budgets.models import Budget
from costwatch.budgets.status import Crossing, State, Status
from costwatch.budgets.terms import percentages, rule
from costwatch.dashboards import display
from costwatch.dashboards.budgets import curve as curves
from costwatch.dashboards.budgets import words
from costwatch.dashboards.budgets.curve import Curve
from costwatch.dashboards.budgets.drawing import Mark


@dataclass(frozen=True)
class Threshold:
    """`at`: when it was told; `expected`: when the forecast reaches it. The whole amount is one, told or not."""

    percent: str
    basis: str
    amount: Decimal
    at: datetime | None
    expected: datetime | None
    is_limit: bool
    is_told: bool
    reached: bool


def thresholds(budget: Budget, stands: Status, line: Curve | None) -> list[Threshold]:
    """Those on what is spent and those on the forecast, by amount."""
    own = rule(budget, budget.workspace)
    spent = {*own.thresholds, HUNDRED}
    found = [_threshold(t, "spent", stands, line, t in own.thresholds) for t in spent]
    found += [_threshold(t, "forecast", stands, None, True) for t in percentages(budget.forecast_thresholds)]
    return sorted(found, key=lambda one: (one.amount, one.basis))


def _threshold(percent: Decimal, basis: str, stands: Status, line: Curve | None, is_told: bool) -> Threshold:
    amount = evaluate.amount_at(percent, stands.limit)
    wanted = "actual" if basis == "spent" else "forecast"
    told = next((c for c in _oldest_first(stands.crossings) if c.threshold == percent and c.basis == wanted), None)
    at = told.at if told else None
    if at is None and not is_told and line is not None:
        at = curves.reached(line.spent, amount)
    expected = line.expected(amount) if line and at is None and stands.state != State.PAUSED else None
    spent = stands.spent if basis == "spent" else stands.forecast.mid if stands.forecast else Decimal(0)
    return Threshold(words.percent(percent), basis, amount, at, expected, percent == HUNDRED, is_told, spent >= amount)


def _oldest_first(crossings: list[Crossing]) -> list[Crossing]:
    return sorted(crossings, key=lambda one: one.at)


def mark_of(threshold: Threshold, moment: datetime, period: str, zone: ZoneInfo) -> Mark:
    """Its place in the chart, named by the day; within a day by the time."""
    local = moment.astimezone(zone)
    label = words.short_when(moment, period, zone) if period == "daily" else display.day(local.date())
    return Mark(moment, threshold.amount, label, threshold.is_limit, threshold.at is None)
