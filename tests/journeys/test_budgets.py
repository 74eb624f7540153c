"""A budget made with a look at what it would have done, crossed by an event, and seen on its page."""

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import WORKSPACE, log_in
from tests.live import LiveServer

pytestmark = pytest.mark.journey
LOOK = "from costwatch import tasks; tasks.look()"
WIDE = {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def spending(owned: LiveServer) -> LiveServer:
    """An installation with an owner and two agents that spend."""
    send(owned, [call("triage", f"u-{number}") for number in range(12)] + [call("lookup", "u-1")])
    return owned


def call(agent: str, user: str, tokens: int = 100_000) -> dict[str, object]:
    """$0.20 unless told otherwise."""
    return {"model": "gpt-4.1", "agent_id": agent, "user_id": user, "input_tokens": tokens, "output_tokens": 0}


def send(site: LiveServer, events: list[dict[str, object]]) -> None:
    """Send events, and do what the worker does within a second."""
    reply = site.post("/api/v1/events", events, site.key("ingest", WORKSPACE))
    assert reply.status == 200, reply.body
    site.run(LOOK)


def settled(page: Page) -> None:
    """htmx works on a new fragment for a moment: faster than a person, not than a test."""
    expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)
    expect(page.get_by_text("Looking back")).to_have_count(0)


def test_a_budget_is_made_after_a_look_back_and_its_crossing_is_seen(visit, spending):
    page = visit(viewport=WIDE).page
    log_in(page)
    page.click(".nav >> text=Budgets")
    expect(page.get_by_role("heading", name="No budget yet")).to_be_visible()
    page.click("text=triage, each day")
    expect(page.locator("#preview")).to_contain_text("would have been told")
    page.fill("#id_amount", "5")
    page.locator("#id_amount").press("Tab")
    expect(page.locator("#preview")).to_contain_text("Nothing would have been told")
    expect(page.locator("#preview cost-chart .points path").first).to_be_visible()
    page.click("text=Make the budget")
    page.wait_for_url("**/budgets/*")
    expect(page.locator(".verdict")).to_contain_text("of $5.00")
    send(spending, [call("triage", "u-1", 900_000), call("triage", "u-2", 900_000)])
    page.evaluate("htmx.trigger(document.querySelector('[data-live]'), 'wake')")  # instead of 15 s
    expect(page.locator(".verdict")).to_contain_text("Over budget")
    expect(page.locator("cost-chart > div")).to_have_count(1)
    crossed = page.locator("tr", has_text="100 % spent")
    expect(crossed).to_contain_text("crossed")
    expect(page.locator("cost-chart .main-svg").first).to_be_visible()
    page.click("text=100 % of $5.00 spent")
    page.wait_for_url("**/incidents/*")


def test_a_condition_is_chosen_and_the_preview_follows(visit, spending):
    page = visit(viewport=WIDE).page
    log_in(page)
    page.goto("/budgets/new")
    page.fill("#id_name", "Lookup")
    page.fill("#id_amount", "0.10")
    page.select_option("#dimension-0", "agent")
    settled(page)
    page.check("input[name=known-0][value=lookup]")
    expect(page.locator("#preview")).to_contain_text("1 of 1 months reached the limit")
    page.locator("#id_name").press("Enter")  # looks, and keeps nothing
    page.wait_for_url("**/budgets/new")
    expect(page.locator("#id_name")).to_have_value("Lookup")
    expect(page.locator("input[name=known-0][value=lookup]")).to_be_checked()
    page.select_option("#id_period", "rolling")
    expect(page.locator("#id_window")).to_be_visible()
    expect(page.locator("#id_forecast_thresholds")).to_be_hidden()


def test_without_a_script_a_budget_is_made_as_well(visit, spending):
    page = visit(viewport=WIDE, java_script_enabled=False).page
    log_in(page)
    page.goto("/budgets/new")
    page.fill("#id_name", "By hand")
    page.fill("#id_amount", "7")
    page.select_option("#id_per", "user")
    page.select_option("#dimension-0", "agent")
    page.get_by_role("button", name="Preview").last.click()  # brings the agents to choose from
    page.check("input[name=known-0][value=triage]")
    page.get_by_role("button", name="Preview").last.click()
    expect(page.locator("#preview")).to_contain_text("of each month its dearest user", ignore_case=True)
    page.click("text=Make the budget")
    page.wait_for_url("**/budgets/*")
    spending.run(LOOK)
    page.reload()
    page.locator("tbody th a", has_text="u-1").first.click()
    page.wait_for_url("**/budgets/*?value=*")
    expect(page.locator(".figures")).to_contain_text("of $7.00")


MAKE = """
from costwatch.accounts.models import Workspace; from costwatch import tasks; from costwatch.budgets import manage
for data in ({"period": "monthly"}, {"period": "rolling_24h", "scope": {"agent": ["triage"]}},
             {"period": "daily", "per": "user"}):
    manage.create(Workspace.objects.get(name="Larkfield Support"), {"name": "A look", "amount_usd": "1", **data}, "x")
tasks.look()
"""


@pytest.mark.parametrize(("theme", "width"), [("light", 390), ("dark", 1280)])
def test_the_pages_are_accessible_and_fit(visit, spending, theme, width):
    visitor = visit(viewport={"width": width, "height": 900}, color_scheme=theme)
    page = visitor.page
    log_in(page)
    spending.run(MAKE)
    assert visitor.problems(_addresses(page), settled) == []


def _addresses(page: Page) -> list[str]:
    """The list, the form, and every page of each budget."""
    page.goto("/budgets")
    budgets = page.eval_on_selector_all(".budgets th a", "links => links.map(a => a.getAttribute('href'))")
    assert budgets
    own = [f"{budget}{rest}" for budget in budgets for rest in ("", "/edit", "/remove", "?value=u-1")]
    return ["/budgets", "/budgets/new?amount=1&agent=triage&per=user", *own]
