"""Without any budget: three to begin with, their amounts from the workspace's own spend."""

from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest

from costwatch.dashboards.budgets.starters import rounded_up, starters
from tests.dashboards.page import links, text
from tests.ledger.make import NOW


def offered(workspace) -> dict[str, dict[str, str]]:
    found = {}
    for one in starters(workspace, NOW):
        found[one.name] = {name: values[0] for name, values in parse_qs(urlsplit(one.url).query).items()}
    return found


def test_they_follow_what_was_spent(workspace, spend):
    spend(
        (30, "1234.50", {"agent_id": "reasoning", "user_id": "u-1"}),  # October
        (3, "40", {"agent_id": "reasoning", "user_id": "u-1"}),
        (3, "2.10", {"agent_id": "triage", "user_id": "u-2"}),
        (2, "6.10", {"agent_id": "reasoning", "user_id": "u-2"}),
    )
    found = offered(workspace)
    assert found["All agents, each month"] == {
        "name": "All agents, each month", "amount": "1300", "period": "monthly", "forecast_thresholds": "100",
    }  # fmt: skip
    assert found["Each user, each day"]["amount"] == "40"
    assert found["Each user, each day"]["per"] == "user"
    assert found["reasoning, each day"] | {"name": ""} == {
        "name": "", "amount": "40", "period": "daily", "agent": "reasoning",
    }  # fmt: skip


def test_without_a_last_month_the_last_thirty_days_count(workspace, spend):
    spend((2, "12.01", {"agent_id": None}))
    assert offered(workspace) == {
        "All agents, each month": {
            "name": "All agents, each month", "amount": "13", "period": "monthly", "forecast_thresholds": "100",
        }
    }  # fmt: skip


def test_without_any_spend_there_is_nothing_to_suggest(workspace, db):
    assert starters(workspace, NOW) == []


@pytest.mark.parametrize(("amount", "rounded"), [
    ("2137", "2200"), ("2100", "2100"), ("9.91", "10"), ("4.31", "4.4"), ("0.123", "0.13"), ("99.5", "100"),
])  # fmt: skip
def test_amounts_are_rounded_up_to_two_digits(amount, rounded):
    assert rounded_up(Decimal(amount)) == Decimal(rounded)


def test_the_empty_page_offers_them_to_those_who_may(editor, client, spend):
    spend((2, "12.01", {"agent_id": "triage"}))
    page = editor.get("/budgets").content.decode()
    assert "triage, each day" in text(page)
    assert any(link.startswith("/budgets/new?name=triage") for link in links(page))
    assert not any(link.startswith("/budgets/new") for link in links(client.get("/budgets").content.decode()))


def test_before_the_first_call_it_says_what_to_do(editor):
    assert "No calls have been sent yet" in text(editor.get("/budgets").content.decode())


def test_what_is_offered_fills_the_form_in(editor, spend):
    spend((2, "12.01", {"agent_id": "triage"}))
    link = next(link for link in links(editor.get("/budgets").content.decode()) if "agent=triage" in link)
    page = editor.get(link).content.decode()
    assert 'value="triage, each day"' in page
    assert '<option value="daily" selected>' in page
    assert 'name="known-0" value="triage" checked' in page
