"""A judgement with news becomes an incident, its message and a stop, in the transaction that claims its row."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction

from costwatch.alerts import incidents, stops
from costwatch.alerts.incidents import Report
from costwatch.alerts.models import PENDING, Incident, Kind
from costwatch.budgets import evaluate, say
from costwatch.budgets.evaluate import Rule
from costwatch.budgets.models import Action, Budget, BudgetPeriod
from costwatch.budgets.say import ACTUAL, Crossings
from costwatch.budgets.terms import counted, scope
from costwatch.lib.periods import Period
from costwatch.spend.reach import TICK, Reached, reached
from costwatch.spend.sums import Sums

FRESH = timedelta(hours=1)


@dataclass(frozen=True)
class Case:
    """A row, read from the table, with what it is judged by, read from the ledger."""

    row: BudgetPeriod
    rule: Rule
    period: Period
    limit: Decimal
    sums: Sums

    @property
    def budget(self) -> Budget:
        """The row's budget."""
        return self.row.budget

    @property
    def spent(self) -> Decimal:
        """Dollars or tokens."""
        return counted(self.sums, self.budget.in_tokens)

    @property
    def untold(self) -> list[Decimal]:
        """The thresholds that are reached and were not told, ascending."""
        return sorted(set(evaluate.reached(self.spent, self.limit, self.rule.thresholds)) - told(self.row))

    @property
    def over(self) -> bool:
        """Whether it is used up."""
        return evaluate.is_over(self.spent, self.limit, self.rule.thresholds)

    @property
    def has_news(self) -> bool:
        """Whether there is something to tell, or being used up has begun or ended."""
        return bool(self.untold) or self.over != self.row.over


def told(row: BudgetPeriod, basis: str = ACTUAL) -> set[Decimal]:
    """The thresholds that were told in a period."""
    return {Decimal(str(one["threshold"])) for one in row.crossings if one["basis"] == basis}


def tell(case: Case, now: datetime) -> None:
    """Tell what is new of a calendar period, once: who was quicker has changed the row's revision."""
    budget, row, wanted = case.budget, case.row, case.untold
    if not BudgetPeriod.objects.filter(pk=row.pk, revision=row.revision).exists():
        return  # before the ledger is searched for its events
    part = scope(budget).with_values(budget.per, (row.value,)) if budget.per else scope(budget)
    amounts = [evaluate.amount_at(threshold, case.limit) for threshold in wanted]
    found = reached(budget.workspace, part.within(case.period), amounts, tokens=budget.in_tokens) if wanted else []
    # the events of a day long ago may be gone from the ledger, its sums stay
    unknown = Reached(min(now, case.period.end - TICK), "")
    news = crossings(wanted, [one or unknown for one in found])
    with transaction.atomic():
        claimed = claim(row)
        if claimed is None:
            return
        claimed.crossings = [*row.crossings, *news]
        claimed.over = case.over
        judged(claimed, row, case.spent, evaluate.next_look(case.limit, case.rule.thresholds, told(claimed)), now)
        if news:
            claimed.settle_at = case.period.end
            publish(case, claimed.crossings, news, now, late=case.period.end <= now)
        elif row.over:
            calm(case, now)
        claimed.save()
        block(case, say.key(budget.pk, row.value, case.period.start), case.period.end, now)


def crossings(thresholds: Sequence[Decimal], found: Sequence[Reached | None]) -> list[dict[str, Any]]:
    """The thresholds for which the ledger names the deciding entry, by its time."""
    named = [say.crossing(t, one.at, one.event_id) for t, one in zip(thresholds, found, strict=True) if one]
    return sorted(named, key=lambda one: (one["at"], one["threshold"]))


def claim(row: BudgetPeriod) -> BudgetPeriod | None:
    """The row, locked with its budget, if nobody has judged or changed them since it was read, and nobody is at it."""
    rows = BudgetPeriod.objects.select_for_update(skip_locked=True, no_key=True).select_related("budget")
    return rows.filter(pk=row.pk, revision=row.revision, budget__changed_at=row.budget.changed_at).first()


def judged(
    claimed: BudgetPeriod, row: BudgetPeriod, spent: Decimal, look_at: Decimal | None, now: datetime
) -> None:  # fmt: skip
    """What rows.judged does for many; the caller saves."""
    claimed.at_most = claimed.at_most - row.at_most + spent
    if claimed.at_most == spent:  # nothing came since it was read
        claimed.touched_from = None
    claimed.look_at = look_at
    claimed.due = look_at is not None and claimed.at_most >= look_at
    claimed.revision, claimed.judged_at = row.revision + 1, now


