"""Issued forecasts are held against what the months came to, beside the run-rate on the same days."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from costwatch.forecasts.accuracy import accuracy, score
from costwatch.forecasts.issue import issue_due
from costwatch.forecasts.models import IssuedForecast

pytestmark = pytest.mark.thorough
NOVEMBER = datetime(2026, 11, 5, 12, tzinfo=UTC)
OCTOBER = date(2026, 10, 1)


def said(workspace, day, mid, run_rate, low=0, high=10_000, month=OCTOBER):
    return IssuedForecast(
        workspace=workspace, month=month, day=date(month.year, month.month, day), issued_at=NOVEMBER, spent=0, low=low,
        mid=Decimal(mid), high=high, run_rate=run_rate, method="weekday",
    )  # fmt: skip


def test_errors_are_shares_of_what_the_months_came_to(workspace):
    issued = [said(workspace, 5, 90, Decimal(50)), said(workspace, 6, 120, Decimal(200))]
    found = score(issued, {OCTOBER: Decimal(100)})
    assert found.error == Decimal("0.15")
    assert found.naive == Decimal("0.75")


def test_the_band_held_where_the_month_came_to_lie_in_it(workspace):
    issued = [said(workspace, n, 100, Decimal(1), low=90, high=110 if n < 8 else 95) for n in range(5, 9)]
    assert score(issued, {OCTOBER: Decimal(100)}).in_band == Decimal("0.75")


def test_first_days_are_left_out_of_both(workspace):
    issued = [said(workspace, 1, 500, None), said(workspace, 2, 100, Decimal(100))]
    found = score(issued, {OCTOBER: Decimal(100)})
    assert (found.days, found.error, found.naive) == (1, 0, 0)


def test_months_that_are_not_over_or_hardly_forecast_are_no_data(workspace, spend):
    spend(["10"] * 100)
    IssuedForecast.objects.bulk_create(said(workspace, n, 300, Decimal(300), month=date(2026, 11, 1)) for n in (2, 3))
    IssuedForecast.objects.bulk_create(said(workspace, n, 300, Decimal(300)) for n in (4, 5))
    assert accuracy(workspace, NOVEMBER) is None


def test_what_is_issued_day_by_day_is_scored_when_the_months_are_over(workspace, spend):
    week = ["20", "20", "20", "20", "20", "5", "5"]
    spend((week * 14)[: 31 + 30 + 31])
    at = datetime(2026, 9, 1, 9, tzinfo=UTC)
    while at < NOVEMBER:
        issue_due(at)
        at += timedelta(days=1)
    found = accuracy(workspace, NOVEMBER)
    assert (found.first, found.last) == (date(2026, 9, 1), OCTOBER)
    assert found.whole.days == 29 + 30
    assert found.whole.error < found.whole.naive, "the run-rate knows no weekends"
    assert [name for name, _ in found.stages] == ["first ten days", "middle ten days", "last days"]
    assert found.stages[0][1].error > found.stages[2][1].error
    assert found.whole.in_band == pytest.approx(Decimal("0.9"), abs=Decimal("0.15"))


def test_only_the_last_three_months_count(workspace, spend):
    spend(["10"] * 95)
    july = date(2026, 7, 1)
    IssuedForecast.objects.bulk_create(said(workspace, n, 9999, Decimal(1), month=july) for n in range(2, 20))
    assert accuracy(workspace, NOVEMBER) is None
