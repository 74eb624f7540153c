"""What a budget would have done over the last 90 days, for the form."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median
from typing import Any

from costwatch.accounts.models import Workspace
from costwatch.budgets import evaluate
from costwatch.budgets.models import Budget
from costwatch.budgets.preview import Fired, Preview, draft, preview
from costwatch.budgets.terms import percentages, rule
from costwatch.dashboards import display
from costwatch.dashboards.budgets import drawing, words
from costwatch.dashboards.budgets.drawing import Bar
from costwatch.dashboards.budgets.forms import said
from costwatch.lib import periods
from costwatch.lib.periods import DAY

SHOWN = 12
ZERO = Decimal(0)


@dataclass(frozen=True)
class Message:
    """Thresholds that would have been told together."""

    at: str
    percents: str
    value: str
    is_limit: bool


@dataclass(frozen=True)
class Trial:
    """What would have been told of `count` crossings, the newest first; `over` of the bars reached the limit."""

    budget: Budget
    preview: Preview
    messages: list[Message]
    more: bool
    count: int
    bars: list[Bar]
    chart: dict[str, Any] | None
    over: int
    highest: Decimal
    middle: Decimal
    per_week: Decimal

    @property
    def noisy(self) -> bool:
        """Whether it would have told more than two a day."""
        return self.count > 180

    @property
    def bar_word(self) -> str:
        """What a bar stands for."""
        return "day" if self.budget.is_rolling else words.name(self.budget.period)

    @property
    def per_word(self) -> str:
        return words.dimension(self.budget.per)

    @property
    def unseen(self) -> str:
        """Why nothing that was recorded counts, if that is so."""
        return said(self.preview.problem) if self.preview.problem else ""

    @property
    def sentence(self) -> str:
        """The chart in words."""
        unit = self.budget.in_tokens
        dearest = f"{words.amount(self.highest, unit)} of {words.amount(self.budget.amount, unit)}"
        return f"{len(self.bars)} bars, one a {self.bar_word}: the dearest {dearest}; {self.over} reached the limit."


def trial(workspace: Workspace, data: Mapping[str, Any], now: datetime) -> Trial:
    """The trial of what the form says. Raises BadBudget for what cannot be understood."""
    found = preview(workspace, data, now)
    budget = draft(workspace, data, now)
    shown = _rolled(budget, found) if budget.is_rolling else _periods(budget, found, now)
    amounts = [bar.spent for bar in shown]
    told = _messages(found.crossings, budget)
    return Trial(
        budget,
        found,
        told[:SHOWN],
        len(told) > SHOWN or found.crossing_count > len(found.crossings),
        found.crossing_count,
        shown,
        drawing.bars(shown, budget.in_tokens) if shown else None,
        sum(bar.state == "bad" for bar in shown),
        max(amounts, default=ZERO),
        median(amounts) if amounts else ZERO,
        Decimal(found.crossing_count) * 7 / max(1, (found.end - found.start) // DAY),
    )


def _periods(budget: Budget, found: Preview, now: datetime) -> list[Bar]:
    own = rule(budget, budget.workspace)
    return [
        Bar(
            _short(budget, period.start.astimezone(own.zone)), spent, limit, _state(budget, spent, limit), now in period
        )
        for period, spent, limit in found.periods
    ]


def _rolled(budget: Budget, found: Preview) -> list[Bar]:
    """What the window held at the end of each day; windows of less than a day are drawn as days."""
    own = rule(budget, budget.workspace)
    days = dict(found.daily)
    length = max(1, round((own.window or DAY) / DAY))
    first = periods.local_day(found.start, own.zone)
    shown = [first + timedelta(n) for n in range((periods.local_day(found.end, own.zone) - first).days + 1)]
    held = [sum((days.get(day - timedelta(n), ZERO) for n in range(length)), ZERO) for day in shown]
    return [Bar(display.day(day), spent, budget.amount, _state(budget, spent, budget.amount), day == shown[-1])
            for day, spent in zip(shown, held, strict=True)]  # fmt: skip


def _state(budget: Budget, spent: Decimal, limit: Decimal) -> str:
    if spent >= limit:
        return "bad"
    return "warn" if evaluate.reached(spent, limit, percentages(budget.thresholds)) else "other"


def _short(budget: Budget, at: datetime) -> str:
    told = {
        "daily": f"{at.day} {at:%b}",
        "weekly": f"{at.day} {at:%b}",
        "monthly": f"{at:%b %Y}",
        "yearly": f"{at.year}",
    }
    return told.get(budget.period) or words.span(budget, at, rule(budget, budget.workspace).zone)


def _messages(fired: Sequence[Fired], budget: Budget) -> list[Message]:
    """The newest first; what is crossed at the same time is one message."""
    together: dict[tuple[datetime, str], list[Decimal]] = defaultdict(list)
    for one in fired:
        together[one.at, one.value].append(one.threshold)
    return [_message(budget, at, value, crossed) for (at, value), crossed in reversed(together.items())]


def _message(budget: Budget, at: datetime, value: str, crossed: Sequence[Decimal]) -> Message:
    own = rule(budget, budget.workspace)
    local = at.astimezone(own.zone)
    fine = own.window is not None and own.window <= 3 * DAY
    told = display.day_and_time(local) if fine else display.day(local.date(), year=True)
    percents = ", ".join(words.percent(threshold) for threshold in sorted(crossed))
    return Message(told, percents, value, max(crossed) >= evaluate.HUNDRED)
