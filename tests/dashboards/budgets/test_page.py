"""The page of one budget: its verdict, figures, chart, thresholds, periods, and who is told."""

import pytest
import time_machine

from costwatch.alerts import channels
from costwatch.budgets import manage
from tests.dashboards.conftest import logged_in
from tests.dashboards.page import figure, links, row, text
from tests.ledger.make import NOW

pytestmark = pytest.mark.thorough


def shown(client, budget, query: str = "") -> str:
    answer = client.get(f"/budgets/{budget.pk}{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def steady(spend, dollars: str = "4", days: int = 60) -> None:
    """The same amount on each of many days, and so far today."""
    spend(*[(day, dollars, {}) for day in range(days)])


def test_what_is_spent_stands_against_limit_and_even_pace(client, make, spend):
    budget = make(amount_usd="200")
    steady(spend)
    page = text(shown(client, budget))
    assert "Spent $72 .00 36.0 % of $200.00" in page
    assert "Even pace, by now $117 .37 $45.37 under" in page  # 17.6 of 30 days
    assert "Remaining $128 .00 resets in 12 d" in page
    assert "Allowed a day $10 .33 last 7 days: $4.00" in page


def test_a_forecast_below_the_limit_says_how_it_ends(client, make, spend):
    budget = make(amount_usd="200")
    steady(spend)
    page = text(shown(client, budget))
    assert "Within At this pace the month ends at $120 , $80.00 below the budget" in page


def test_a_forecast_above_it_names_the_day_on_which_it_is_gone(client, make, spend):
    budget = make(amount_usd="100")
    steady(spend)
    page = text(shown(client, budget))
    assert "Over budget by the end of the month" in page
    assert "are used up on Wednesday 25 November , 5 days early (80 %:" in page
    assert row(shown(client, budget), "100 % spent")[2] == "expected 25 Nov"


def test_a_budget_that_is_gone_says_when_and_how_much_more_was_spent(client, make, spend):
    budget = make(amount_usd="50")
    steady(spend)
    page = shown(client, budget)
    assert "The $50.00 were used up on Friday 13 November ; $22.00 more have been spent since." in text(page)
    assert row(page, "100 % spent") == ["100 % spent", "$50.00", "crossed Fri 13 Nov 14:32"]
    assert row(page, "50 % spent")[2] == "crossed Sat 7 Nov 14:32"


def test_without_a_week_of_usage_there_is_no_forecast(client, make, spend):
    budget = make()
    steady(spend, days=3)
    page = text(shown(client, budget))
    assert "There is not enough data for a forecast" in page
    assert "Forecast – not enough data" in page


def test_unpriced_spend_makes_it_at_least_with_its_upper_bound(client, make, spend):
    budget = make()
    spend((1, "10", {}), (1, None, {"upper_bound": 4}))
    page = shown(client, budget)
    assert "Spent, at least $10 .00" in text(page)
    assert "71.4 % priced · 1 call unpriced : with what they cost at most, $14.00" in text(page)
    assert "/unpriced" in links(page)


def test_the_chart_ends_where_the_figures_do(client, make, spend):
    budget = make(amount_usd="200")
    steady(spend)
    traces = {trace["name"]: trace for trace in figure(shown(client, budget))["data"]}
    assert traces["Spent"]["y"][-1] == 72
    assert traces["Spent"]["x"][-1] == "2026-11-18T14:32"
    assert traces["Even pace"]["y"] == [0, 200]
    assert traces["Forecast"]["y"][0] == 72
    assert traces["Forecast"]["y"][-1] == 120
    assert traces["80 % band, low"]["y"][-1] <= 120 <= traces["80 % band"]["y"][-1]


def test_the_figures_of_the_chart_stand_in_a_table(client, make, spend):
    budget = make(amount_usd="200")
    steady(spend)
    page = shown(client, budget)
    assert row(page, "Wed 18 Nov 14:32")[1] == "$72.00"
    assert row(page, "Tue 1 Dec 00:00")[2] == "$120"


def test_periods_that_are_over_stand_against_their_limits(client, make, spend):
    budget = make(amount_usd="100", planned={"2026-10": "150"})
    steady(spend, days=30)
    page = shown(client, budget)
    assert row(page, "November 2026 so far")[1:4] == ["$72.00", "$100.00", "72.0 %"]
    assert row(page, "October 2026")[1:4] == ["$48.00", "$150.00", "32.0 %"]
    assert "planned otherwise: $150.00 in October 2026" in text(page)


def test_what_was_carried_over_is_told(client, make, spend):
    budget = make(amount_usd="100", carry_over="30")
    steady(spend, days=30)
    page = text(shown(client, budget))
    assert "72.0 % of" not in page
    assert "$30.00 of it carried over" in page
    assert "of $130.00" in page


@pytest.mark.parametrize(("period", "span", "word"), [
    ("daily", "Wed 18 Nov 2026", "Days"), ("weekly", "week of 16 Nov 2026", "Weeks"),
    ("quarterly", "Q4 2026", "Quarters"), ("yearly", "2026", "Years"),
])  # fmt: skip
def test_each_period_has_its_name(client, make, spend, period, span, word):
    budget = make(period=period)
    steady(spend)
    page = text(shown(client, budget))
    assert f"All agents, {span}" in page
    assert f"{word} so far" in page


def test_a_rolling_budget_shows_what_the_window_held(client, make, spend):
    budget = make(period="rolling_24h", amount_usd="10")
    spend(*[(day + 0.1, "4", {}) for day in range(4)], (0.4, "1", {}))
    page = shown(client, budget)
    assert "The last 24 hours cost $5.00 of $10.00." in text(page)
    assert "never: looks back 24 hours" in text(page)
    assert figure(page)["data"][0]["name"] == "Spent"
    assert figure(page)["data"][0]["y"][-1] == 5
    assert set(figure(page)["data"][0]["y"]) == {4, 5}
    assert "so far" not in text(page).replace("Told so far", "").replace("told so far", "")


def test_its_own_zone_and_week_start_decide_when_it_resets(client, make, spend):
    budget = make(period="weekly", time_zone="America/New_York", week_start=7)
    spend((1, "1", {}))
    page = text(shown(client, budget))
    assert "Sunday 00:00 America/New_York (in 3 d)" in page
    assert "week of 15 Nov 2026" in page


def test_tokens_are_told_as_tokens(client, make, spend):
    budget = make(amount_tokens=100_000)
    spend((1, "1", {"input_tokens": 30_000, "output_tokens": 1_000}))
    page = text(shown(client, budget))
    assert "31.0 % of 100k tokens" in page
    assert "$" not in page.split("Told so far")[0].split("USD")[-1]


def test_what_was_told_leads_to_the_incidents(client, make, spend):
    budget = make(amount_usd="50")
    other = make(name="Other", amount_usd="60")
    steady(spend)
    page = shown(client, budget)
    assert text(page).count("All agents: 100 % of $50.00 spent") == 2  # October too
    assert "Other:" not in text(page)
    assert any(link.startswith("/incidents/") for link in links(page))
    assert "Nothing was told so far" in text(shown(client, make(name="Third", amount_usd="9000")))
    assert other.pk != budget.pk


def test_it_names_whom_it_tells(client, workspace, make):
    budget = make()
    nobody = shown(client, budget)
    assert "nobody: no channel yet , see Settings, Channels" in text(nobody) and "/settings/channels" in links(nobody)
    hook = {"kind": "webhook", "url": "https://hooks.example.com/x"}
    channels.create(workspace, {**hook, "name": "#unusual", "is_default": False})
    assert "nobody: no channel is the usual one" in text(shown(client, budget))
    usual, _ = channels.create(workspace, {**hook, "name": "#costs", "is_default": True})
    own, _ = channels.create(workspace, {**hook, "name": "#finance", "is_default": False})
    assert "#costs , the usual channel" in text(shown(client, budget))
    manage.change(budget, {"channels": [own.pk]}, "x")
    page = text(shown(client, budget))
    assert "#finance" in page
    assert usual.name not in page


def test_a_paused_budget_says_so(client, make, spend):
    budget = make(amount_usd="1")
    manage.change(budget, {"paused": True}, "x")
    spend((1, "5", {}))
    page = text(shown(client, budget))
    assert "no threshold is told and nobody is asked to stop" in page
    assert "not while it is paused" in page


def test_before_anything_was_spent_the_page_stands(client, make):
    for data in ({}, {"period": "rolling_7d"}, {"per": "user"}, {"period": "daily"}, {"amount_tokens": 5}):
        assert "What it is" in text(shown(client, make(**data)))


def test_what_was_told_stands_with_the_time_of_the_threshold_it_names(client, make, spend):
    budget = make(amount_usd="10")
    spend((5, "6", {}))
    assert "Fri 13 Nov 14:32 All agents: 50 % of $10.00 spent" in text(shown(client, budget))
    spend((1, "3", {}))
    assert "Tue 17 Nov 14:32 All agents: 80 % of $10.00 spent" in text(shown(client, budget))


def test_last_evaluation_and_blocking_are_told(client, make, spend):
    budget = make(action="block", amount_usd="1")
    assert "not yet: the worker does so within seconds" in text(shown(client, budget))
    spend((1, "5", {}))
    page = text(shown(client, budget))
    assert "with every call; in full last on Wed 18 Nov 2026 14:32:07" in page
    assert "Over budget, agents are asked to stop" in page


def test_the_csv_holds_the_periods_with_every_digit(client, make, spend):
    budget = make()
    spend((1, "10.123456789012", {}), (30, "5", {}))
    lines = client.get(f"/budgets/{budget.pk}.csv").content.decode().strip().split("\r\n")
    assert lines[0].startswith("period_start,period_end,spent_usd")
    assert lines[1].split(",")[2:4] == ["10.123456789012", "100.000000000000"]
    assert lines[2].split(",")[2] == "5.000000000000"


def test_another_workspace_does_not_find_it(stranger, make):
    budget = make()
    for path in ("", ".csv", "/edit", "/remove"):
        assert stranger.get(f"/budgets/{budget.pk}{path}").status_code == 404


def test_the_year_keeps_its_chart_small(client, make, spend):
    budget = make(period="yearly", amount_usd="5000")
    spend(*[(day, "4", {}) for day in range(320)])
    answer = client.get(f"/budgets/{budget.pk}")
    assert len(answer.content) < 60_000
    assert max(len(trace["x"]) for trace in figure(answer.content.decode())["data"]) <= 102


def test_the_last_minutes_of_a_period_stay_in_it(workspace, make, spend):
    budget = make(period="daily")
    spend((0, "3", {}))
    with time_machine.travel(NOW.replace(hour=22, minute=58), tick=False):  # 23:58 in Berlin
        client = logged_in(workspace, "late@larkfield.example")
        assert figure(shown(client, budget))["data"][-1]["y"]
        assert "Wed 18 Nov 2026" in text(shown(client, budget))


def test_a_budget_of_a_day_speaks_in_times(client, make, spend):
    budget = make(period="daily", amount_usd="8", thresholds=[50, 80, 100])
    spend(*[(day, "10", {}) for day in range(1, 60)], (0, "4.50", {}))
    html = shown(client, budget)
    assert "the $8.00 are used up at 20:33 , 3 hours early (80 %: 20:11 to 20:54)" in text(html)
    assert row(html, "100 % spent")[2] == "expected 20:33"
    labels = [note["text"] for note in figure(html)["layout"]["annotations"]]
    assert "14:32" in labels and not any("18 Nov" in label for label in labels)


def test_a_budget_of_a_day_that_is_gone_says_at_what_time(client, make, spend):
    budget = make(period="daily", amount_usd="8")
    spend((0, "9", {}))
    assert "The $8.00 were used up at 14:32 ; $1.00 more have been spent since." in text(shown(client, budget))
