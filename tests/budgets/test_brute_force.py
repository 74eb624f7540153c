"""A budget stored is a budget evaluated: generated budgets against sums worked out by plain Python over all events."""

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from costwatch.alerts.models import Incident
from costwatch.budgets import evaluate, terms
from costwatch.budgets.models import Budget, BudgetPeriod
from costwatch.budgets.status import statuses
from costwatch.ledger.record import record
from tests.budgets.conftest import look
from tests.spend.usage import generated, selected, value_of

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
LATER = datetime(2027, 2, 1, tzinfo=UTC)
DIMENSIONS = ("agent", "user", "task", "session", "run", "model", "provider", "operation", "environment", "release",
              "tag.team", "tag.customer")  # fmt: skip
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")


def some_scope(dice, entries):
    """Up to three dimensions with values that occur, each included or excluded."""
    scope = {}
    for dimension in dice.sample(DIMENSIONS, dice.choice([0, 1, 1, 2, 3])):
        values = sorted({value_of(e, dimension) for e in entries} | {"never"})
        scope[dimension + dice.choice(["", "", "!"])] = dice.sample(values, dice.randint(1, min(3, len(values))))
    return scope


def some_budget(dice, entries, make):
    period = dice.choice(sorted(evaluate.CALENDAR))
    amount = {"amount_tokens": dice.randrange(1, 400_000)} if dice.random() < 0.3 else {
        "amount_usd": str(Decimal(dice.randrange(1, 60_000)).scaleb(-3))}  # fmt: skip
    scope, per = some_scope(dice, entries), dice.choice([None, None, *DIMENSIONS])
    return make(
        now=datetime(2026, 1, 1, tzinfo=UTC), period=period, scope=scope,
        per=None if scope.get(per) == [""] else per, time_zone=dice.choice(ZONES), week_start=dice.randint(1, 7),
        thresholds=dice.sample([10, 25, 50, 80, 100, 150, 300], 3), **amount,
    )  # fmt: skip


def expected(budget, entries):
    """(value, beginning of the period) → threshold → id of the event that reached it."""
    own = terms.rule(budget, budget.workspace)
    everything = terms.scope(budget).within(evaluate.Period(datetime(2020, 1, 1, tzinfo=UTC), LATER))
    sums = defaultdict(list)
    for e in selected(entries, everything):
        value = value_of(e, budget.per) if budget.per else ""
        if value or not budget.per:
            sums[value, evaluate.bounds(own, e.timestamp).start].append(e)
    found = {}
    for key, group in sums.items():
        running, told = Decimal(0), {}
        for e in sorted(group, key=lambda e: e.timestamp):  # stable: events of one instant in order of arrival
            running += (e.input_tokens or 0) + (e.output_tokens or 0) if budget.in_tokens else e.cost or 0
            for threshold in evaluate.reached(running, own.amount, own.thresholds):
                told.setdefault(float(threshold), e.event_id)
        if told:
            found[key] = told
    return found


@pytest.mark.parametrize("seed", range(5))
def test_what_is_told_is_what_a_sum_over_all_events_says(make, workspace, seed):
    dice = random.Random(seed)
    entries = generated(seed, 240)
    budgets = [some_budget(dice, entries, make) for _ in range(12)]
    look(LATER)
    for i in range(0, len(entries), 30):
        record(workspace.lane, entries[i : i + 30])
        if dice.random() < 0.5:
            look(LATER)
    look(LATER)
    assert not BudgetPeriod.objects.filter(due=True).exists()
    told_of = defaultdict(dict)
    for row in BudgetPeriod.objects.exclude(crossings=[]):
        told_of[row.budget_id][row.value, row.period_start] = {c["threshold"]: c["event_id"] for c in row.crossings}
    some = 0
    for budget in budgets:
        wanted = expected(budget, entries)
        assert {key: {*told} for key, told in told_of[budget.pk].items()} == {key: {*t} for key, t in wanted.items()}
        some += len(wanted)
    assert Incident.objects.count() == some


@pytest.mark.parametrize("seed", range(3))
def test_judged_at_once_the_deciding_events_are_those_of_the_right_order(make, workspace, seed):
    dice = random.Random(100 + seed)
    entries = generated(seed, 200)
    budgets = [some_budget(dice, entries, make) for _ in range(8)]
    look(LATER)
    for i in range(0, len(entries), 50):
        record(workspace.lane, entries[i : i + 50])
    look(LATER)
    for budget in budgets:
        told = {(row.value, row.period_start): {c["threshold"]: c["event_id"] for c in row.crossings}
                for row in budget.periods.exclude(crossings=[])}  # fmt: skip
        assert told == expected(budget, entries)


@pytest.mark.parametrize("seed", range(2))
def test_how_budgets_stand_is_what_a_sum_over_all_events_says(make, workspace, seed):
    dice = random.Random(200 + seed)
    entries = generated(seed, 200)
    record(workspace.lane, entries)
    for _ in range(15):
        some_budget(dice, entries, make)
    now = dice.choice(entries).timestamp + timedelta(seconds=1)
    for found in statuses(workspace, now):
        part = selected(entries, terms.scope(found.budget).within(found.period))
        of = defaultdict(Decimal)
        for e in part:
            tokens = (e.input_tokens or 0) + (e.output_tokens or 0)
            value = value_of(e, found.budget.per) if found.budget.per else ""
            of[value] += tokens if found.budget.in_tokens else e.cost or 0
        assert found.spent == sum(of.values())
        if found.budget.per:
            assert {one.value: one.spent for one in found.values} == {v: of[v] for v in of if v}
    assert Budget.objects.count() == 15
