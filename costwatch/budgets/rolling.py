"""Rolling budgets: the window that ends with each event. A threshold is told once in a window's length.

What is told first (the anchor) opens a window with an incident of its own; until a window's length after it no
threshold is told twice. In order of the events' own times, so a back-fill tells what life would have told.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction

from costwatch.budgets import evaluate, say, tell
from costwatch.budgets.evaluate import ROLLING, Rule
from costwatch.budgets.models import BudgetPeriod
from costwatch.budgets.spent import Part, read
from costwatch.budgets.tell import Case
from costwatch.budgets.terms import Scope, counted, rule, scope
from costwatch.lib.periods import Period
from costwatch.spend.reach import TICK, reached_within

AHEAD = timedelta(minutes=6)  # events may be dated five minutes ahead
BOUND = timedelta(hours=1)  # at_most bounds the windows that ended within the last hour
MOST_WINDOWS = 400


@dataclass
class Told:
    """What was or is to be told from an anchor on, for a window's length."""

    anchor: datetime
    thresholds: set[Decimal]
    news: list[dict[str, Any]] = field(default_factory=list)


def judge(row: BudgetPeriod, now: datetime) -> None:
    """Judge the windows that a rolling budget's changes may have filled, and whether it is used up now."""
    budget, own = row.budget, rule(row.budget, row.budget.workspace)
    length = own.window or timedelta()
    part = scope(budget).with_values(budget.per, (row.value,)) if budget.per else scope(budget)
    end, since = now + AHEAD, min(row.touched_from or now, now)
    starts = (now - length + TICK, now - BOUND - length, since - length)
    answers = read(budget.workspace, [Part(part, Period(start, end)) for start in starts])
    current, bound, possible = (answer[""] for answer in answers)
    known = _known(row, since)
    if counted(possible, budget.in_tokens) >= min(_amounts(own), default=Decimal("Infinity")):
        _search(row, own, part, known, since, end)
    case = Case(row, own, Period(now - length, now), own.amount, current)
    filled = [(window, _filled(row, own, part, window)) for window in known if window.news]
    with transaction.atomic():
        claimed = tell.claim(row)
        if claimed is None:
            return
        for window, told in filled:
            _tell(told, window, now)
        claimed.over = case.over
        tell.judged(claimed, row, counted(bound, budget.in_tokens), _next_look(own, known, now), now)
        claimed.save()
        last = max((window.anchor for window in known), default=now)
        tell.block(Case(row, own, _window(own, last), own.amount, current),
                   say.key(budget.pk, row.value, ROLLING), None, now)  # fmt: skip


def _search(row: BudgetPeriod, own: Rule, part: Scope, known: list[Told], since: datetime, end: datetime) -> None:
    """Find what is to be told from `since` on; adds to the windows of `known`, and windows to it."""
    length = own.window or timedelta()
    for _ in range(MOST_WINDOWS):
        if since >= end:
            return
        window = next((w for w in known if w.anchor <= since < w.anchor + length), None)
        coming = min((w.anchor for w in known if w.anchor > since), default=end)
        until = window.anchor + length if window else coming
        # a late event may fill a window shortly before a known one: what that has told is not told again
        done = {t for w in known if since < w.anchor + length and w.anchor < until + length for t in w.thresholds}
        wanted = [t for t in own.thresholds if t not in done]
        within = part.within(Period(since, max(until, since + TICK)))
        amounts = [evaluate.amount_at(t, own.amount) for t in wanted]
        found = (
            reached_within(row.budget.workspace, within, length, amounts, tokens=row.budget.in_tokens) if wanted else []
        )
        news = tell.crossings(wanted, found)
        if window is None and news:
            window = Told(datetime.fromisoformat(news[0]["at"]), set())
            known.append(window)
            news = [one for one in news if datetime.fromisoformat(one["at"]) < window.anchor + length]
        if window is not None:
            window.news += news
            window.thresholds |= {Decimal(str(one["threshold"])) for one in news}
        since = window.anchor + length if window else until


def _filled(row: BudgetPeriod, own: Rule, part: Scope, window: Told) -> Case:
    """A window with what was spent in it by the time of its newest crossing."""
    newest = _window(own, datetime.fromisoformat(window.news[-1]["at"]))
    sums = read(row.budget.workspace, [Part(part, Period(newest.start + TICK, newest.end + TICK))])[0][""]
    return Case(row, own, _window(own, window.anchor), own.amount, sums)


def _tell(case: Case, window: Told, now: datetime) -> None:
    told, _ = BudgetPeriod.objects.get_or_create(
        budget=case.budget, value=case.row.value, period_start=case.period.start,
        defaults={"period_end": window.anchor + (case.rule.window or timedelta())},
    )  # fmt: skip
    told.crossings = [*told.crossings, *window.news]
    told.settle_at = told.period_end
    told.save(update_fields=["crossings", "settle_at"])
    tell.publish(case, told.crossings, window.news, now, late=told.period_end <= now)


def _known(row: BudgetPeriod, since: datetime) -> list[Told]:
    windows = BudgetPeriod.objects.filter(budget=row.budget_id, value=row.value, period_end__gt=since)
    length = evaluate.window(row.budget.period) or timedelta()
    return [Told(w.period_start + length, tell.told(w)) for w in windows.exclude(period_start=ROLLING)]


def _next_look(own: Rule, known: list[Told], now: datetime) -> Decimal | None:
    length = own.window or timedelta()
    done = {t for w in known if w.anchor <= now < w.anchor + length for t in w.thresholds}
    return evaluate.next_look(own.amount, own.thresholds, done)


def _window(own: Rule, anchor: datetime) -> Period:
    return Period(anchor - (own.window or timedelta()), anchor)


def _amounts(own: Rule) -> Iterator[Decimal]:
    return (evaluate.amount_at(threshold, own.amount) for threshold in own.thresholds)
