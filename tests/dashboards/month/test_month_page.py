"""The statement of a month: what it says adds up, is the same in the CSV, and closes."""

import csv
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.urls import reverse

from costwatch.budgets import manage
from costwatch.forecasts.models import IssuedForecast
from costwatch.ledger import adjust, months
from costwatch.ledger.fold import fold_all
from costwatch.ledger.models import Attribution
from tests.dashboards.page import row, text
from tests.ledger.make import NOW, entry

pytestmark = [pytest.mark.usefixtures("now"), pytest.mark.thorough]


def body(client, address="/month/2026-11"):
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def lines(client, month="2026-11", query=""):
    response = client.get(f"/month/{month}.csv{query}")
    assert response["Content-Disposition"] == f'attachment; filename="statement-{month}.csv"'
    return list(csv.DictReader(StringIO(response.content.decode())))


def test_the_address_without_a_month_is_the_running_one(client):
    assert client.get("/month")["Location"] == "/month/2026-11"


def test_a_running_month_says_what_it_cost_and_will_cost(client, books):
    said = text(body(client))
    assert "November has cost $150.00 so far, $50.00 (50 %) more than up to the same time in October." in said
    assert "By forecast it ends at $" in said and "80 % band" in said
    assert "running" in said


def test_every_section_adds_up_to_the_total_on_the_page_and_in_the_csv(client, books):
    html = body(client)
    assert row(html, "openai")[1:6] == ["$140.00", "93.3 %", "", "$100.00", "+$40.00"]
    assert row(html, "anthropic")[1:4] == ["$10.00", "6.7 %", ""]
    assert row(html, "Orbit Travel")[1] == "$140.00"
    assert row(html, "unheard-of")[1] == "unpriced"
    found = lines(client)
    total = next(line for line in found if line["section"] == "total")
    assert total["cost_usd"] == "150.000000000000" and total["unpriced_calls"] == "1"
    for section in ("provider", "model", "agent", "tag.customer"):
        own = [line for line in found if line["section"] == section]
        for column in ("cost_usd", "cost_before_usd", "change_usd", "calls", "runs", "unpriced_calls"):
            assert sum(Decimal(line[column]) for line in own) == Decimal(total[column]), (section, column)


def test_page_csv_and_api_say_the_same(client, books):
    asked = {"from": "2026-11-01", "to": "2026-12-01", "group_by": "agent"}
    answer = client.get("/api/v1/spend", asked).json()
    lines_of = {line["name"]: line for line in lines(client) if line["section"] == "agent"}
    html = body(client)
    for group in answer["groups"]:
        assert lines_of[group["agent"]]["cost_usd"] == group["cost_usd"]
        assert row(html, group["agent"])[1] == f"${Decimal(group['cost_usd']):,.2f}"
    total = next(line for line in lines(client) if line["section"] == "total")
    assert total["cost_usd"] == answer["total"]["cost_usd"]


def test_a_month_that_is_over_is_held_against_the_whole_one_before(client, send, books):
    said = text(body(client, "/month/2026-10"))
    assert "October cost $120.00." in said
    assert "the books begin 19 Sep" in said, "September is not whole"
    send(entry(minutes=-100 * 24 * 60, cost="0.5"))
    fold_all()
    said = text(body(client, "/month/2026-10"))
    assert "October cost $120.00, $119.00 (11,900 %) more than in September." in said


def test_what_has_no_price_is_told_with_its_models(client, books):
    said = text(body(client))
    assert "What is not in the total unheard-of unknown 1 call without a price" in said


def test_corrections_are_told_by_reason_and_are_in_the_total(client, workspace, books):
    attribution = Attribution.objects.filter(lane=workspace.lane).first()
    made = [
        adjust.Adjustment(NOW - timedelta(hours=n), attribution.pk, {"cost": Decimal("-1.5")}, "a better price")
        for n in (1, 2)
    ]
    adjust.adjust(workspace.lane, made)
    fold_all()
    said = text(body(client))
    assert "a better price −$3.00 2 adjustments" in said
    assert "November has cost $147.00 so far" in said
    correction = next(line for line in lines(client) if line["section"] == "of it corrections")
    assert (correction["name"], correction["cost_usd"]) == ("a better price", "-3.000000000000")


def test_the_budget_of_the_month_stands_beside_it(client, workspace, books):
    made = manage.create(workspace, {"name": "All of it", "amount_usd": "100", "period": "monthly"}, "a test")
    said = text(body(client))
    assert "All of it $100 .00 150 % used" in said
    assert "over the budget of $100.00" in said
    assert f"Budget: {made.name}" in said
    assert "$20.00 over the budget of $100.00." in text(body(client, "/month/2026-10"))
    assert f"/budgets/{made.pk}" in body(client)


