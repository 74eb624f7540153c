"""What a budget says about sums: which period an instant lies in, what may be spent in it, which thresholds it reached.

Pure: amounts are dollars or tokens alike, `now` is an argument. All of it can be worked out anew from the ledger.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from costwatch.lib import periods
from costwatch.lib.periods import Period

CALENDAR = {"daily": "day", "weekly": "week", "monthly": "month", "quarterly": "quarter", "yearly": "year"}
ROLLING = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for the beginning of the window that is rolling now, which has no name of its own."""
LONGEST_WINDOW = timedelta(days=366)
HUNDRED = Decimal(100)
ZERO = Decimal(0)
_ROLLING = re.compile(r"rolling_([1-9][0-9]{0,3})(h|d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rule:
    """What of a budget decides. `planned`: local month ("2026-11") → amount; thresholds in percent, ascending."""

    period: str
    zone: ZoneInfo
    week_start: int
    amount: Decimal
    thresholds: tuple[Decimal, ...] = ()
    planned: Mapping[str, Decimal] = field(default_factory=dict)
    carry_over: Decimal = ZERO

    @property
    def window(self) -> timedelta | None:
        """The length of a rolling budget's window; None for calendar periods."""
        return window(self.period)


def window(period: str) -> timedelta | None:
    """The length that rolling_24h, rolling_7d … name; None for anything else, also for one over a year."""
    match = _ROLLING.fullmatch(period)
    if match is None:
        return None
    length = timedelta(hours=int(match[1])) if match[2] == "h" else timedelta(days=int(match[1]))
    return length if length <= LONGEST_WINDOW else None


def is_period(name: str) -> bool:
    """Whether a budget can have this period."""
    return name in CALENDAR or window(name) is not None


def bounds(rule: Rule, at: datetime) -> Period:
    """The period that holds `at`: [start, next start) in the rule's zone. Of a rolling rule, the window ending then."""
    length = rule.window
    if length is not None:
        return Period(at.astimezone(UTC) - length, at.astimezone(UTC))
    return periods.period(CALENDAR[rule.period], at, rule.zone, rule.week_start)


def before(rule: Rule, this: Period) -> Period:
    """The period before `this` one."""
    return bounds(rule, this.start - timedelta(microseconds=1))


def planned_amount(rule: Rule, this: Period) -> Decimal:
    """What may be spent in a period, without what the one before may have left."""
    if not rule.planned:
        return rule.amount
    first = this.start.astimezone(rule.zone)
    return rule.planned.get(f"{first.year}-{first.month:02}", rule.amount)


def limit(rule: Rule, this: Period, spent_before: Decimal = ZERO) -> Decimal:
    """What may be spent in a period. `spent_before`: in the period before, asked for only where something moves on.

    What that period left of its own amount moves on, at most `carry_over` percent of it; a debt never does.
    """
    amount = planned_amount(rule, this)
    if not rule.carry_over:
        return amount
    last = planned_amount(rule, before(rule, this))
    left = max(ZERO, last - spent_before)
    return amount + min(left, last * rule.carry_over / HUNDRED)


def reached(spent: Decimal, limit: Decimal, thresholds: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """The thresholds that were reached, ascending. Exactly the amount is reached: of $5, $5.00 is 100 %."""
    return tuple(t for t in sorted(thresholds) if spent * HUNDRED >= t * limit)


def amount_at(threshold: Decimal, limit: Decimal) -> Decimal:
    """The amount at which a threshold is reached."""
    return threshold * limit / HUNDRED


def next_look(limit: Decimal, thresholds: Sequence[Decimal], told: Collection[Decimal]) -> Decimal | None:
    """The lowest amount at which something is left to be told; None where nothing is."""
    left = [t for t in thresholds if t not in told]
    return amount_at(min(left), limit) if left else None


def is_over(spent: Decimal, limit: Decimal, thresholds: Sequence[Decimal]) -> bool:
    """Whether a budget is used up: at 100 %, or at its highest threshold where that is lower."""
    return spent * HUNDRED >= over_at(thresholds) * limit


def over_at(thresholds: Sequence[Decimal]) -> Decimal:
    """The percentage at which a budget is used up."""
    return min(HUNDRED, max(thresholds, default=HUNDRED))


def even_pace(this: Period, limit: Decimal, now: datetime) -> Decimal:
    """What would be spent by now if every second of the period cost the same."""
    whole, gone = this.end - this.start, min(max(now, this.start), this.end) - this.start
    return limit * Decimal(gone // timedelta(microseconds=1)) / Decimal(whole // timedelta(microseconds=1))
