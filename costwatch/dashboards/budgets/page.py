"""The page of one budget, or of one value of a template, out of one snapshot of the books: figures = chart = tables."""

from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from costwatch.budgets import outlook
from costwatch.budgets.models import Budget
from costwatch.budgets.status import Status, status
from costwatch.budgets.terms import counted, rule, scope
from costwatch.dashboards.budgets import curve as curves
from costwatch.dashboards.budgets import drawing, words
from costwatch.dashboards.budgets.curve import Curve
from costwatch.dashboards.budgets.dearest import Values, values
from costwatch.dashboards.budgets.drawing import Level
from costwatch.dashboards.budgets.kept import Kept, of_running
from costwatch.dashboards.budgets.past import Past, past
from costwatch.dashboards.budgets.thresholds import Threshold, mark_of, thresholds
from costwatch.dashboards.budgets.words import Mark, Resets
from costwatch.lib import periods
from costwatch.lib.periods import DAY, Period
from costwatch.spend.queries import query
from costwatch.spend.snapshot import snapshot

FINE = timedelta(days=8)  # periods up to this are drawn by the hour
LATELY = 7
AHEAD = timedelta(minutes=5)  # events may be dated so much


@dataclass(frozen=True)
class Page:
    """All that the page says. `per_day`: allowed a day from now on; `lately`: a day's mean of the last seven."""

    budget: Budget
    value: str
    status: Status
    mark: Mark
    zone: ZoneInfo
    now: datetime
    curve: Curve | None
    chart: dict[str, Any] | None
    thresholds: list[Threshold]
    past: list[Past]
    kept: Kept
    values: Values | None
    per_day: Decimal | None
    lately: Decimal
    resets: Resets

    @property
    def is_template(self) -> bool:
        """Whether it is of all values of a template together, not of one amount."""
        return bool(self.budget.per) and not self.value

    @property
    def in_tokens(self) -> bool:
        return self.budget.in_tokens

    @property
    def ahead_of_pace(self) -> Decimal | None:
        """Spent beyond an even pace; less: negative."""
        pace = self.status.even_pace
        return None if pace is None else self.status.spent - pace

    @property
    def beyond(self) -> Decimal | None:
        """How much the forecast is above the limit; below: negative."""
        return self.status.forecast.mid - self.status.limit if self.status.forecast else None

    @property
    def at_most(self) -> Decimal:
        """Spent, with what the unpriced calls cost at most."""
        return self.status.spent + self.status.sums.upper_bound

    @property
    def gone(self) -> Threshold | None:
        """The whole amount spent: reached or expected."""
        return next((t for t in self.thresholds if t.is_limit and t.basis == "spent"), None)

    @property
    def gone_between(self) -> tuple[datetime | None, datetime | None]:
        """The earliest and the latest of four in five."""
        return self.curve.between(self.status.limit) if self.curve else (None, None)

    @property
    def early(self) -> str:
        """How long before the end the amount is expected to be gone."""
        expected = self.gone.expected if self.gone else None
        return words.length(self.status.period.end - expected) if expected else ""

    @property
    def span(self) -> str:
        """The running period by its name."""
        return words.span(self.budget, self.status.period.start, self.zone)

    @property
    def over_ahead(self) -> bool:
        """Whether it is expected to be used up before its end."""
        return bool(self.gone and self.gone.expected)

    @property
    def nobody(self) -> Decimal:
        """What was spent under no value."""
        return counted(self.values.unattributed, self.in_tokens) if self.values else Decimal(0)

    @property
    def values_words(self) -> str:
        """240 users."""
        count = self.values.count if self.values and self.values.count is not None else 0
        return words.values(self.budget, count)

    @property
    def history(self) -> list[tuple[str, Past]]:
        """The periods by their names."""
        return [(words.span(self.budget, one.period.start, self.zone), one) for one in self.past]

    @property
    def limit_words(self) -> str:
        return words.limit(self.budget)

    @property
    def scope_words(self) -> str:
        return words.scope(self.budget.scope)

    @property
    def period_word(self) -> str:
        return words.name(self.budget.period)

    @property
    def each(self) -> str:
        return words.each(self.budget.period)

    @property
    def per_word(self) -> str:
        return words.dimension(self.budget.per)

    @property
    def window(self) -> str:
        return words.window(self.budget.period)

    @property
    def planned_words(self) -> str:
        return words.planned(self.budget)

    @property
    def tells(self) -> str:
        return words.tells(self.budget)

    @property
    def sentence(self) -> str:
        """The chart in words."""
        s, unit = self.status, self.in_tokens
        said = f"{words.amount(s.spent, unit)} of {words.amount(s.limit, unit)} spent"
        if s.even_pace is not None:
            said += f", even pace {words.amount(s.even_pace, unit)}"
        if s.forecast:
            f = s.forecast
            said += (f"; forecast {words.about(f.mid, unit)} at the end, 80 % band {words.about(f.low, unit)}"
                     f" to {words.about(f.high, unit)}")  # fmt: skip
        return f"Burn-up of {self.span}: {said}." if not self.budget.is_rolling else f"The last two windows: {said}."


