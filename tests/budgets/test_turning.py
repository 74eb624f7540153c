"""What time alone does to budgets: ends, forgotten rows, forecasts that were told, and the tasks that see to it."""

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine

from costwatch.accounts.models import Member, Role, Workspace
from costwatch.alerts import incidents as acting
from costwatch.alerts.models import Channel, Incident, Notice, Severity, State
from costwatch.budgets import ahead, manage, tasks, turn
from costwatch.budgets.models import Budget, BudgetPeriod
from costwatch.database import clock
from tests.budgets.conftest import NOW, incidents, look, spend, thresholds

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
TONIGHT = NOW.replace(hour=23, minute=0, second=0)  # midnight in Berlin
END = TONIGHT.replace(day=30)  # of November


@pytest.fixture
def history(send):
    """$4 a day for seven weeks, by two users: about $120 a month."""
    send(*(spend(NOW - timedelta(days=n), "3", user_id="u-1") for n in range(1, 50)),
         *(spend(NOW - timedelta(days=n), "1", user_id="u-2") for n in range(1, 50)))  # fmt: skip


@pytest.mark.parametrize(("state", "after"), [
    (State.OPEN, State.RESOLVED), (State.ACKNOWLEDGED, State.RESOLVED), (State.SNOOZED, State.RESOLVED),
    (State.RESOLVED, State.RESOLVED), (State.EXPECTED, State.EXPECTED),
])  # fmt: skip
def test_the_end_of_a_period_ends_what_is_pending_of_it_at_its_very_end(make, send, state, after):
    make(period="daily", thresholds=[50])
    look()
    send(spend(NOW, "60"))
    look()
    Incident.objects.update(state=state)
    assert turn.turn(TONIGHT - timedelta(microseconds=1)) == 0
    assert Incident.objects.get().state == state
    assert turn.turn(TONIGHT) == 1
    assert turn.turn(TONIGHT) == 0
    assert Incident.objects.get().state == after


def test_who_was_told_hears_that_the_period_is_over(make, send, workspace):
    Channel.objects.create(workspace=workspace, kind="webhook", name="ops")
    make(period="daily", thresholds=[50])
    look()
    send(spend(NOW, "60"))
    look()
    turn.turn(TONIGHT)
    assert list(Notice.objects.order_by("pk").values_list("type", flat=True)) == [
        "incident.opened",
        "incident.resolved",
    ]
    assert Incident.objects.get().timeline.last().text == "The period is over"


def test_what_nobody_was_told_of_is_forgotten_three_days_after_its_end(make, send):
    make(period="daily", amount_usd=1_000)
    make(period="rolling_24h", amount_usd=1_000)
    look()
    send(spend(NOW, "60"))
    look()
    turn.forget(TONIGHT + 3 * DAY)
    assert BudgetPeriod.objects.count() == 2
    turn.forget(TONIGHT + 3 * DAY + MINUTE)
    assert [row.budget.period for row in BudgetPeriod.objects.all()] == ["rolling_24h"]


def test_a_row_that_is_to_be_judged_or_is_over_is_not_forgotten(make, send):
    for name in ("due", "over", "told"):
        make(name=name, period="daily", amount_usd=1_000)
    look()
    send(spend(NOW, "60"))
    look()
    BudgetPeriod.objects.filter(budget__name="due").update(due=True)
    BudgetPeriod.objects.filter(budget__name="over").update(over=True)
    BudgetPeriod.objects.filter(budget__name="told").update(crossings=[{"threshold": 50}])
    turn.forget(NOW + 30 * DAY)
    assert BudgetPeriod.objects.count() == 3


def test_a_late_event_of_a_forgotten_period_is_still_judged_by_all_that_was_spent(make, send):
    make(period="daily", thresholds=[100], amount_usd=60, now=NOW - 30 * DAY)
    look(NOW - 30 * DAY)
    at = NOW - 10 * DAY
    send(spend(at, "50"))
    look(at)
    turn.forget(NOW)
    assert not BudgetPeriod.objects.filter(period_start__lt=at, period_end__gt=at).exists()
    send(spend(at + HOUR, "10", event_id="late"))
    look()
    (incident,) = incidents()
    assert (incident.opened_by_event, incident.severity, incident.facts["late"]) == ("late", Severity.NOTICE, True)


def test_a_forecast_that_was_told_is_over_with_its_period(make, history):
    make(forecast_thresholds=[100], thresholds=[])
    look()
    ahead.look(NOW, 30)
    assert incidents()[0].state == State.OPEN
    turn.turn(END - MINUTE)
    assert incidents()[0].state == State.OPEN
    turn.turn(END)
    assert (incidents()[0].state, incidents()[0].timeline.last().text) == (State.RESOLVED, "The period is over")


