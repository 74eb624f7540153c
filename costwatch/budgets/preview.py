"""What a budget would have done: each time one of its thresholds would have been told over the last 90 days."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from costwatch.accounts.models import Workspace
from costwatch.budgets import evaluate, fields, outlook, seen
from costwatch.budgets.evaluate import Rule
from costwatch.budgets.fields import BadBudget
from costwatch.budgets.manage import DEFAULTS, REQUIRED
from costwatch.budgets.models import Budget
from costwatch.budgets.spent import REST, Part, read
from costwatch.budgets.terms import counted, rule, scope
from costwatch.lib import periods
from costwatch.lib.periods import Period
from costwatch.spend import queries

DAYS = 90
MOST_VALUES, FEWEST_VALUES = 500, 20  # of a template: that may have reached a threshold; to show in any case
FINE_WINDOW = timedelta(days=3)
SHOWN = 500

Bucket = tuple[datetime, Decimal]


@dataclass(frozen=True)
class Fired:
    """A threshold that would have been told: of a template's value, on the day (rolling up to 3 days: hour) `at`."""

    value: str
    threshold: Decimal
    at: datetime
    period: Period


@dataclass(frozen=True)
class Preview:
    """`matches`: whether anything was ever recorded that would count; if not, `problem` says what to correct.

    `crossings`: oldest first, at most 500 of `crossing_count`. `daily`: what was spent on each local day of [start,
    end). `periods`: spent and limit of each period by its beginning, of the dearest value in it for a template.
    `left_out`: values of a template beyond the dearest 500 that may have reached a threshold too.
    """

    start: datetime
    end: datetime
    matches: bool
    problem: BadBudget | None
    crossings: list[Fired]
    crossing_count: int
    daily: list[tuple[date, Decimal]]
    periods: list[tuple[Period, Decimal, Decimal]]
    left_out: int = 0


def preview(workspace: Workspace, data: Mapping[str, Any], now: datetime) -> Preview:
    """What a budget of `data` (API.md §5) would have done. Raises BadBudget for what cannot be understood."""
    budget = draft(workspace, data, now)
    own = rule(budget, workspace)
    problem = next(seen.unseen(budget), None)
    start = periods.midnight(periods.local_day(now, own.zone) - timedelta(days=DAYS - 1), own.zone)
    span = Period(_begin(own, start), now)
    values, left_out = _values(budget, own, span) if budget.per else ((), 0)
    fired, spans = _replay(own, _history(budget, own, span, values), start)
    fired.sort(key=lambda one: (one.at, one.value, one.threshold))
    daily = outlook.daily(budget, scope(budget), start, now)
    return Preview(start, now, problem is None, problem, fired[:SHOWN], len(fired), daily, spans, left_out)


def draft(workspace: Workspace, data: Mapping[str, Any], now: datetime) -> Budget:
    """A budget as `data` says, not stored; without a name it is nameless. Raises BadBudget."""
    columns = DEFAULTS | {"name": ""} | fields.read({k: v for k, v in data.items() if k != "name" or v}, workspace)
    for name in REQUIRED:
        if name not in columns:
            raise BadBudget(name, f"{name} is missing.")
    budget = Budget(workspace=workspace, created_at=now, changed_at=now, counted_since=now, **columns)
    fields.check(budget)
    return budget


def _begin(own: Rule, start: datetime) -> datetime:
    """Where the whole period or window begins that the start lies in; with carry-over, the one before that."""
    first = evaluate.bounds(own, start)
    return evaluate.before(own, first).start if own.carry_over else first.start


def _values(budget: Budget, own: Rule, span: Period) -> tuple[tuple[str, ...], int]:
    """The dearest values of a template that may have reached something, and how many more there are."""
    least = evaluate.next_look(min([own.amount, *own.planned.values()]), own.thresholds, ())
    sums = read(budget.workspace, [Part(scope(budget), span, budget.per)])[0]
    spent = {value: counted(one, budget.in_tokens) for value, one in sums.items() if value not in ("", REST)}
    ranked = sorted(spent, key=lambda value: (-spent[value], value))
    able = sum(least is not None and amount >= least for amount in spent.values())
    return tuple(ranked[: max(FEWEST_VALUES, min(able, MOST_VALUES))]), max(0, able - MOST_VALUES)