def publish(case: Case, every: Crossings, news: Crossings, now: datetime, *, late: bool) -> None:
    """Open the period's incident with its first crossings, or tell what is new of it.

    A message goes out by the age of one event; where the first crossing is old and a later one is not, the incident is
    opened with the first, and the later ones are told of it.
    """
    old = [one for one in news if now - datetime.fromisoformat(one["at"]) >= FRESH]
    late = late and len(old) == len(news)
    if len(every) == len(news):
        first = old if old and len(old) < len(news) else news
        opened = incidents.open_or_update(case.budget.workspace_id, report(case, first, late), now)
        if case.budget.owner is not None:
            incidents.assign(Incident.objects.get(pk=opened), case.budget.owner, "", now)
        if len(first) == len(news):
            return
    whole = report(case, every, late)
    incidents.tell_again(case.budget.workspace_id, whole.key, whole.facts, whole.title, whole.message, whole.severity,
                         whole.amount, datetime.fromisoformat(news[-1]["at"]), now)  # fmt: skip


def report(case: Case, told: Crossings, late: bool) -> Report:
    """What there is to say of these crossings."""
    budget, value = case.budget, case.row.value
    return Report(
        kind=Kind.BUDGET,
        key=say.key(budget.pk, value, case.period.start),
        severity=say.severity(told, ACTUAL, late),
        title=say.title(budget, value, told, case.limit, ACTUAL),
        message=say.message(budget, value, case.rule, case.period, case.limit, case.spent, case.sums, told, late),
        subject=f"{budget.name}: {value}" if budget.per else budget.name,
        at=datetime.fromisoformat(told[0]["at"]),
        event_id=told[0]["event_id"],
        amount=None if budget.in_tokens else case.spent,
        facts=figures(case, told) | {"late": late},
        channels=tuple(budget.channels),
    )


def figures(case: Case, told: Crossings) -> dict[str, Any]:
    """The facts as they are now."""
    budget, value = case.budget, case.row.value
    return say.facts(budget, value, case.period, case.limit, case.spent, case.sums, told, ACTUAL)


def follow(case: Case, now: datetime) -> None:
    """New figures of the period's incident, if it is not over."""
    facts = figures(case, [one for one in case.row.crossings if one["basis"] == ACTUAL])
    amount = None if case.budget.in_tokens else case.spent
    key = say.key(case.budget.pk, case.row.value, case.period.start)
    incidents.refresh(case.budget.workspace_id, key, facts, amount, now)


def calm(case: Case, now: datetime) -> None:
    """A correction or a larger amount ended being used up: new figures; over, if nothing is reached any more."""
    follow(case, now)
    if not evaluate.reached(case.spent, case.limit, case.rule.thresholds):
        key = say.key(case.budget.pk, case.row.value, case.period.start)
        text = "What was spent is below every threshold again: corrected, or a larger amount"
        end(case.budget.workspace_id, key, now, text)


def end(workspace_id: int, key: str, now: datetime, text: str) -> None:
    """Resolve the incident of this key, if there is one and it is not over."""
    incident = Incident.objects.filter(workspace_id=workspace_id, dedupe_key=key, state__in=PENDING).first()
    if incident is not None:
        incidents.settle(incident, now, text)


def end_all(budget: Budget, now: datetime, text: str, rows: Iterable[BudgetPeriod] | None = None) -> None:
    """Resolve the incidents of these periods of a budget, or of all."""
    every = BudgetPeriod.objects.filter(budget=budget, settle_at__isnull=False) if rows is None else rows
    for row in every:
        for basis in (ACTUAL, say.FORECAST):
            end(budget.workspace_id, say.key(budget.pk, row.value, row.period_start, basis), now, text)


def block(case: Case, key: str, until: datetime | None, now: datetime) -> None:
    """Have a blocking budget that is used up ask everybody it counts to stop, and one that is not ask nobody."""
    budget, value = case.budget, case.row.value
    if budget.action == Action.BLOCK and case.over and (until is None or until > now):
        whom = scope(budget).with_values(budget.per, (value,)) if budget.per else scope(budget)
        opened = say.key(budget.pk, value, case.period.start)
        incident = Incident.objects.filter(workspace_id=budget.workspace_id, dedupe_key=opened).first()
        stops.place(budget.workspace_id, whom.include, "budget", say.stop(budget, value, case.limit), key=key,
                    incident_id=incident.pk if incident else None, until=until, now=now)  # fmt: skip
    elif case.row.over:
        stops.lift(budget.workspace_id, key, now)
