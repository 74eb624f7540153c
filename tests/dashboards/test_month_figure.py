"""The month at a glance: to date, where it will end, against the budget, and no number where there is no basis."""

import re
from datetime import date
from decimal import Decimal

import pytest
from django.core.cache import cache

from costwatch.budgets import manage
from costwatch.dashboards.month_figure import band_picture, up_to_same_day
from costwatch.forecasts.models import IssuedForecast
from costwatch.ledger.fold import fold_all
from costwatch.spend.outlooks import workspace_outlook
from tests.dashboards.conftest import DAY
from tests.dashboards.page import as_read, figure, text
from tests.ledger.make import NOW, entry

pytestmark = [pytest.mark.usefixtures("now"), pytest.mark.thorough]


@pytest.fixture
def steady(send):
    """Ten dollars a day for sixty days, four of them today."""
    send(*(entry(minutes=-n * DAY, cost="10", agent_id="triage" if n % 2 else "lookup") for n in range(1, 61)))
    send(entry(minutes=-5, cost="4"))
    fold_all()


def shown(client, address="/"):
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def budget(workspace, **data):
    usual = {"name": "All agents", "amount_usd": "250", "period": "monthly", "thresholds": [100]}
    return manage.create(workspace, usual | data, "a test")


def test_the_forecast_stands_with_its_band_beside_last_month(client, steady):
    said = text(shown(client))
    assert "November to date $174 .00" in said
    assert "Forecast, 30 November $300 .00" in said
    assert "vs $310.00 in October" in said
    assert re.search(r"80 %: \$2\d\d–\$3\d\d", said)


def test_the_month_to_date_names_the_days_it_is_held_against_and_the_forecast_the_whole_month(client, steady):
    said = text(shown(client))
    assert "November to date $174 .00 ▲ 2 % vs $170.00, 1–18 Oct" in said
    assert "Forecast, 30 November $300 .00 ▼ 3 % vs $310.00 in October" in said


@pytest.mark.parametrize(
    ("today", "days"),
    [(date(2026, 11, 1), "1 Oct"), (date(2026, 11, 26), "1–26 Oct"), (date(2026, 11, 30), "1–30 Oct")],
)
def test_the_days_of_the_month_before_go_up_to_the_same_day(today, days):
    assert up_to_same_day(date(2026, 10, 1), today) == days


def test_a_shorter_month_before_is_named_whole():
    assert up_to_same_day(date(2026, 2, 1), date(2026, 3, 31)) == "1–28 Feb"


def test_six_days_are_not_enough(client, send):
    send(*(entry(minutes=-n * DAY, cost="10") for n in range(1, 7)))
    said = text(shown(client))
    assert "Forecast, 30 November – Not enough data" in said


def test_the_budget_of_the_whole_workspace_stands_beside_month_and_forecast(client, workspace, steady):
    made = budget(workspace)
    html = shown(client)
    assert "69.6 % of $250.00" in text(html)
    assert "$50.00 over budget · gone 25 Nov" in text(html)
    assert f'href="/budgets/{made.pk}"' in html


def test_less_than_the_budget_is_said_too(client, workspace, steady):
    budget(workspace, amount_usd="400")
    assert "$100.00 under budget" in text(shown(client))


@pytest.mark.parametrize(
    "other",
    [{"scope": {"agent": ["triage"]}}, {"period": "weekly"}, {"per": "agent"},
     {"amount_usd": None, "amount_tokens": 1000}, {"time_zone": "Asia/Tokyo"}],
)  # fmt: skip
def test_budgets_of_parts_or_other_periods_are_not_the_months(client, workspace, steady, other):
    budget(workspace, **other)
    assert "budget" not in text(shown(client)).split("Spend per day")[0].split("Forecast")[1]


def test_under_a_filter_that_part_is_forecast_and_no_budget_is_shown(client, workspace, steady):
    budget(workspace)
    said = text(shown(client, "/?agent=triage"))
    assert "over budget" not in said
    assert "November to date $94 .00" in said
    assert "Forecast, 30 November $1" in said


def test_a_late_event_of_this_month_is_in_the_forecast_at_once(client, send, steady):
    shown(client)
    send(entry(minutes=-3 * DAY, cost="50"))
    said = text(shown(client))
    assert "November to date $224 .00" in said
    forecast = Decimal(re.search(r"Forecast, 30 November \$(\d+) \.(\d\d)", said)[1])
    assert forecast > 350


def test_the_picture_holds_the_band_and_its_mark(workspace, steady):
    outlook = workspace_outlook(workspace, NOW)
    picture = band_picture(outlook, Decimal(250))
    start, width, middle, mark = (
        float(x.rstrip("%")) for x in (picture.start, picture.width, picture.middle, picture.mark)
    )
    assert 0 < mark < start < middle < start + width < 100
    assert band_picture(outlook, None).mark is None


def test_there_is_no_picture_without_a_forecast(workspace):
    assert band_picture(workspace_outlook(workspace, NOW), Decimal(5)) is None


def test_curves_stay_in_their_picture(client, steady):
    html = shown(client)
    points = re.findall(r'points="([^"]+)"', html)
    assert len(points) == 4, "the band, the forecast, the month before, the month"
    for pair in " ".join(points).split():
        x, y = map(float, pair.split(","))
        assert 0 <= x <= 300 and 2.9 <= y <= 58


def test_the_chart_outlines_what_today_will_come_to_and_draws_the_pace_of_the_budget(client, workspace, steady):
    budget(workspace, amount_usd="300")
    html = shown(client)
    layout = figure(html)["layout"]
    outline, pace = layout["shapes"]
    assert (outline["y0"], outline["y1"], outline["type"]) == (4.0, 10.0, "rect")
    assert pace["y0"] == pace["y1"] == 10.0
    assert layout["annotations"][0]["text"] == "pace<br>$\N{WORD JOINER}10.00"
    assert "expected by midnight" in text(html)


@pytest.mark.parametrize("address", ["/?period=today", "/?first=2026-11-01&last=2026-11-17"])
def test_hours_and_past_days_have_no_outline(client, steady, address):
    html = shown(client, address)
    assert "shapes" not in figure(html)["layout"]
    assert "expected by midnight" not in text(html)


def test_over_more_than_the_month_there_is_no_pace(client, workspace, steady):
    budget(workspace, amount_usd="300")
    assert [shape["type"] for shape in figure(shown(client, "/?period=30d"))["layout"]["shapes"]] == ["rect"]


def test_how_good_past_forecasts_were_stands_with_the_forecast(client, workspace, steady):
    cache.clear()
    for day in range(2, 8):
        IssuedForecast.objects.create(
            workspace=workspace, month="2026-10-01", day=f"2026-10-{day:02}", issued_at=NOW, spent=0, low=300,
            mid=Decimal("325.5"), high=350, run_rate=341, method="weekday",
        )  # fmt: skip
    assert "6 forecasts of months that are over were off by 5.0 %, the run-rate by 10.0 %" in as_read(shown(client))
    cache.clear()
