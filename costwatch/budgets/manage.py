"""Budgets made, changed and removed. Each change is in the audit log and known to every watch at once."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from costwatch.accounts import audit
from costwatch.accounts.models import ApiKey, Member, Workspace
from costwatch.alerts import stops
from costwatch.alerts.models import Channel
from costwatch.budgets import evaluate, fields, say, seen, tell
from costwatch.budgets.evaluate import ROLLING, Rule
from costwatch.budgets.fields import BadBudget
from costwatch.budgets.models import Budget, BudgetPeriod, BudgetVersion
from costwatch.budgets.terms import rule
from costwatch.lib.periods import Period

__all__ = ["BadBudget", "change", "count_by_calendar", "create", "remove"]

DEFAULTS: dict[str, Any] = {"thresholds": [50, 80, 100]}
REQUIRED = ("name", "period")
COUNTING = ("amount_usd", "amount_tokens", "planned", "carry_over", "period", "time_zone", "week_start", "scope", "per",
            "thresholds", "action", "paused")  # fmt: skip
"""A change of one of these asks for a look at all that was spent."""
Actor = Member | ApiKey | str


def create(
    workspace: Workspace, data: Mapping[str, Any], actor: Actor, *, ip: str | None = None, now: datetime | None = None
) -> Budget:
    """Make a budget of `data`, which has the names of API.md §5. Raises BadBudget, also for a scope nothing was ever
    recorded under, unless `data["allow_unseen"]` is true."""
    now = now or timezone.now()
    columns = DEFAULTS | fields.read(data, workspace)
    for name in REQUIRED:
        if name not in columns:
            raise BadBudget(name, f"{name} is missing.")
    budget = Budget(
        workspace=workspace, created_at=now, created_by=_said(actor), changed_at=now, counted_since=now, **columns
    )
    _check(budget, data)
    with transaction.atomic():
        budget.save()
        _tell_watches(workspace)
        audit.record(workspace, actor, "budget.created", budget, {"after": told(budget)}, ip)
    return budget


def change(
    budget: Budget, data: Mapping[str, Any], actor: Actor, *, ip: str | None = None, now: datetime | None = None
) -> Budget:
    """Change what `data` names and leave the rest; the changed budget. Raises BadBudget, Budget.DoesNotExist.

    What was told in a period stays told: raising the amount does not tell the same threshold of it a second time.
    """
    now = now or timezone.now()
    columns = fields.read(data, budget.workspace)
    for one, other in (("amount_usd", "amount_tokens"), ("amount_tokens", "amount_usd")):
        if columns.get(one) is not None and columns.get(other) is None:
            columns[other] = None
    with transaction.atomic():
        stored = _locked(budget, no_key=True).get()
        before = told(stored)
        for name, value in columns.items():
            setattr(stored, name, value)
        _check(stored, data if {"scope", "per"} & columns.keys() else {**data, "allow_unseen": True})
        after = told(stored)
        changed = {name for name in after if before[name] != after[name]}
        if not changed:
            return stored
        stored.changed_at = now
        if changed & {*COUNTING}:
            _count_anew(stored, now, "period" in changed)
        if "forecast_thresholds" in changed:
            stored.forecast_at = None
        stored.save()
        _tell_watches(stored.workspace)
        facts = {"before": {n: before[n] for n in changed}, "after": {n: after[n] for n in changed}}
        audit.record(stored.workspace, actor, "budget.changed", stored, facts, ip)
    return stored


def remove(budget: Budget, actor: Actor, *, ip: str | None = None, now: datetime | None = None) -> None:
    """Delete a budget with what is known of its periods; its incidents stay and are resolved, its stops are lifted."""
    with transaction.atomic():
        stored = _locked(budget).first()
        if stored is None:
            return
        audit.record(stored.workspace, actor, "budget.removed", stored, {"before": told(stored)}, ip)
        _tell_watches(stored.workspace)
        _lift_stops(stored, now or timezone.now())
        tell.end_all(stored, now or timezone.now(), "The budget was deleted")
        stored.delete()


def count_by_calendar(workspace: Workspace, now: datetime) -> None:
    """The workspace has another zone or another first day of the week: its budgets count by it from now on."""
    rows = Budget.objects.select_for_update(of=("self",), no_key=True).filter(workspace=workspace)
    for budget in rows.select_related("workspace").order_by("pk"):
        _count_anew(budget, now)
        budget.changed_at = now
        budget.save()
        _tell_watches(budget.workspace)


def told(budget: Budget) -> dict[str, Any]:
    """What somebody set of a budget, with the names of API.md §5, ready for JSON: amounts as text."""
    return {
        "name": budget.name,
        "amount_usd": None if budget.amount_usd is None else f"{budget.amount_usd:.12f}",
        "amount_tokens": budget.amount_tokens,
        "planned": budget.planned,
        "carry_over": f"{budget.carry_over:.2f}",
        "period": budget.period,
        "time_zone": budget.time_zone or budget.workspace.time_zone,
        "week_start": budget.week_start or budget.workspace.week_start,
        "scope": budget.scope,
        "per": budget.per or None,
        "thresholds": budget.thresholds,
        "forecast_thresholds": budget.forecast_thresholds,
        "owner": budget.owner.email if budget.owner else None,
        "channels": budget.channels,
        "action": budget.action,
        "paused": budget.paused,
    }


def _check(budget: Budget, data: Mapping[str, Any]) -> None:
    fields.check(budget)
    if "channels" in data:
        known = Channel.objects.filter(workspace=budget.workspace, deleted_at=None, pk__in=budget.channels)
        missing = set(budget.channels) - set(known.values_list("pk", flat=True))
        if missing:
            raise BadBudget("channels", f"There is no channel {min(missing)} in this workspace.")
    if data.get("allow_unseen") is not True:
        for problem in seen.unseen(budget):
            raise problem


def _count_anew(budget: Budget, now: datetime, is_other_period: bool = False) -> None:
    """Have the watch read all periods that are not over from the ledger; what was told stays told.

    Those that the budget does not have any more end. Of a rolling one, the windows in which something was told are not
    judged by themselves.
    """
    budget.counted_since, budget.judged_at, budget.forecast, budget.forecast_at = now, None, None, None
    _lift_stops(budget, now)
    going_on = BudgetPeriod.objects.filter(Q(period_end__gt=now) | Q(period_start=ROLLING), budget=budget)
    # in the order in which the watch writes them
    rows = list(going_on.select_for_update().order_by("value", "period_start"))
    own = rule(budget, budget.workspace)
    gone = [row for row in rows if is_other_period or not _is_of(row, own)]
    tell.end_all(budget, now, "The budget counts by other periods now", [row for row in gone if row.crossings])
    going_on.filter(pk__in=[row.pk for row in gone]).delete()
    judged = going_on.filter(period_start=ROLLING) if budget.is_rolling else going_on
    judged.update(due=True, look_at=0, touched_from=now, over=False, revision=F("revision") + 1)


def _is_of(row: BudgetPeriod, own: Rule) -> bool:
    """Whether the rule has such a period still."""
    return own.window is not None or evaluate.bounds(own, row.period_start) == Period(row.period_start, row.period_end)


def _lift_stops(budget: Budget, now: datetime) -> None:
    """Nobody is asked to stop; the next look asks anew where it still holds."""
    for row in BudgetPeriod.objects.filter(budget=budget, over=True):
        stops.lift(budget.workspace_id, say.key(budget.pk, row.value, row.period_start), now)


def _locked(budget: Budget, *, no_key: bool = False) -> QuerySet[Budget]:
    """The stored budget, nobody else's for the transaction; `no_key`: the watch may go on adding to its periods."""
    rows = Budget.objects.select_for_update(of=("self",), no_key=no_key).select_related("workspace", "owner")
    return rows.filter(pk=budget.pk)


def _tell_watches(workspace: Workspace) -> None:
    BudgetVersion.objects.get_or_create(workspace=workspace)
    BudgetVersion.objects.filter(workspace=workspace).update(version=F("version") + 1)


def _said(actor: Actor) -> str:
    return f"key {actor}"[:255] if isinstance(actor, ApiKey) else str(actor)[:255]