def _history(budget: Budget, own: Rule, span: Period, values: tuple[str, ...]) -> dict[str, list[Bucket]]:
    """Value → what was spent in each bucket, in order."""
    if budget.per and not values:
        return {}
    part = scope(budget).with_values(budget.per, values) if budget.per else scope(budget)
    fine = own.window is not None and own.window <= FINE_WINDOW
    by = [budget.per] if budget.per else []
    bucket = "hour" if fine else "day"
    answer = queries.query(budget.workspace, part.within(span), by, bucket, own.zone.key, len(values) or 1)
    history: dict[str, list[Bucket]] = defaultdict(list)
    for group in answer.groups:
        value = group.values[budget.per] if budget.per else ""
        if group.bucket is not None and value is not None:
            history[value].append((group.bucket, counted(group.sums, budget.in_tokens)))
    return history


def _replay(
    own: Rule, history: Mapping[str, list[Bucket]], start: datetime
) -> tuple[list[Fired], list[tuple[Period, Decimal, Decimal]]]:
    fired: list[Fired] = []
    dearest: dict[Period, tuple[Decimal, Decimal]] = {}
    for value, buckets in history.items():
        if own.window is not None:
            fired += _rolling(own, own.window, value, buckets)
            continue
        for period, (spent, limit, own_fired) in _calendar(own, value, buckets).items():
            fired += own_fired
            dearest[period] = max(dearest.get(period, (Decimal(-1), limit)), (spent, limit))
    spans = [(period, *dearest[period]) for period in sorted(dearest) if period.end > start]
    return [one for one in fired if one.at >= start], spans


def _calendar(own: Rule, value: str, buckets: Iterable[Bucket]) -> dict[Period, tuple[Decimal, Decimal, list[Fired]]]:
    """Period → spent, limit, what would have been told."""
    sums: dict[Period, list[Bucket]] = defaultdict(list)
    for at, amount in buckets:
        sums[evaluate.bounds(own, at)].append((at, amount))
    whole = {period: sum((amount for _, amount in own_buckets), Decimal(0)) for period, own_buckets in sums.items()}
    found = {}
    for period, own_buckets in sums.items():
        before = whole.get(evaluate.before(own, period), Decimal(0)) if own.carry_over else Decimal(0)
        limit = evaluate.limit(own, period, before)
        found[period] = whole[period], limit, _told(own, value, period, limit, own_buckets)
    return found


def _told(own: Rule, value: str, period: Period, limit: Decimal, buckets: Iterable[Bucket]) -> list[Fired]:
    told: dict[Decimal, Fired] = {}
    running = Decimal(0)
    for at, amount in buckets:
        running += amount
        for threshold in evaluate.reached(running, limit, own.thresholds):
            told.setdefault(threshold, Fired(value, threshold, at, period))
    return list(told.values())


def _rolling(own: Rule, window: timedelta, value: str, buckets: list[Bucket]) -> list[Fired]:
    """Each threshold is told once in a window's length from the first one on."""
    fired: list[Fired] = []
    told: set[Decimal] = set()
    began: datetime | None = None
    oldest, running = 0, Decimal(0)
    for at, amount in buckets:
        running += amount
        while buckets[oldest][0] <= at - window:
            running -= buckets[oldest][1]
            oldest += 1
        if began is not None and at >= began + window:
            began, told = None, set()
        for threshold in evaluate.reached(running, own.amount, own.thresholds):
            if threshold not in told:
                began = began or at
                told.add(threshold)
                fired.append(Fired(value, threshold, at, Period(at - window, at)))
    return fired
