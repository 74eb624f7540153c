"""Forecasts of budgets, kept for the pages, and thresholds on them, told before the money is gone."""

import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby

from django.db import transaction
from django.db.models import F, Q

from costwatch.alerts import incidents
from costwatch.alerts.incidents import Report
from costwatch.alerts.models import Kind
from costwatch.budgets import evaluate, outlook, say, tell
from costwatch.budgets.models import Budget, BudgetPeriod
from costwatch.budgets.outlook import Outlook
from costwatch.budgets.say import FORECAST
from costwatch.budgets.status import Standing, Status, statuses
from costwatch.budgets.terms import percentages, rule
from costwatch.lib import periods

EVERY = timedelta(minutes=15)
AFTER_CHANGES = timedelta(minutes=1)
MOST = 1_000  # budgets at once
MOST_VALUES = 50  # a template's dearest, each with a forecast of its own


def look(now: datetime, seconds: float) -> int:
    """Forecast what is due until the time is up; how many budgets.

    Each budget every 15 minutes, where something was spent or a new day has begun; one with thresholds on its forecast
    also a minute after something was spent.
    """
    until = time.monotonic() + seconds
    done, same = 0, list[int]()
    for _, own in groupby(_due(now), key=lambda budget: budget.workspace_id):
        budgets = list(own)
        for found in statuses(budgets[0].workspace, now, budgets, MOST_VALUES):
            if time.monotonic() >= until:
                return done
            if _is_due(found, now):
                _forecast(found, now)
                done += 1
            elif now - (found.budget.forecast_at or now) > EVERY:
                same.append(found.budget.pk)
    Budget.objects.filter(pk__in=same).update(forecast_at=now)
    return done


def _due(now: datetime) -> list[Budget]:
    calendar = Budget.objects.filter(paused=False).exclude(period__startswith="rolling_")
    waits = Q(forecast_at=None) | Q(forecast_at__lt=now - EVERY)
    asked = Q(forecast_at__lt=now - AFTER_CHANGES) & ~Q(forecast_thresholds=[])
    rows = (
        calendar.filter(waits | asked)
        .select_related("workspace", "owner")
        .order_by(F("forecast_at").asc(nulls_first=True))[:MOST]
    )
    return sorted(rows, key=lambda budget: budget.workspace_id)


def _is_due(found: Status, now: datetime) -> bool:
    kept, at = found.budget.forecast, found.budget.forecast_at
    if at is None or kept is None:
        return at is None or now - at > EVERY
    tz = rule(found.budget, found.budget.workspace).zone
    same_day = periods.local_day(at, tz) == periods.local_day(now, tz)
    return not same_day or kept["spent"] != str(found.spent)


def _forecast(found: Status, now: datetime) -> None:
    budget = found.budget
    made = outlook.make(budget, found.period, found.limit, now)
    kept = None if made is None else outlook.to_store(made, found.period) | {"spent": str(found.spent)}
    Budget.objects.filter(pk=budget.pk, changed_at=budget.changed_at).update(forecast=kept, forecast_at=now)
    for one, own in _with_outlooks(found, made, now):
        wanted = _reached(one, own, budget)
        if wanted:
            _tell(found, one, own, wanted, now)


def _with_outlooks(found: Status, made: Outlook | None, now: datetime) -> Iterator[tuple[Standing, Outlook]]:
    """What thresholds are held against: the budget, or each of a template's dearest values."""
    budget = found.budget
    if not budget.forecast_thresholds:
        return
    if not budget.per and made is not None:
        yield found, made
    for one in found.values if budget.per else ():
        own = outlook.make(budget, found.period, one.limit, now, one.value)
        if own is not None:
            yield one, own


def _reached(one: Standing, own: Outlook, budget: Budget) -> list[Decimal]:
    """The thresholds that the forecast reaches and the money spent does not."""
    wanted = percentages(budget.forecast_thresholds)
    spent = evaluate.reached(one.spent, one.limit, wanted)
    return [t for t in evaluate.reached(own.mid, one.limit, wanted) if t not in spent]


def _tell(found: Status, one: Standing, own: Outlook, wanted: Sequence[Decimal], now: datetime) -> None:
    """Tell those that were not told of this period."""
    budget, period = found.budget, found.period
    with transaction.atomic():
        row, _ = BudgetPeriod.objects.select_for_update().get_or_create(
            budget=budget, value=one.value, period_start=period.start,
            defaults={"period_end": period.end, "look_at": 0, "due": True},
        )  # fmt: skip
        news = [say.crossing(t, now, "", FORECAST) for t in wanted if t not in tell.told(row, FORECAST)]
        if not news:
            return
        row.crossings, row.settle_at, row.revision = [*row.crossings, *news], period.end, row.revision + 1
        row.save(update_fields=["crossings", "settle_at", "revision"])
        every = [known for known in row.crossings if known["basis"] == FORECAST]
        report = _report(found, one, own, every, now)
        incidents.open_or_update(budget.workspace_id, report, now)
        if len(every) > len(news):
            incidents.tell_again(budget.workspace_id, report.key, report.facts, report.title, report.message,
                                 report.severity, report.amount, now, now)  # fmt: skip


def _report(found: Status, one: Standing, own: Outlook, every: say.Crossings, now: datetime) -> Report:
    budget, period = found.budget, found.period
    facts = say.facts(budget, one.value, period, one.limit, one.spent, one.sums, every, FORECAST)
    amounts = {name: say.exact(budget, getattr(own, name)) for name in ("low", "mid", "high")}
    return Report(
        kind=Kind.BUDGET,
        key=say.key(budget.pk, one.value, period.start, FORECAST),
        severity=say.severity(every, FORECAST, late=False),
        title=say.title(budget, one.value, every, one.limit, FORECAST),
        message=say.forecast_message(
            budget, one.value, rule(budget, budget.workspace), period, one.limit, own.mid, own.exhausted_on
        ),
        subject=f"{budget.name}: {one.value}" if budget.per else budget.name,
        at=now,
        amount=None if budget.in_tokens else own.mid,
        facts=facts | {"forecast": amounts, "exhausted_on": own.exhausted_on and own.exhausted_on.isoformat()},
        channels=tuple(budget.channels),
    )
