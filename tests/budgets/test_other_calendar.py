"""A budget that counts by other periods from now on, in the middle of one: judged by the new ones, told of once."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
import time_machine

from costwatch.accounts.models import Member, Role
from costwatch.alerts.models import Channel, Incident, Notice, State, Stop
from costwatch.budgets import manage, turn
from costwatch.budgets.models import Budget, BudgetPeriod
from costwatch.budgets.status import status
from tests.budgets.conftest import NOW, incidents, look, spend, thresholds

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LONG_AGO = NOW - 90 * DAY


@pytest.fixture
def told_channel(workspace):
    return Channel.objects.create(workspace=workspace, kind="webhook", name="ops")


@pytest.fixture
def settings_page(client, workspace):
    """Posts the settings of the workspace as its owner."""
    client.force_login(Member.objects.create(workspace=workspace, role=Role.OWNER, email="o@l.example", password="!"))

    def post(**fields):
        wanted = {"name": workspace.name, "time_zone": "Europe/Berlin", "week_start": "1", **fields}
        with time_machine.travel(NOW, tick=False):
            assert client.post("/settings/workspace", wanted).status_code == 302

    return post


def periods(budget):
    return {(row.period_start.isoformat(), tuple(sorted(one["threshold"] for one in row.crossings)))
            for row in budget.periods.filter(period_end__gt=NOW)}  # fmt: skip


def test_from_days_to_months_the_day_is_over_and_the_month_is_told_of_once(make, send, told_channel):
    budget = make(period="daily", now=LONG_AGO)
    look(LONG_AGO)
    send(spend(NOW - DAY, "25"), spend(NOW, "60"))
    look()
    manage.change(budget, {"period": "monthly"}, "lena", now=NOW)
    look()
    day, month = sorted(incidents(), key=lambda one: one.pk)
    assert (day.state, day.timeline.last().text) == (State.RESOLVED, "The budget counts by other periods now")
    assert (month.state, sorted(thresholds(month)), month.facts["spent_usd"]) == (
        State.OPEN,
        [50, 80],
        "85.000000000000",
    )
    assert month.timeline.count() == 1
    assert Notice.objects.filter(incident=month).count() == 1
    assert periods(budget) == {("2026-10-31T23:00:00+00:00", (50, 80))}


def test_back_and_forth_within_a_day_tells_nothing_a_second_time(make, send, told_channel):
    budget = make(period="daily", now=LONG_AGO)
    look(LONG_AGO)
    send(spend(NOW, "60"))
    for period in ("weekly", "daily", "weekly", "daily"):
        look()
        budget = manage.change(budget, {"period": period}, "lena", now=NOW)
    look()
    assert incidents()
    for incident in incidents():
        assert thresholds(incident) == [50]
        assert Notice.objects.filter(incident=incident, type="incident.opened").count() == 1
        assert not Notice.objects.filter(incident=incident, type="incident.updated").exists()


@pytest.mark.parametrize(("before", "after"), [
    ("rolling_24h", "monthly"), ("monthly", "rolling_24h"), ("rolling_24h", "rolling_7d"), ("daily", "yearly"),
])  # fmt: skip
def test_whatever_it_was_before_only_the_new_periods_are_left(make, send, before, after):
    budget = make(period=before, now=LONG_AGO)
    look(LONG_AGO)
    send(spend(NOW - 5 * DAY, "45"), spend(NOW - HOUR, "60"))
    look()
    manage.change(budget, {"period": after}, "lena", now=NOW)
    look()
    assert not BudgetPeriod.objects.filter(due=True).exists()
    open_ones = [one for one in incidents() if one.state == State.OPEN]
    assert {one.facts["period"] for one in open_ones} == {after}
    assert len(open_ones) == 1
    send(spend(NOW, "200"))
    look()
    assert {one.facts["period"] for one in incidents() if one.state == State.OPEN} == {after}
    assert max(max(thresholds(one)) for one in incidents() if one.state == State.OPEN) == 100
    assert not BudgetPeriod.objects.filter(due=True).exists()


def test_a_blocking_budget_stops_nobody_for_a_period_that_it_does_not_have_any_more(make, send):
    budget = make(period="daily", amount_usd=10, action="block", now=LONG_AGO)
    look(LONG_AGO)
    send(spend(NOW, "12"))
    look()
    assert Stop.objects.get().lifted_at is None
    manage.change(budget, {"period": "monthly", "amount_usd": 1000}, "lena", now=NOW)
    look()
    assert Stop.objects.get().lifted_at == NOW


def test_windows_of_a_rolling_budget_are_not_judged_as_days_when_its_amount_changes(make, send):
    """What was spent in the day before a window that was told of is no matter of that window."""
    budget = make(period="rolling_24h", amount_usd=10, thresholds=[50, 100], now=LONG_AGO)
    look(LONG_AGO)
    for hours, cost in ((30, "9"), (3, "5")):
        send(spend(NOW - hours * HOUR, cost))
        look(NOW - hours * HOUR)
        turn.turn(NOW - hours * HOUR)
    before = [(one.pk, thresholds(one)) for one in incidents()]
    manage.change(budget, {"amount_usd": "9"}, "lena", now=NOW)
    look()
    assert [(one.pk, thresholds(one)) for one in incidents()] == before
    send(spend(NOW, "4", event_id="deciding"))
    look()
    assert [thresholds(one) for one in incidents()] == [[50], [50, 100]]
    assert incidents()[-1].facts["crossings"][-1]["event_id"] == "deciding"


def test_dollars_that_become_tokens_in_the_middle_of_a_month_are_followed_as_tokens(make, send):
    budget = make()
    other = make(name="other", scope={"agent": ["lookup"]})
    look()
    send(spend(NOW, "60", input_tokens=900, output_tokens=100), spend(NOW, "55", agent_id="lookup"))
    look()
    manage.change(budget, {"amount_tokens": 10**9}, "lena", now=NOW)
    look()
    send(spend(NOW, "7", agent_id="lookup"))
    look()
    assert turn.follow(NOW + HOUR) == 2
    by_budget = {one.facts["budget"]: one for one in incidents()}
    assert by_budget[budget.pk].facts["spent_tokens"] == 1000 + 2 * (1200 + 85)
    assert by_budget[budget.pk].amount is None
    assert by_budget[other.pk].facts["spent_usd"] == "62.000000000000"
    assert turn.follow(NOW + HOUR) == 0


def test_tokens_that_become_dollars_are_followed_as_dollars(make, send):
    budget = make(amount_tokens=1000)
    look()
    send(spend(NOW, "3", input_tokens=600, output_tokens=0))
    look()
    manage.change(budget, {"amount_usd": "1000"}, "lena", now=NOW)
    look()
    assert turn.follow(NOW + HOUR) == 1
    (incident,) = incidents()
    assert (incident.facts["spent_usd"], incident.amount) == ("3.000000000000", Decimal(3))


def test_another_zone_of_the_workspace_holds_for_its_budgets_at_once(make, send, settings_page):
    """The first hours of November in Berlin are October in New York: neither the same month nor the same sum."""
    own = make(name="own zone", time_zone="UTC", now=LONG_AGO)
    make(now=LONG_AGO)
    look(LONG_AGO)
    in_between = datetime.fromisoformat("2026-11-01T02:00:00+00:00")  # 03:00 in Berlin, 22:00 of October in New York
    send(spend(in_between, "30"), spend(NOW, "25"))
    look()
    assert {one.facts["period_start"] for one in incidents()} == {"2026-10-31T23:00:00Z", "2026-11-01T00:00:00Z"}
    settings_page(time_zone="America/New_York")
    look()
    follows = {one.facts["period_start"]: one for one in incidents() if one.facts["budget"] != own.pk}
    assert follows["2026-10-31T23:00:00Z"].state == State.RESOLVED
    assert "2026-11-01T04:00:00Z" not in follows  # $25 of $100
    send(spend(NOW, "26", event_id="deciding"))
    look()
    last = Incident.objects.get(facts__period_start="2026-11-01T04:00:00Z")
    assert (last.facts["spent_usd"], last.opened_by_event) == ("51.000000000000", "deciding")
    assert [thresholds(one) for one in incidents() if one.facts["budget"] == own.pk] == [[50, 80]]
    assert not BudgetPeriod.objects.filter(due=True).exists()


def test_another_first_day_of_the_week_cuts_the_weeks_anew(make, send, settings_page):
    budget = make(period="weekly", thresholds=[100], now=LONG_AGO)
    look(LONG_AGO)
    sunday = NOW - 3 * DAY
    send(spend(sunday, "60"), spend(NOW, "40"))
    look()
    assert not incidents()
    settings_page(week_start="7")
    look()
    (incident,) = incidents()
    assert incident.facts["period_start"] == "2026-11-14T23:00:00Z"
    assert status(Budget.objects.get(pk=budget.pk), NOW).spent == 100


def test_another_name_of_the_workspace_judges_nothing_anew(make, send, settings_page):
    budget = make(now=LONG_AGO)
    look()
    before = Budget.objects.values_list("changed_at", "judged_at").get(pk=budget.pk)
    settings_page(name="Larkfield Inc.")
    assert Budget.objects.values_list("changed_at", "judged_at").get(pk=budget.pk) == before
