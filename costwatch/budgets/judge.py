"""Judging what is due: the sums are read from the ledger, compared with the thresholds, and what is new is told.

Reads come first, outside any lock; a row is then claimed by the revision it was read with. Killed in between, the row
is still due; done by two at once, the second finds another revision and does nothing.
"""

import random
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from costwatch.budgets import evaluate, rolling, rows, tell
from costwatch.budgets.evaluate import ROLLING, ZERO, Rule
from costwatch.budgets.models import Budget, BudgetPeriod
from costwatch.budgets.rows import Additions, Judged, Key
from costwatch.budgets.spent import NOTHING, REST, Part, read
from costwatch.budgets.tell import Case
from costwatch.budgets.terms import counted, rule, scope
from costwatch.ledger.store import writing
from costwatch.lib.periods import Period
from costwatch.spend.sums import Sums

MOST = 5_000
MOST_NEW = 1_000  # budgets that were made or changed, looked at in full


def judge_due(now: datetime, until: float) -> int:
    """Judge what is due until nothing is, or until a time of the monotonic clock; how many rows."""
    done = 0
    while begin_new(now):
        if time.monotonic() >= until:
            break
    last = 0
    while due := _due(last):
        for _, own in groupby(due, key=lambda row: row.budget.workspace_id):
            judge(list(own), now)
        done, last = done + len(due), max(row.pk for row in due)
        if time.monotonic() >= until:
            break
    return done


def begin_new(now: datetime) -> int:
    """Have the periods of budgets that were made or changed judged in full; how many budgets."""
    new = Budget.objects.filter(judged_at=None, paused=False).select_related("workspace").order_by("workspace", "pk")
    return sum(_begin(list(own), now) for _, own in groupby(new[:MOST_NEW], key=lambda budget: budget.workspace_id))


def _begin(budgets: Sequence[Budget], now: datetime) -> int:
    """Budgets of one workspace; one that somebody changes meanwhile has its turn afterwards."""
    additions = dict(_to_judge(budget, now) for budget in budgets)
    read = {budget.pk: budget.changed_at for budget in budgets}
    with writing() as cursor:
        free = Budget.objects.select_for_update(no_key=True, skip_locked=True).filter(pk__in=read, judged_at=None)
        same = {pk for pk, changed_at in free.values_list("pk", "changed_at") if read[pk] == changed_at}
        rows.add(cursor, {key: own for key, own in additions.items() if key[0] in same})
        Budget.objects.filter(pk__in=same).update(judged_at=now)
    return len(same)


def judge(due: Sequence[BudgetPeriod], now: datetime) -> None:
    """Judge rows of one workspace."""
    rolled = [row for row in due if row.period_start == ROLLING]
    calendar = cases([row for row in due if row.period_start != ROLLING])
    with writing() as cursor:
        rows.judged(cursor, (_judged(case) for case in calendar if not case.has_news), now)
    news = [case for case in calendar if case.has_news]
    random.shuffle(news)  # watches that found the same rows meet seldom: each tells a part of them
    for case in news:
        tell.tell(case, now)
    for row in rolled:
        rolling.judge(row, now)


def _due(after: int) -> list[BudgetPeriod]:
    own = BudgetPeriod.objects.filter(due=True, budget__paused=False, pk__gt=after)
    found = own.select_related("budget__workspace").order_by("pk")[:MOST]
    return sorted(found, key=lambda row: (row.budget.workspace_id, row.pk)) if found else []


def _judged(case: Case) -> Judged:
    told = tell.told(case.row)
    look_at = evaluate.next_look(case.limit, case.rule.thresholds, told)
    return Judged(case.row.pk, case.row.revision, case.row.at_most, case.spent, look_at)


def cases(due: Sequence[BudgetPeriod]) -> list[Case]:
    """Rows of calendar periods of one workspace with what was spent in them, read now."""
    if not due:
        return []
    workspace = due[0].budget.workspace
    rules = {row.budget_id: rule(row.budget, workspace) for row in due}
    by_period: dict[tuple[int, Period], list[BudgetPeriod]] = defaultdict(list)
    for row in due:
        by_period[row.budget_id, evaluate.bounds(rules[row.budget_id], row.period_start)].append(row)
    parts, before = [], []
    for (number, period), own in by_period.items():
        parts.append(_part(own, period))
        if rules[number].carry_over:
            before.append(_part(own, evaluate.before(rules[number], period)))
    answers = read(workspace, [*parts, *before])
    left = iter(answers[len(parts) :])
    found = []
    for ((number, period), own), sums in zip(by_period.items(), answers, strict=False):
        last = next(left) if rules[number].carry_over else {}
        found += [_case(row, rules[number], period, sums, last) for row in own]
    return found


def _case(row: BudgetPeriod, own: Rule, period: Period, sums: dict[str, Sums], last: dict[str, Sums]) -> Case:
    before = counted(last.get(row.value, NOTHING), row.budget.in_tokens)
    return Case(row, own, period, evaluate.limit(own, period, before), sums.get(row.value, NOTHING))


def _part(own: Sequence[BudgetPeriod], period: Period) -> Part:
    budget = own[0].budget
    values = tuple(sorted(row.value for row in own)) if budget.per else None
    return Part(scope(budget), period, budget.per, values)


def _to_judge(budget: Budget, now: datetime) -> tuple[Key, Additions]:
    """The rows to look at: of a template, those of values that may have reached something."""
    own = rule(budget, budget.workspace)
    period = evaluate.bounds(own, now)
    due = {*_values(budget, own, period)} if budget.per else {""}
    if budget.is_rolling:
        return (budget.pk, ROLLING), Additions(ROLLING, ZERO, due=due, touched=period.start)
    return (budget.pk, period.start), Additions(period.end, ZERO, due=due)


def _values(budget: Budget, own: Rule, period: Period) -> list[str]:
    least = evaluate.next_look(evaluate.planned_amount(own, period), own.thresholds, ())
    if least is None:
        return []
    sums = read(budget.workspace, [Part(scope(budget), period, budget.per)])[0]
    named = {value: one for value, one in sums.items() if value not in ("", REST)}
    return [value for value, one in named.items() if counted(one, budget.in_tokens) >= least]
