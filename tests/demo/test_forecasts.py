"""The demo's forecasts: one for each day of its history, none of which knew what came later."""

from datetime import UTC, datetime, timedelta

import pytest

from costwatch.accounts.models import Workspace
from costwatch.demo import company, forecasts
from costwatch.forecasts.models import IssuedForecast
from costwatch.ledger.fold import fold_all
from costwatch.ledger.record import record
from tests.ledger.make import entry

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
END = datetime(2026, 11, 25, 14, tzinfo=UTC)


def test_each_day_with_a_week_before_it_gets_its_forecast(monkeypatch):
    monkeypatch.setattr(company, "DAYS", 20)
    workspace = Workspace.objects.create(name="Larkfield Support", time_zone="Europe/Berlin")
    days = [END - timedelta(days=n) for n in range(21)]
    dear = entry(timestamp=END, cost="1000")
    record(workspace.lane, [*(entry(timestamp=day, cost="10") for day in days), dear])
    fold_all()
    assert forecasts.make(END) == 14
    assert forecasts.make(END) == 0
    last = IssuedForecast.objects.latest("day")
    assert str(last.day) == "2026-11-25" and last.high < 500, "what the day itself cost is not known in its morning"
