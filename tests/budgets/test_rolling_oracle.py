"""Rolling budgets against a window that plain Python moves from event to event, whatever order the events come in."""

import random
from collections import defaultdict, deque
from datetime import timedelta
from decimal import Decimal

import pytest

from costwatch.alerts.models import Incident, State
from costwatch.budgets import turn
from costwatch.budgets.evaluate import ROLLING
from costwatch.budgets.models import BudgetPeriod
from costwatch.budgets.status import status
from tests.budgets.conftest import NOW, look, spend

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
DAY = timedelta(days=1)
SHAPES = [
    ("rolling_6h", timedelta(hours=6), None, {}), ("rolling_24h", DAY, None, {"agent": ["a"]}),
    ("rolling_3d", 3 * DAY, "user", {}), ("rolling_12h", timedelta(hours=12), "tag.team", {"agent!": ["c"]}),
]  # fmt: skip


def usage(seed, count=70):
    dice = random.Random(seed)
    return [
        spend(NOW - timedelta(seconds=dice.randrange(60, 6 * 86_400)), f"{dice.randrange(1, 600) / 100}",
              event_id=f"e{n}", agent_id=dice.choice("abc"), user_id=dice.choice(["u", "v", None]),
              tags={"team": dice.choice("xy")}) for n in range(count)
    ]  # fmt: skip


def value_of(event, per):
    return {None: "", "user": event.user_id or "", "tag.team": (event.tags or {}).get("team", "")}[per]


def counts(event, scope):
    return ("agent" not in scope or event.agent_id in scope["agent"]) and event.agent_id not in scope.get("agent!", ())


def expected(events, length, amount, thresholds, per, scope):
    """(value, anchor) → threshold → the event that reached it."""
    own = defaultdict(list)
    for event in events:
        if counts(event, scope) and (value_of(event, per) or per is None):
            own[value_of(event, per)].append(event)
    found = defaultdict(dict)
    for value, part in own.items():
        window, running, anchor, told = deque(), Decimal(0), None, set()
        for event in sorted(part, key=lambda one: one.timestamp):
            window.append(event)
            running += event.cost
            while window[0].timestamp <= event.timestamp - length:
                running -= window.popleft().cost
            if anchor is not None and event.timestamp >= anchor + length:
                anchor, told = None, set()
            for threshold in thresholds:
                if running * 100 >= threshold * amount and threshold not in told:
                    anchor = anchor or event.timestamp
                    told.add(threshold)
                    found[value, anchor][threshold] = event.event_id
    return dict(found)


def told_of(budget, length):
    rows = BudgetPeriod.objects.filter(budget=budget).exclude(period_start=ROLLING)
    return {(row.value, row.period_start + length): {one["threshold"]: one["event_id"] for one in row.crossings}
            for row in rows}  # fmt: skip


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("shape", range(len(SHAPES)))
def test_looked_at_once_it_tells_what_a_moving_window_reaches(make, send, shape, seed):
    period, length, per, scope = SHAPES[shape]
    events = usage(10 * shape + seed)
    budget = make(period=period, per=per, scope=scope, amount_usd=12, thresholds=[40, 80, 100], now=NOW - 30 * DAY)
    look(NOW - 30 * DAY)
    send(*events)
    look()
    wanted = expected(events, length, Decimal(12), (40, 80, 100), per, scope)
    assert told_of(budget, length) == wanted
    assert wanted
    assert Incident.objects.count() == len(wanted)


@pytest.mark.parametrize("shape", range(len(SHAPES)))
def test_lived_through_it_tells_the_same(make, send, shape):
    period, length, per, scope = SHAPES[shape]
    events = usage(50 + shape, 40)
    budget = make(period=period, per=per, scope=scope, amount_usd=9, thresholds=[50, 100], now=NOW - 30 * DAY)
    look(NOW - 30 * DAY)
    for event in sorted(events, key=lambda one: one.timestamp):
        send(event)
        look(event.timestamp)
        turn.turn(event.timestamp)
    assert told_of(budget, length) == expected(events, length, Decimal(9), (50, 100), per, scope)
    turn.turn(NOW + 10 * DAY)
    look(NOW + 10 * DAY)
    assert not Incident.objects.exclude(state=State.RESOLVED).exists()
    assert not BudgetPeriod.objects.filter(over=True).exists()


@pytest.mark.parametrize("shape", range(len(SHAPES)))
def test_how_it_stands_is_the_sum_of_the_window_that_ends_now(make, send, shape):
    period, length, per, scope = SHAPES[shape]
    events = usage(80 + shape)
    send(*events)
    budget = make(period=period, per=per, scope=scope, amount_usd=12)
    for at in (NOW, NOW - DAY, NOW - 3 * DAY):
        found = status(budget, at)
        sums = defaultdict(Decimal)
        for event in events:
            if counts(event, scope) and at - length <= event.timestamp < at:
                sums[value_of(event, per)] += event.cost
        assert found.spent == sum(sums.values())
        if per:
            assert {one.value: one.spent for one in found.values} == {v: usd for v, usd in sums.items() if v}
