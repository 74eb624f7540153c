"""A developer asks what a run cost and why: by its id to the run, to the parts of a call's cost, to the raw event. And
every page of runs, sessions and profiles in both themes and widths."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import WORKSPACE, log_in
from tests.journeys.test_pages import HOSTILE
from tests.live import LiveServer

pytestmark = pytest.mark.journey
BEGAN = datetime.now(UTC) - timedelta(minutes=5)


def call(number: int, **fields: object) -> dict[str, object]:
    """The calls are ten seconds apart."""
    shared = {"model": "gpt-5-mini", "session_id": "s-1", "user_id": "u-1", "task": "refund", "latency_ms": 2100,
              "tags": {"customer": "Orbit"}}  # fmt: skip
    at = (BEGAN + number * timedelta(seconds=10)).isoformat()
    return {**shared, "event_id": f"e-{number}", "timestamp": at, **fields}


EVENTS = [
    call(1, agent_id="triage", run_id="r-1", input_tokens=1000, output_tokens=50),
    call(2, agent_id="reasoning", run_id="r-7f3", parent_id="r-1", tool="get_order", input_tokens=40_000,
         output_tokens=900, cached_input_tokens=10_000),
    call(3, agent_id="reasoning", run_id="r-7f3", parent_id="e-2", tool="get_order", input_tokens=60_000,
         output_tokens=500, status="error", error_type="timeout"),
    call(4, agent_id=HOSTILE, run_id="r-7f3", parent_id="e-2", session_id=HOSTILE, input_tokens=900, output_tokens=10),
]  # fmt: skip
PAGES = ["/runs", "/runs/r-7f3", "/calls/e-2", "/sessions", "/sessions/s-1", "/session-paths",
         "/session-paths?by=model", "/resend", "/sessions?first=2020-01-01", "/agents/reasoning", "/users/u-1",
         "/tags/customer/Orbit", "/models/gpt-5-mini", "/agents/reasoning?first=2020-01-01"]  # fmt: skip


@pytest.fixture(scope="module")
def used(owned: LiveServer) -> LiveServer:
    """An installation with an owner and one conversation."""
    key = owned.key("ingest", WORKSPACE)
    assert owned.post("/api/v1/events", EVENTS, key).json()["accepted"] == len(EVENTS)
    return owned


def test_from_the_id_of_a_run_to_the_raw_event_of_its_dearest_call(visit, used):
    page: Page = visit(viewport={"width": 1280, "height": 900}).page
    log_in(page)
    page.click(".nav >> text=Runs")
    page.fill("#find-id", "r-7f3")
    page.press("#find-id", "Enter")
    page.wait_for_url("**/runs/r-7f3")
    expect(page.locator("h1")).to_contain_text("r-7f3")
    expect(page.locator(".relatives")).to_contain_text("Called by r-1")
    expect(page.locator(".timeline rect")).to_have_count(3)
    expect(page.locator(".calls tbody tr").nth(1)).to_contain_text("by call 1")
    page.locator(".cost-btn").nth(1).click()
    parts = page.locator("#parts")
    expect(parts).to_contain_text("Input, not cached")
    expect(parts).to_contain_text("60,000")
    parts.get_by_text("All about this call").click()
    page.wait_for_url("**/calls/e-3")
    page.click("text=Show it")
    expect(page.locator("[aria-label='Raw event']")).to_contain_text('"error_type": "timeout"')


def test_from_a_conversation_to_the_agent_it_escalated_to(visit, used):
    page: Page = visit(viewport={"width": 1280, "height": 900}).page
    log_in(page)
    page.click(".nav >> text=Sessions")
    expect(page.locator("cost-chart .main-svg").first).to_be_visible()
    page.click("tbody a:text('s-1')")
    page.wait_for_url("**/sessions/s-1")
    expect(page.locator("h1")).to_contain_text("s-1")
    page.click(".nav >> text=Sessions")
    page.click(".session-tabs >> text=Paths")
    page.wait_for_url("**/session-paths")
    expect(page.locator(".verdict")).to_contain_text("get to reasoning")
    page.click("section[aria-labelledby=h-stages] a:text('reasoning')")
    page.wait_for_url("**/agents/reasoning")
    expect(page.locator("h1")).to_contain_text("reasoning")
    expect(page.locator("cost-chart .main-svg").first).to_be_visible()
    page.click("section[aria-labelledby=h-user] a:text('u-1')")
    page.wait_for_url("**/users/u-1")


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_is_accessible_and_fits(visit, used, theme, width):
    visitor = visit(viewport={"width": width, "height": 900}, color_scheme=theme)
    page = visitor.page
    log_in(page)

    def inert(page):
        assert page.locator("main a[href^='https://evil']").count() == 0
        assert page.locator("main img").count() == 0

    assert visitor.problems(PAGES, inert) == []
