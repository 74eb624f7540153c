"""Thresholds on the forecast: told once a period, before the money is gone, and not once it is."""

from datetime import timedelta
from decimal import Decimal

import pytest

from costwatch.alerts.models import Incident, Severity
from costwatch.budgets import ahead, manage
from costwatch.budgets.models import Budget
from costwatch.budgets.status import statuses
from tests.budgets.conftest import NOW, incidents, look, spend

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
MINUTE = timedelta(minutes=1)


@pytest.fixture
def history(send):
    """$4 a day for seven weeks: about $120 a month."""
    send(*(spend(NOW - timedelta(days=n), "4", user_id="u-1") for n in range(1, 50)))


def test_a_forecast_above_a_threshold_opens_an_incident_of_its_own(make, history):
    look()
    make(forecast_thresholds=[100], thresholds=[100])
    look()
    assert ahead.look(NOW, 30) == 1
    (incident,) = incidents()
    assert (incident.facts["basis"], incident.severity) == ("forecast", Severity.ALARM)
    assert [one["threshold"] for one in incident.facts["crossings"]] == [100]
    assert incident.facts["exhausted_on"] == "2026-11-25"
    assert "used up on Wed 25 Nov 2026." in incident.message
    for minutes in (5, 20, 40):
        ahead.look(NOW + minutes * MINUTE, 30)
    assert incidents() == [incident]
    assert incident.timeline.count() == 1


def test_what_is_spent_already_needs_no_forecast(make, history, send):
    make(forecast_thresholds=[50, 100])
    ahead.look(NOW, 30)
    assert [one["threshold"] for one in incidents()[0].facts["crossings"]] == [100]


def test_what_is_spent_after_a_forecast_was_made_is_never_more_than_the_forecast(make, history, send):
    budget = make(amount_usd="1000")
    ahead.look(NOW, 30)
    before = statuses(budget.workspace, NOW)[0].forecast
    send(spend(NOW, "25"))
    after = statuses(budget.workspace, NOW)[0]
    assert after.forecast == before, "as it was made, while it is above what was spent"
    send(spend(NOW, "500"))
    after = statuses(budget.workspace, NOW)[0]
    assert before.high < after.spent
    assert after.forecast.low == after.forecast.mid == after.forecast.high == after.spent


def test_the_values_of_a_template_have_forecasts_of_their_own(make, history):
    make(per="user", forecast_thresholds=[100])
    ahead.look(NOW, 30)
    assert [one.facts["value"] for one in incidents()] == ["u-1"]


def test_it_is_made_every_quarter_hour_and_a_minute_after_something_was_spent(make, history, send):
    make(forecast_thresholds=[400])
    make(name="without")
    assert ahead.look(NOW, 30) == 2
    assert ahead.look(NOW + 2 * MINUTE, 30) == 0
    send(spend(NOW, "1"))
    assert ahead.look(NOW + MINUTE / 2, 30) == 0
    assert ahead.look(NOW + 4 * MINUTE, 30) == 1
    assert ahead.look(NOW + 16 * MINUTE, 30) == 1  # the one without thresholds, which had no turn since
    assert ahead.look(NOW + 40 * MINUTE, 30) == 0  # nothing was spent
    assert ahead.look(NOW + timedelta(days=1), 30) == 2


def test_lists_show_the_forecast_that_was_kept(make, history, workspace):
    make()
    assert statuses(workspace, NOW)[0].forecast is None
    ahead.look(NOW, 30)
    kept = statuses(workspace, NOW)[0].forecast
    assert kept.mid == pytest.approx(Decimal(120), abs=2)
    assert kept.low <= kept.mid <= kept.high
    assert statuses(workspace, NOW + timedelta(days=20))[0].forecast is None


def test_a_week_is_needed_and_rolling_budgets_have_no_end(make, send):
    send(*(spend(NOW - timedelta(days=n), "40") for n in range(1, 5)))
    make(forecast_thresholds=[50])
    make(period="rolling_7d")
    assert ahead.look(NOW, 30) == 1
    assert not Incident.objects.exists()
    assert not Budget.objects.filter(forecast__isnull=False).exists()


def test_another_threshold_on_the_forecast_is_held_against_it_at_once(make, history):
    budget = make(forecast_thresholds=[400])
    ahead.look(NOW, 30)
    assert not Incident.objects.exists()
    manage.change(budget, {"forecast_thresholds": [100, 400]}, "lena", now=NOW)
    ahead.look(NOW + MINUTE, 30)
    assert [one["threshold"] for one in incidents()[0].facts["crossings"]] == [100]
