"""How budgets stand, from every side the same: templates that carry over, tokens, zones, states at their edges."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costwatch.budgets import evaluate, manage, outlook
from costwatch.budgets.evaluate import Rule, is_over, over_at
from costwatch.budgets.models import Budget
from costwatch.budgets.status import State, standing, status, statuses
from costwatch.lib.periods import Period, zone
from tests.budgets.conftest import NOW, look, spend

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
OCTOBER = datetime(2026, 10, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)
thresholds = st.lists(st.decimals("0.01", 1000, places=2), max_size=5)
amounts = st.decimals("0.000001", 10**6, places=6)


@given(amounts, amounts, thresholds)
def test_over_is_at_the_amount_or_at_a_highest_threshold_below_it(spent, limit, wanted):
    edge = min(Decimal(100), max(wanted)) if wanted else Decimal(100)
    assert over_at(wanted) == edge
    assert is_over(spent, limit, wanted) is (spent >= edge * limit / 100)


@given(amounts, st.integers(0, 10**6), st.sampled_from(["Europe/Berlin", "UTC", "Australia/Lord_Howe"]))
def test_an_even_pace_is_nothing_at_first_all_at_the_end_and_half_in_the_middle(limit, seconds, place):
    month = evaluate.bounds(Rule("monthly", zone(place), 1, limit), OCTOBER)
    half = month.start + (month.end - month.start) / 2
    assert evaluate.even_pace(month, limit, month.start) == evaluate.even_pace(month, limit, month.start - DAY) == 0
    assert evaluate.even_pace(month, limit, month.end) == evaluate.even_pace(month, limit, month.end + DAY) == limit
    assert evaluate.even_pace(month, limit, half) == limit / 2
    earlier, later = (
        evaluate.even_pace(month, limit, month.start + timedelta(seconds=s)) for s in (seconds, seconds + 1)
    )
    assert earlier < later


def test_a_day_of_25_hours_is_paced_by_its_hours():
    day = Period(datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC))
    assert evaluate.even_pace(day, Decimal(25), day.start + timedelta(hours=6)) == 6


@pytest.mark.parametrize(("spent", "told", "state"), [
    ("49.99", [50, 80, 100], State.OK), ("50", [50, 80, 100], State.WARNING), ("99.999999", [50, 100], State.WARNING),
    ("100", [50, 100], State.OVER), ("100", [], State.OVER), ("99", [], State.OK), ("80", [80], State.OVER),
    ("79.99", [50, 80], State.WARNING), ("100", [150], State.OVER), ("99", [150], State.OK),
])  # fmt: skip
def test_states_begin_exactly_at_their_amounts(make, send, spent, told, state):
    send(spend(NOW, spent, user_id="u"))
    assert status(make(thresholds=told), NOW).state == state
    template = status(make(per="user", thresholds=told), NOW)
    assert (template.state, template.values[0].state) == (state, state)
    assert (template.over_count, template.warning_count) == (state == State.OVER, state == State.WARNING)


def test_what_each_value_of_a_template_left_moves_on_for_it_alone(make, send):
    send(spend(OCTOBER, "4", user_id="saver"), spend(OCTOBER, "30", user_id="spender"),
         *(spend(NOW, "12", user_id=user) for user in ("saver", "spender", "newcomer")))  # fmt: skip
    budget = make(per="user", amount_usd=10, carry_over=50)
    found = status(budget, NOW)
    assert {one.value: (one.limit, one.state) for one in found.values} == {
        "saver": (15, State.WARNING), "spender": (10, State.OVER), "newcomer": (15, State.WARNING)}  # fmt: skip
    assert (found.limit, found.carried, found.over_count, found.warning_count) == (10, 0, 1, 2)


@pytest.mark.parametrize("more", [
    {}, {"carry_over": 40}, {"amount_tokens": 3_000}, {"scope": {"agent": ["a", "b"]}}, {"period": "daily"},
    {"planned": {"2026-11": "3"}}, {"period": "rolling_7d"},
])  # fmt: skip
def test_one_value_alone_stands_as_among_all(make, send, more):
    dice = random.Random(7)
    send(*(spend(NOW - dice.randrange(50) * DAY, f"{dice.randrange(1, 900) / 100}", user_id=f"u-{dice.randrange(6)}",
                 agent_id=dice.choice("abc")) for _ in range(120)))  # fmt: skip
    wanted = {"amount_usd": "7", **more}
    if "amount_tokens" in more:
        del wanted["amount_usd"]
    budget = make(per="user", **wanted)
    found = status(budget, NOW, top=100)
    assert found.value_count == len(found.values)
    for one in found.values:
        assert standing(budget, one.value, NOW) == one
    never = standing(budget, "never seen", NOW)
    assert (never.spent, never.state) == (0, State.OK)


def test_tokens_carry_over_as_tokens(make, send):
    send(spend(OCTOBER, input_tokens=300, output_tokens=100), spend(NOW, input_tokens=1_000, output_tokens=150))
    found = status(make(amount_tokens=1_000, carry_over=30), NOW)
    assert (found.limit, found.carried, found.spent, found.remaining) == (1_300, 300, 1_150, 150)


def test_budgets_of_many_calendars_are_read_together_as_each_alone(make, send, workspace):
    dice = random.Random(3)
    send(*(spend(NOW - timedelta(minutes=dice.randrange(60 * 24 * 40)), "1", agent_id=dice.choice("abc"),
                 task=dice.choice(["s", "t", None]), user_id=dice.choice(["u", "v"])) for _ in range(150)))  # fmt: skip
    made = [
        make(name=f"{number}", period=period, time_zone=place, scope=scope, per=per, carry_over=carried)
        for number, (period, place, scope, per, carried) in enumerate([
            ("daily", "Asia/Kathmandu", {"agent": ["a"]}, None, 0),
            ("daily", "America/New_York", {"agent": ["a"]}, None, 0),
            ("daily", "America/New_York", {"agent": ["b", "c"]}, None, 0), ("monthly", "", {"task": [""]}, None, 30),
            ("monthly", "", {"task": ["s"], "agent": ["a"]}, None, 30), ("weekly", "", {}, "user", 0),
            ("weekly", "", {"user!": ["u"]}, "agent", 10),
            ("yearly", "", {"agent": ["a"], "task": ["s"], "user": ["u"]}, None, 0),
        ])
    ]  # fmt: skip
    together = {one.budget.pk: one for one in statuses(workspace, NOW)}
    assert [one.budget.name for one in statuses(workspace, NOW)] == [budget.name for budget in made]
    for budget in made:
        alone = status(Budget.objects.select_related("workspace").get(pk=budget.pk), NOW)
        found = together[budget.pk]
        assert (found.spent, found.limit, found.values, found.state) == (
            alone.spent,
            alone.limit,
            alone.values,
            alone.state,
        )


def test_a_workspace_without_budgets_has_none(workspace):
    assert statuses(workspace, NOW) == []


def test_crossings_are_those_of_the_period_newest_first(make, send):
    budget = make(period="daily", amount_usd=10, thresholds=[50, 100], now=NOW - 9 * DAY)
    look(NOW - 9 * DAY)
    for at, cost, name in ((NOW - DAY, "6", "yesterday"), (NOW - timedelta(hours=3), "5", "half"), (NOW, "5", "all")):
        send(spend(at, cost, event_id=name))
        look(at)
    told = status(Budget.objects.get(pk=budget.pk), NOW).crossings
    assert [(one.threshold, one.event_id, one.basis) for one in told] == [
        (100, "all", "actual"),
        (50, "half", "actual"),
    ]


@pytest.mark.parametrize(("limit", "on"), [
    ("67.9", None), ("68", None), ("70", "2026-11-18"), ("72", "2026-11-18"), ("76", "2026-11-19"),
    ("108", "2026-11-27"), ("120", "2026-11-30"), ("140", None),
])  # fmt: skip
def test_the_day_on_which_the_money_is_gone(make, send, limit, on):
    """$4 a day, of which 17 days of November are over and today has spent nothing yet."""
    send(*(spend(NOW - n * DAY, "4") for n in range(1, 50)))
    budget = make(amount_usd=limit)
    own = status(budget, NOW)
    assert own.spent == 68
    assert (own.exhausted_on.isoformat() if own.exhausted_on else None) == on


def test_a_forecast_that_is_kept_is_of_its_own_period_and_reads_as_it_was_made(make, send):
    send(*(spend(NOW - n * DAY, "4") for n in range(1, 50)))
    budget = make()
    found = status(budget, NOW)
    made = outlook.make(budget, found.period, found.limit, NOW)
    budget.forecast = outlook.to_store(made, found.period)
    kept = outlook.stored(budget, found.period)
    assert (kept.low, kept.mid, kept.high, kept.exhausted_on, kept.at) == (
        made.low, made.mid, made.high, made.exhausted_on, NOW)  # fmt: skip
    december = evaluate.bounds(Rule("monthly", zone("Europe/Berlin"), 1, Decimal(1)), found.period.end)
    assert outlook.stored(budget, december) is None


def test_a_paused_budget_has_no_forecast_made_and_stands_as_paused_also_as_a_template(make, send):
    send(*(spend(NOW - n * DAY, "4", user_id="u") for n in range(1, 50)))
    for per in (None, "user"):
        budget = manage.change(make(per=per), {"paused": True}, "lena")
        found = status(budget, NOW)
        assert (found.state, found.forecast, found.spent) == (State.PAUSED, None, 68)
