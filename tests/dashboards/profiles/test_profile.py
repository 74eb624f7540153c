"""Profile pages: one value of a dimension, with all that is known of it."""

import csv
from functools import partial
from io import StringIO

import pytest

from costwatch.alerts.incidents import Report, open_or_update
from costwatch.alerts.models import Kind, Severity
from costwatch.budgets import manage
from costwatch.budgets.status import statuses
from costwatch.dashboards.addresses import profile_url
from costwatch.ledger.fold import fold_all
from tests.dashboards.conftest import DAY
from tests.dashboards.page import figure, links, row, text
from tests.ledger.make import NOW, entry

pytestmark = [pytest.mark.usefixtures("now"), pytest.mark.thorough]


def body(client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def test_an_agent_has_a_page_with_its_spend_its_unit_costs_and_its_neighbours(client, month):
    html = body(client, "/agents/reasoning")
    said = text(html)
    assert "Spend $5 .00 ▲ 25 % vs $4.00" in said
    assert "Per run $5.00 mean of 1 run begun" in said
    assert "Per call $2.50 2 calls" in said
    assert row(html, "refund")[2:5] == ["$5.00", "new", "2"]
    assert row(html, "u-1")[2] == "$5.00"
    assert row(html, "gpt-5.4-mini")[2:4] == ["$5.00", "▲ 25 %"]
    assert sum(sum(trace["y"]) for trace in figure(html)["data"] if trace["type"] == "bar") == pytest.approx(5)
    assert {"/tasks/refund", "/users/u-1", "/models/gpt-5.4-mini", "/runs/r-1", "/runs?agent=reasoning",
            "/?agent=reasoning&by=task", "/?agent=reasoning"} <= set(links(html))  # fmt: skip


@pytest.mark.parametrize(
    ("address", "heading", "neighbours"),
    [
        ("/users/u-1", "User u-1", ["Agents", "Tasks", "Models"]),
        ("/tasks/refund", "Task refund", ["Models", "Agents", "Users"]),
        ("/models/gpt-5.4-mini", "Model gpt-5.4-mini", ["Agents", "Tasks", "Releases"]),
    ],
)
def test_each_kind_of_profile_has_its_own_parts(client, month, address, heading, neighbours):
    said = text(body(client, address))
    assert heading in said
    assert all(f"{name} all in the Overview" in said for name in neighbours)


def test_tags_and_releases_have_pages_too(client, send):
    send(entry(cost="1.5", tags={"customer": "Orbit & Sons"}, release="triage@1.8/2"))
    fold_all()
    assert "Customer Orbit & Sons" in text(body(client, profile_url("tag.customer", "Orbit & Sons")))
    assert "Spend $1 .50" in text(body(client, profile_url("release", "triage@1.8/2")))


@pytest.mark.parametrize("name", ["..", "a/../b", "back\\slash", "two\nlines", "x.csv", "<b>&'\"", "a?b#c", " "])
def test_every_name_has_a_page_of_its_own(client, send, name):
    send(entry(agent_id=name, cost="2"), entry(agent_id="other", cost="40"), entry(tags={name: name}, cost="1"))
    fold_all()
    for dimension in ("agent", f"tag.{name}"):
        html = body(client, profile_url(dimension, name))
        assert "$40" not in html
    assert "Spend $2 .00" in text(body(client, profile_url("agent", name)))


def test_a_profile_keeps_its_value_while_the_period_and_filters_change(client, month):
    html = body(client, "/agents/reasoning?period=30d&model=gpt-5.4-mini")
    assert "/agents/reasoning?period=today&model=gpt-5.4-mini" in links(html)
    assert "/agents/reasoning?period=30d" in links(html), "the filter can be removed"
    assert "/tasks/refund?period=30d" in links(html)
    awkward = profile_url("agent", "..")
    assert awkward == "/profile?by=agent&agent=.."


def test_what_was_never_recorded_has_no_page(client, month):
    for address in ("/agents/nobody", "/users/u-404", "/tags/customer/x", "/profile?by=session&session=x", "/profile",
                    "/profile?by=nonsense&nonsense=1", "/agents/%00"):  # fmt: skip
        assert client.get(address).status_code == 404
    assert client.get("/agents/reasoning?period=x").status_code == 400


def test_another_workspace_does_not_know_the_name(stranger, month):
    assert stranger.get("/agents/reasoning").status_code == 404


def test_a_period_without_calls_says_where_there_are_some(client, month):
    said = text(body(client, "/agents/lookup?period=today"))
    assert "No calls of this agent on 18 Nov 2026" in said
    assert "Clear the filters" not in said
    assert "match these filters" in text(body(client, "/agents/reasoning?task=none"))


def test_unpriced_spend_is_no_zero(client, send):
    send(entry(agent_id="new", cost=None, model="unknown-1", run_id="r-9", error=True))
    fold_all()
    html = body(client, "/agents/new")
    assert "Spend unpriced nothing to compare Per run – mean of 1 run begun Median run –" in text(html)
    assert "$0.00" not in html and 'title="$0' not in html
    assert "Per 1M tokens – " in text(html)
    assert "Nothing here has a price" in text(html)
    assert row(html, "unknown-1")[2] == "unpriced"


def test_what_has_no_price_any_more_has_not_become_free(client, send):
    send(entry(agent_id="new", cost="4", model="unknown-1", minutes=-8 * DAY))
    send(entry(agent_id="new", cost=None, model="unknown-1"))
    fold_all()
    html = body(client, "/agents/new?period=7d")
    assert "Spend unpriced vs $4.00" in text(html)
    assert row(html, "unknown-1")[2:4] == ["unpriced", "–"]
    assert "100 %" not in text(html).split("Errors")[0]


def test_incidents_about_the_value_stand_on_its_page(client, workspace, month):
    facts = {"agent": "reasoning", "task": "refund"}
    loop = Report(Kind.LOOP, "loop:1", Severity.ALARM, "reasoning: a loop", "It loops.", "reasoning", NOW,
                  run_id="r-1", facts=facts)  # fmt: skip
    open_or_update(workspace.pk, loop, NOW)
    for address in ("/agents/reasoning", "/tasks/refund", "/users/u-1", "/models/gpt-5.4-mini"):
        assert "reasoning: a loop" in text(body(client, address)), "named in the facts, or carried by its run"
    assert "None of the newest incidents is about this agent" in text(body(client, "/agents/triage"))


def budget(workspace, **data):
    usual = {"name": "A budget", "amount_usd": "10", "period": "monthly", "allow_unseen": True}
    return manage.create(workspace, {**usual, **data}, "lena@larkfield.example")


def test_budgets_that_name_the_value_stand_on_its_page(client, workspace, month):
    budget(workspace, name="Reasoning", scope={"agent": ["reasoning", "triage"]})
    budget(workspace, name="Not reasoning", scope={"agent!": ["reasoning"]})
    budget(workspace, name="Everything")
    said = text(body(client, "/agents/reasoning"))
    assert "Reasoning 62.5 % above 50 % $6.25 of $10.00 a month" in said
    assert "Not reasoning" not in said
    assert "Everything" not in said
    assert "No budget limits this task by name." in text(body(client, "/tasks/refund"))


def test_a_budget_for_each_user_shows_what_this_one_used(client, workspace, month, monkeypatch):
    budget(workspace, name="Each user", per="user", amount_usd="4")
    budget(workspace, name="Each of some", per="user", scope={"user": ["u-2"]})
    said = text(body(client, "/users/u-1"))
    assert "Each user 125 % over $5.00 of $4.00 a month per user" in said
    assert "Each of some" not in said
    monkeypatch.setattr("costwatch.dashboards.profiles.budgets.statuses", partial(statuses, top=0))
    assert "Each user 125 % over $5.00" in text(body(client, "/users/u-1")), "read for itself"


def test_values_of_users_with_very_many_calls_are_not_read_one_by_one(client, month, monkeypatch):
    monkeypatch.setattr("costwatch.dashboards.profiles.page.MOST_EVENTS", 1)
    said = text(body(client, "/users/u-1"))
    assert "Too many calls to list here at once" in said
    assert "refund" in said


def test_a_fragment_comes_without_the_frame(client, month):
    html = client.get("/agents/reasoning", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in html
    assert 'id="profile"' in html


def test_percentiles_are_those_of_its_runs(client, send):
    send(*(entry(minutes=-n, agent_id="a", run_id=f"r-{n}", cost=str(n)) for n in range(1, 101)),
         entry(minutes=-3 * DAY, agent_id="b", run_id="other", cost="999"))  # fmt: skip
    fold_all()
    said = text(body(client, "/agents/a"))
    assert "Median run $50.00 90 %: $90.00 · 99 %: $99.00" in said
    assert "r-100 $100.00 1 call" in said


def test_pages_that_name_a_value_lead_to_its_profile(client, month):
    assert {"/agents/reasoning", "/tasks/refund"} <= set(links(body(client, "/runs/r-1")))
    assert {"/agents/reasoning", "/users/u-1", "/tasks/refund"} <= set(links(body(client, "/runs")))
    filtered = links(body(client, "/?agent=reasoning&by=task"))
    assert "/agents/reasoning" in filtered, "the chip"
    assert "/?agent=reasoning&task=refund&by=user" in filtered, "a click on a row still narrows"
    assert "/agents/reasoning" not in links(body(client, "/?agent=reasoning&agent=triage"))


def lines(client, address: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(body(client, address), newline="")))


def test_the_tables_are_a_file_with_all_digits(client, month):
    found = lines(client, "/agents/reasoning.csv")
    assert [(line["by"], line["value"]) for line in found] == [
        ("agent", "reasoning"), ("model", "gpt-5.4-mini"), ("task", "refund"), ("user", "u-1"),
    ]  # fmt: skip
    whole, _, task, _ = found
    assert (whole["cost_usd"], whole["cost_before_usd"], whole["change_usd"]) == (
        "5.000000000000", "4.000000000000", "1.000000000000")  # fmt: skip
    assert (task["cost_usd"], task["calls"], task["priced_calls"]) == ("5.000000000000", "2", "2")
    unpriced = next(line for line in lines(client, "/agents/triage.csv") if line["value"] == "new-model")
    assert (unpriced["cost_usd"], unpriced["change_usd"], unpriced["unpriced_calls"]) == ("", "", "1")


def test_the_page_leads_to_its_file_which_keeps_days_and_filters(client, month):
    asked = "period=30d&task=refund"
    assert f"/agents/reasoning.csv?{asked}" in links(body(client, f"/agents/reasoning?{asked}"))
    answer = client.get("/agents/reasoning.csv?period=7d&task=nothing")
    assert 'filename="agent-reasoning-2026-11-12-2026-11-18.csv"' in answer["Content-Disposition"]
    assert [line["calls"] for line in csv.DictReader(StringIO(answer.content.decode()))] == ["0"]
    assert client.get("/agents/reasoning.csv?period=fortnight").status_code == 400


@pytest.mark.parametrize(
    ("dimension", "name"),
    [("agent", "x.csv"), ("user", ".."), ("model", "a/b"), ("tag.customer", '=a"b\\'), ("tag.x.", "ü")],
)
def test_a_value_of_any_name_has_its_file(client, stranger, send, dimension, name):
    field = {"user": "user_id", "agent": "agent_id"}.get(dimension, dimension)
    fields = {"tags": {dimension[4:]: name}} if "." in dimension else {field: name}
    send(entry(cost="3.21", **fields))
    fold_all()
    found = links(body(client, profile_url(dimension, name)))
    (link,) = (link for link in found if link.partition("?")[0].endswith(".csv"))
    answer = client.get(link)
    assert answer.content.decode().splitlines()[1].split(",")[-7:-5] == ["3.210000000000", "0"]
    told = answer["Content-Disposition"]
    assert told.count('"') == 2 and told.isascii()
    assert stranger.get(link).status_code == 404
