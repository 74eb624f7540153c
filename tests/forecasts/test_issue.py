"""Each local day the forecast of the workspace's month is stored once, as of midnight."""

from datetime import UTC, date, datetime

import pytest
import time_machine

from costwatch.accounts.models import Workspace
from costwatch.database import clock
from costwatch.forecasts.issue import issue_due
from costwatch.forecasts.models import IssuedForecast
from costwatch.forecasts.tasks import issue

OCTOBER_10 = datetime(2026, 10, 10, 9, tzinfo=UTC)


def test_a_forecast_is_issued_once_a_day(workspace, spend):
    spend(["10"] * 70)
    assert issue_due(OCTOBER_10) == 1
    assert issue_due(OCTOBER_10) == 0
    stored = IssuedForecast.objects.get()
    assert (stored.month, stored.day) == (date(2026, 10, 1), date(2026, 10, 10))
    assert stored.spent == 90 and stored.mid == 310 and stored.run_rate == 310
    assert stored.low < stored.mid < stored.high and stored.method == "weekday"


def test_it_is_made_as_of_midnight_whatever_the_day_has_cost_already(workspace, spend):
    spend(["10"] * 70)
    spend(["500"], first=70)
    assert issue_due(OCTOBER_10) == 1
    assert IssuedForecast.objects.get().mid == 310


def test_the_day_is_that_of_the_workspace(workspace, spend):
    spend(["10"] * 70)
    just_after_midnight_in_berlin = datetime(2026, 10, 9, 22, 5, tzinfo=UTC)
    issue_due(just_after_midnight_in_berlin)
    assert IssuedForecast.objects.get().day == date(2026, 10, 9), "batches under way at midnight may still come"
    issue_due(datetime(2026, 10, 9, 22, 20, tzinfo=UTC))
    assert IssuedForecast.objects.latest("day").day == date(2026, 10, 10)


def test_on_the_first_of_a_month_there_is_no_run_rate(workspace, spend):
    spend(["10"] * 61)
    issue_due(datetime(2026, 10, 1, 9, tzinfo=UTC))
    stored = IssuedForecast.objects.get()
    assert stored.run_rate is None and stored.spent == 0 and stored.mid == 310


def test_too_little_data_issues_nothing(workspace, spend):
    spend(["10"] * 6, first=64)
    Workspace.objects.create(name="Nothing yet", time_zone="UTC")
    assert issue_due(OCTOBER_10) == 0
    assert not IssuedForecast.objects.exists()


@pytest.mark.usefixtures("workspace")
def test_the_task_goes_by_the_clock_of_the_database_not_by_that_of_a_worker(spend):
    spend(["10"] * 70)
    began = clock.now()
    with time_machine.travel(OCTOBER_10, tick=False):
        issue()
    assert began <= IssuedForecast.objects.get().issued_at <= clock.now()