def forecast(workspace, day, mid, month=date(2026, 10, 1)):
    return IssuedForecast.objects.create(
        workspace=workspace, month=month, day=month.replace(day=day), issued_at=NOW, spent=0, low=mid - 10,
        mid=mid, high=mid + 10, run_rate=mid * 2, method="weekday",
    )  # fmt: skip


def test_forecasts_stand_against_what_came(client, workspace, books):
    for day in (2, 8, 9, 15, 22, 30):
        forecast(workspace, day, Decimal(126))
    html = body(client, "/month/2026-10")
    assert row(html, "Thu 8 Oct") == ["Thu 8 Oct", "$126", "$116–$136", "+5.0 %"]
    assert row(html, "Fri 30 Oct")[3] == "+5.0 %", "the last one is told too"
    assert "Fri 9 Oct" not in text(html)
    said = text(html)
    assert "October: 6 forecasts were off by 5.0 % of the month, the run-rate by 110.0 %; in 100 % of them" in said


def test_without_forecasts_it_says_that_there_is_not_enough_data(client, books):
    said = text(body(client))
    assert "No forecast of this month was issued" in said
    assert "not enough data, no month that was forecast is over" in said


def test_other_tags_can_be_the_last_section(client, send, books):
    send(entry(minutes=-5, cost="1", tags={"team": "=red"}))
    html = body(client, "/month/2026-11?tag=team")
    assert row(html, "=red")[1] == "$1.00"
    assert "Orbit Travel" not in text(html)
    assert "'=red" in [line["name"] for line in lines(client, query="?tag=team")]
    assert row(body(client, "/month/2026-11?tag=nonsense"), "Orbit Travel")


def test_the_way_to_the_variance_and_the_neighbours(client, books):
    html = body(client, "/month/2026-10")
    assert "/variance?period=month&amp;on=2026-10-31" in html
    assert reverse("month", args=["2026-09"]) in html and reverse("month", args=["2026-11"]) in html
    assert reverse("month", args=["2026-12"]) not in body(client)


@pytest.mark.parametrize("month", ["2026-12", "2026-13", "november", "2026-1", "1980-01", "99999-01"])
def test_months_that_have_not_begun_or_are_none_are_not_found(client, month):
    assert client.get(f"/month/{month}").status_code == 404
    assert client.get(f"/month/{month}.csv").status_code == 404


def test_a_month_without_calls_says_so(client, books):
    assert "No calls in March 2026" in text(body(client, "/month/2026-03"))


def test_an_admin_closes_a_month_and_opens_it_again(admin, client, workspace, send, books):
    assert "Close October 2026" not in text(body(client, "/month/2026-10")), "a viewer cannot"
    assert "Close October 2026 and all before it" in text(body(admin, "/month/2026-10"))
    question = text(body(admin, "/month/2026-10/close"))
    assert "Close October 2026 and all before it?" in question and "can be opened again" in question
    assert months.closed(workspace.lane) == {}, "it was only asked"
    admin.post("/month/2026-10/close")
    said = text(body(admin, "/month/2026-10"))
    assert "October 2026 and all before it are closed: what comes late counts later." in said
    assert "at $120.00 , 11 calls" in said
    send(entry(minutes=-25 * 24 * 60, cost="7", agent_id="late"))
    fold_all()
    assert "October cost $120.00" in text(body(admin, "/month/2026-10"))
    assert "What was repriced came after its month was closed +$7.00" in text(body(admin))
    admin.post("/month/2026-10/reopen")
    assert months.closed(workspace.lane) == {}
    assert "October 2026 is open again." in text(body(admin, "/month/2026-10"))


def test_a_month_that_is_not_over_cannot_be_closed(admin, books):
    response = admin.post("/month/2026-11/close", follow=True)
    assert "November 2026 can be closed from Tue 1 Dec 2026 01:00 Europe/Berlin on" in text(response.content.decode())
    assert admin.post("/month/2026-10/shred").status_code == 404
    assert admin.get("/month/2026-10/reopen").status_code == 405


def test_viewers_close_nothing(client, workspace, books):
    assert client.get("/month/2026-10/close").status_code == 403
    assert client.post("/month/2026-10/close").status_code == 403
    assert not months.closed(workspace.lane)


def test_a_closed_month_keeps_its_instants_when_the_zone_changes(admin, workspace, send, books):
    at_midnight = datetime(2026, 10, 31, 22, 30, tzinfo=UTC)
    send(entry(timestamp=at_midnight, cost="3"))
    admin.post("/month/2026-10/close")
    workspace.time_zone = "America/New_York"
    workspace.save()
    assert "October cost $123.00" in text(body(admin, "/month/2026-10"))


def test_another_workspace_sees_nothing_of_it(stranger, books):
    said = text(body(stranger, "/month/2026-10"))
    assert "No calls in October 2026" in said and "$120" not in said
