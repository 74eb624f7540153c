"""How budgets stand: the same sums as everywhere, against the limit of the period."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from costwatch.budgets import spent
from costwatch.budgets.status import State, status, statuses
from tests.budgets.conftest import NOW, incidents, look, spend

pytestmark = pytest.mark.django_db


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_budget_counts_what_its_scope_spent_in_its_period_of_its_zone(make, send):
    first = at("2026-10-31T23:00")  # midnight of November in Berlin
    send(
        spend(first, "7", agent_id="triage"),
        spend(first - timedelta(microseconds=1), "100", agent_id="triage"),
        spend(NOW, "3", agent_id="triage", tags={"team": "support"}),
        spend(NOW, "1000", agent_id="lookup"),
    )
    own = status(make(scope={"agent": ["triage"]}), NOW)
    assert (own.spent, own.limit, own.remaining, own.share) == (10, 100, 90, Decimal("0.1"))
    assert (own.period.start, own.resets_at) == (first, at("2026-11-30T23:00"))
    assert status(make(scope={"agent": ["triage"]}, time_zone="UTC"), NOW).spent == 3
    assert status(make(scope={"tag.team": ["support"]}), NOW).spent == 3
    assert status(make(scope={"agent!": ["lookup"]}), NOW).spent == 10


def test_unfolded_events_count_at_once(make, send):
    send(spend(NOW, "42"), fold=False)
    assert status(make(), NOW).spent == 42


def test_the_state_is_that_of_the_highest_threshold_reached(make, send):
    send(spend(NOW, "50"))
    states = {name: status(make(amount_usd=amount), NOW).state for name, amount in (("a", 101), ("b", 100), ("c", 50))}
    assert states == {"a": State.OK, "b": State.WARNING, "c": State.OVER}
    assert status(make(amount_usd="1", paused=True), NOW).state == State.PAUSED


def test_tokens_are_all_prompt_and_generated_ones(make, send):
    send(spend(NOW, input_tokens=900, output_tokens=100))
    own = status(make(amount_tokens=2000), NOW)
    assert (own.spent, own.limit, own.share) == (1000, 2000, Decimal("0.5"))


def test_unpriced_calls_make_it_at_least(make, send):
    send(spend(NOW, None, upper_bound=Decimal(2)), spend(NOW, "8"))
    own = status(make(), NOW)
    assert own.is_at_least
    assert own.sums.priced_share == Decimal("0.8")


def test_a_template_has_a_standing_for_each_value_and_none_for_what_is_not_attributed(make, send):
    send(*(spend(NOW, str(n), user_id=f"u-{n}") for n in range(1, 9)), spend(NOW, "99", user_id=None))
    own = status(make(amount_usd=5, per="user", thresholds=[80, 100]), NOW, top=3)
    assert [(one.value, one.spent) for one in own.values] == [("u-8", 8), ("u-7", 7), ("u-6", 6)]
    assert (own.value_count, own.over_count, own.warning_count, own.state) == (8, 4, 1, State.OVER)
    assert own.unattributed.cost == 99
    assert own.spent == 36 + 99


def test_planned_amounts_hold_for_their_months(make, send):
    own = make(planned={"2026-11": "250", "2026-12": "80"})
    assert status(own, NOW).limit == 250
    assert status(own, NOW + timedelta(days=30)).limit == 80
    assert status(own, NOW + timedelta(days=60)).limit == 100


def test_what_is_left_moves_on_up_to_the_cap_and_debts_never(make, send):
    send(spend(at("2026-10-10T12:00"), "90", agent_id="a"), spend(at("2026-10-10T12:00"), "190", agent_id="b"))
    limits = [
        status(make(carry_over=cap, scope={"agent": [agent]}), NOW).limit
        for agent, cap in (("a", 5), ("a", 50), ("b", 50), ("never", 20))
    ]
    assert limits == [105, 110, 100, 120]


def test_a_rolling_budget_looks_back_from_now(make, send):
    send(
        spend(NOW - timedelta(hours=23), "20"),
        spend(NOW - timedelta(hours=24), "3"),
        spend(NOW - timedelta(hours=25), "40"),
    )
    own = status(make(period="rolling_24h"), NOW)
    assert own.spent == 23
    assert own.resets_at is None


def test_a_forecast_needs_a_week_and_names_the_day_it_is_used_up(make, send):
    days = [NOW - timedelta(days=n) for n in range(1, 40)]
    send(*(spend(day, "4") for day in days[:5]))
    assert status(make(), NOW).forecast is None
    send(*(spend(day, "4") for day in days[5:]))
    own = status(make(), NOW)
    assert own.spent == 17 * 4
    assert own.forecast.mid == pytest.approx(Decimal(30 * 4), abs=2)
    assert own.exhausted_on == date(2026, 11, 25)
    template = status(make(per="agent"), NOW)
    assert (template.forecast.mid, template.exhausted_on) == (own.forecast.mid, None)


SCOPES = [
    ({"agent": ["a-0"]}, None, "monthly"),
    ({"agent": ["a-1", "a-2"]}, None, "monthly"),
    ({}, None, "daily"),
    ({"agent": ["a-1"], "task": ["t-1"]}, None, "monthly"),
    ({"agent": ["a-2"], "task": ["t-0", "t-1"]}, None, "monthly"),
    ({"agent": ["nobody"]}, None, "monthly"),
    ({"agent!": ["a-0"]}, None, "weekly"),
    ({"agent": ["a-0"]}, "user", "daily"),
]


def test_many_budgets_stand_as_each_does_alone(make, send, workspace):
    send(*(spend(NOW, f"{n}.5", agent_id=f"a-{n % 3}", task=f"t-{n % 2}", user_id=f"u-{n}") for n in range(12)))
    made = [make(scope=scope, per=per, period=period) for scope, per, period in SCOPES]
    together = {one.budget.pk: (one.spent, one.values) for one in statuses(workspace, NOW)}
    for budget in made:
        alone = status(budget, NOW)
        assert together[budget.pk] == (alone.spent, alone.values)


@pytest.mark.parametrize(
    ("limit", "thresholds", "warned", "over"), [(7, [50, 100], 3, 1), (3, [100], 0, 5), (100, [50], 0, 0)]
)
def test_of_many_values_the_dearest_are_named_and_all_are_counted(make, send, limit, thresholds, warned, over):
    send(*(spend(NOW, str(n), user_id=f"u-{n}") for n in range(1, 8)), spend(NOW, "100"))
    own = make(amount_usd=limit, per="user", thresholds=thresholds)
    few, all_ = status(own, NOW, top=2), status(own, NOW)
    assert ([one.value for one in few.values], len(all_.values)) == (["u-7", "u-6"], 7)
    assert (few.spent, few.unattributed.cost, few.rest.cost, all_.rest.cost) == (128, 100, 1 + 2 + 3 + 4 + 5, 0)
    for found in (few, all_):
        assert (found.value_count, found.warning_count, found.over_count) == (7, warned, over)
    assert few.state == all_.state == (State.OVER if over else State.OK)


def test_a_template_of_some_values_counts_no_others_and_not_what_is_nobodys(make, send):
    send(*(spend(NOW, str(n), user_id=f"u-{n}") for n in range(1, 5)), spend(NOW, "100"))
    some = status(make(amount_usd=2, per="user", scope={"user": ["u-1", "u-3"]}, thresholds=[100]), NOW)
    assert (some.spent, some.value_count, some.over_count, some.unattributed.cost) == (4, 2, 1, 0)
    nobody_too = status(make(amount_usd=2, per="user", scope={"user": ["u-1", ""]}, thresholds=[100]), NOW)
    assert (nobody_too.spent, nobody_too.value_count, nobody_too.unattributed.cost) == (101, 1, 100)


def test_of_very_many_values_each_is_watched_whatever_is_listed(make, send, monkeypatch):
    monkeypatch.setattr(spent, "MOST_GROUPS", 3)
    send(*(spend(NOW, str(n), user_id=f"u-{n}") for n in range(1, 8)))
    make(amount_usd=6, per="user")
    look()  # the feed tells of each value, whatever is listed
    assert sorted(one.facts["value"] for one in incidents()) == [f"u-{n}" for n in range(3, 8)]