def page(budget: Budget, value: str, number: int, now: datetime) -> Page:
    """The page of a budget; `value` narrows a template to one; `number` is the page of a template's values."""
    with snapshot(budget.workspace.lane):
        return _page(budget, value, number, now)


def narrowed(budget: Budget, value: str) -> Budget:
    """One value of a template as if it was a budget of its own; without a value, all of them together."""
    one = copy(budget)
    if budget.per and value:
        one.scope = {**budget.scope, budget.per: [value]}
    if budget.per and not value:
        one.carry_over = Decimal(0)
    one.per = ""
    return one


def _page(budget: Budget, value: str, number: int, now: datetime) -> Page:
    one = narrowed(budget, value)
    own = rule(budget, budget.workspace)
    stands = status(one, now)
    if budget.per:
        stands = replace(stands, crossings=[c for c in stands.crossings if c.value == value])
    is_template = bool(budget.per) and not value
    kept = of_running([budget], now).get(budget.pk, Kept())
    line = None if is_template else _curve(one, stands, now)
    reached = [] if is_template else thresholds(budget, stands, line)
    own_values = values(budget, kept, now, number) if is_template else None
    return Page(
        budget,
        value,
        stands,
        words.template(budget, kept, own_values.count) if own_values else words.mark(stands),
        own.zone,
        now,
        line,
        _chart(one, stands, line, reached, now) if line else None,
        reached,
        past(budget if is_template else one, now),
        kept,
        own_values,
        _per_day(stands, now),
        Decimal(0) if is_template else _lately(one, now),
        words.resets(stands, own.zone, now),
    )


def _curve(one: Budget, stands: Status, now: datetime) -> Curve:
    own = rule(one, one.workspace)
    fine = stands.period.end - stands.period.start <= FINE
    if own.window is None:
        period = stands.period
        steps = _steps(one, Period(period.start, min(period.end, now + AHEAD)), fine)
        return curves.calendar(steps, period, stands.forecast, now, own.zone)
    steps = _steps(one, Period(now - 3 * own.window, now + AHEAD), fine)
    return curves.rolling(steps, own.window, stands.spent, now)


def _steps(one: Budget, span: Period, fine: bool) -> list[tuple[Period, Decimal]]:
    """What was spent in each local hour or day."""
    own, bucket = rule(one, one.workspace), "hour" if fine else "day"
    found = periods.buckets(span.start, span.end, bucket, own.zone)
    answer = query(one.workspace, scope(one).within(Period(found[0].start, found[-1].end)), bucket=bucket,
                   time_zone=own.zone.key)  # fmt: skip
    spent = {group.bucket: counted(group.sums, one.in_tokens) for group in answer.groups}
    return [(step, spent.get(step.start, Decimal(0))) for step in found]


def _chart(
    one: Budget, stands: Status, line: Curve, reached: list[Threshold], now: datetime
) -> dict[str, Any]:  # fmt: skip
    own = rule(one, one.workspace)
    span = Period(line.spent[0][0], now) if one.is_rolling else stands.period
    levels = [Level(stands.limit, f"Budget · {words.amount(stands.limit, one.in_tokens)}", True)]
    levels += [Level(t.amount, f"{t.percent} % · {words.amount(t.amount, one.in_tokens)}")
               for t in reached if t.basis == "spent" and not t.is_limit]  # fmt: skip
    # what a window is told of is not where its sum crosses the line: it may have been above for long
    marks = [] if one.is_rolling else [mark_of(t, moment, one.period, own.zone) for t in reached
             if t.basis == "spent" and (moment := t.at or t.expected) and moment in span]  # fmt: skip
    return drawing.burn_up(line, span, levels, marks, now, own.zone, one.in_tokens, pace=not one.is_rolling)


def _per_day(stands: Status, now: datetime) -> Decimal | None:
    """What may be spent a day until the period ends; None of less than two days."""
    left = stands.period.end - now
    if stands.resets_at is None or left < 2 * DAY or stands.remaining <= 0:
        return None
    return stands.remaining * 86_400 / Decimal(left.total_seconds())


def _lately(one: Budget, now: datetime) -> Decimal:
    """The mean of the last seven whole days."""
    own = rule(one, one.workspace)
    today = periods.local_day(now, own.zone)
    start, end = periods.midnight(today - LATELY * DAY, own.zone), periods.midnight(today, own.zone)
    days = outlook.daily(one, scope(one), start, end)
    return sum((amount for _, amount in days), Decimal(0)) / LATELY