def test_a_higher_threshold_on_the_forecast_is_told_of_the_same_incident(make, history, send, workspace):
    Channel.objects.create(workspace=workspace, kind="webhook", name="ops")
    make(forecast_thresholds=[100, 200], thresholds=[])
    look()
    ahead.look(NOW, 30)
    send(*(spend(NOW - MINUTE, "30", user_id="u-1") for _ in range(4)))
    assert ahead.look(NOW + 20 * MINUTE, 30) == 1
    (incident,) = incidents()
    assert (thresholds(incident), incident.severity) == ([100, 200], Severity.ALARM)
    told = list(Notice.objects.order_by("pk").values_list("type", "facts"))
    assert [type for type, _ in told] == ["incident.opened", "incident.updated"]
    assert [[one["threshold"] for one in facts["crossings"]] for _, facts in told] == [[100], [200]]


def test_a_forecast_that_somebody_expects_is_told_no_more(make, history, send):
    make(forecast_thresholds=[100, 200], thresholds=[])
    look()
    ahead.look(NOW, 30)
    acting.act(incidents()[0], "expected", "mara", NOW)
    send(*(spend(NOW - MINUTE, "30", user_id="u-1") for _ in range(4)))
    ahead.look(NOW + 20 * MINUTE, 30)
    assert incidents()[0].state == State.EXPECTED
    assert incidents()[0].timeline.filter(action="raised").count() == 0


def test_of_a_template_each_value_is_held_against_its_own_forecast(make, history):
    make(per="user", forecast_thresholds=[100], thresholds=[], amount_usd=80)
    look()
    ahead.look(NOW, 30)
    (incident,) = incidents()  # $90 of u-1, $30 of u-2
    assert (incident.facts["value"], incident.subject) == ("u-1", "All agents: u-1")
    assert Decimal(incident.facts["forecast"]["mid"]) == pytest.approx(Decimal(90), abs=3)
    assert incident.facts["exhausted_on"] == "2026-11-27"


def test_tokens_are_forecast_as_tokens(make, history):
    make(amount_tokens=60_000, forecast_thresholds=[100], thresholds=[])
    look()
    ahead.look(NOW, 30)
    (incident,) = incidents()
    assert incident.amount is None
    assert isinstance(incident.facts["forecast"]["mid"], int)
    assert incident.facts["forecast"]["mid"] == pytest.approx(2 * 1_285 * 30, rel=0.05)


def test_a_paused_budget_is_not_forecast_and_one_that_goes_on_is(make, history):
    budget = make(forecast_thresholds=[100], thresholds=[], paused=True)
    assert ahead.look(NOW, 30) == 0
    manage.change(budget, {"paused": False}, "lena", now=NOW)
    assert ahead.look(NOW, 30) == 1


def test_without_time_nothing_is_forecast(make, history):
    make(forecast_thresholds=[100])
    assert ahead.look(NOW, 0) == 0
    assert Budget.objects.get().forecast is None


def test_an_owner_is_made_that_of_the_incident_but_not_of_what_is_only_forecast(make, history, workspace, send):
    lena = Member.objects.create(workspace=workspace, email="lena@larkfield.example", role=Role.EDITOR)
    make(owner="lena@larkfield.example", forecast_thresholds=[100], thresholds=[90])
    look()
    send(spend(NOW, "30"))
    look()
    assert {one.facts["basis"]: one.owner for one in incidents()}["actual"] == lena


def test_an_owner_of_another_workspace_cannot_be_one(make, workspace):
    other = Workspace.objects.create(name="Other")
    Member.objects.create(workspace=other, email="eve@else.example", role=Role.EDITOR)
    with pytest.raises(manage.BadBudget) as problem:
        make(owner="eve@else.example")
    assert problem.value.field == "owner"


def test_the_tasks_do_by_the_clock_of_the_database_what_is_due(make, send):
    now = clock.now()
    make(period="daily", thresholds=[50], now=now - 9 * DAY)
    look(now - 9 * DAY)
    at = now - 2 * DAY
    send(spend(at, "60"))
    look(at)
    with time_machine.travel(now - 400 * DAY):  # whatever the clock of the process says
        tasks.turn()
        tasks.forecast()
    assert Incident.objects.get().state == State.RESOLVED
    assert Budget.objects.get().forecast_at >= now
