"""From the setup link to the first call on the page, and down to it."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import make_owner
from tests.live import LiveServer

pytestmark = pytest.mark.journey


def test_a_new_owner_sends_the_first_event_and_follows_it_down_to_the_single_call(visit, site: LiveServer):
    visitor = visit(viewport={"width": 1280, "height": 900})
    page = visitor.page

    make_owner(page, site)
    expect(page.get_by_role("heading", name="Send the first event")).to_be_visible()
    assert visitor.findings() == []

    page.click("text=Make a key >> visible=true >> nth=-1")
    key = page.locator("#made-key").text_content()
    assert key and re.fullmatch(r"cw_ingest_\w{38}", key)
    assert f"Bearer {key}" in (page.locator("[data-how=curl] code").text_content() or "")
    expect(page.get_by_text("Waiting for the first event")).to_be_visible()
    assert visitor.findings() == []

    page.evaluate("window.notReloaded = true")
    event = {"event_id": "first/../event", "model": "gpt-5-mini", "agent_id": "triage", "task": "first-event",
             "user_id": "u-1", "run_id": "run-1", "input_tokens": 1200, "output_tokens": 85}  # fmt: skip
    assert site.post("/api/v1/events", event, key).json() == {"accepted": 1, "duplicates": 0, "rejected": []}

    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    assert page.evaluate("window.notReloaded"), "the page turned into the overview by itself"
    expect(page.locator("tbody th", has_text="triage")).to_be_visible()
    expect(page.locator("tfoot td").first).to_have_text("$0.000470")
    expect(page.locator("cost-chart .main-svg").first).to_be_visible()

    second = {**event, "event_id": "second", "run_id": "run-2", "user_id": "u-2"}
    assert site.post("/api/v1/events", second, key).status == 200
    expect(page.locator("tfoot td").first).to_have_text("$0.000940", timeout=10_000)
    assert page.evaluate("window.notReloaded"), "a later event appears without a reload"

    for value, heading in (("triage", "Task"), ("first-event", "User"), ("u-1", "Run")):
        page.locator("tbody th a", has_text=value).click()
        expect(page.locator("table.table thead th").first).to_contain_text(heading)
    assert "agent=triage&task=first-event&user=u-1&by=run" in page.url
    expect(page.locator("tfoot td").first).to_have_text("$0.000470")
    page.locator("tbody th a", has_text="run-1").click()
    expect(page.get_by_role("heading", name="Run run-1")).to_be_visible()
    expect(page.get_by_text("This run cost")).to_contain_text("$0.000470 in 1 call")
    page.locator(".cost-btn").click()
    expect(page.locator("#parts")).to_contain_text("Input, not cached")
    page.keyboard.press("Escape")
    expect(page.locator("#parts")).to_be_hidden()
    page.get_by_role("link", name="Call 1").click()
    expect(page.get_by_role("heading", name="Call first/../event")).to_be_visible()
    expect(page.get_by_text("As it was sent")).to_be_visible()

    page.go_back()
    expect(page.get_by_role("heading", name="Run run-1")).to_be_visible()
    page.go_back()
    expect(page.locator("table.table thead th").first).to_contain_text("Run")
    expect(page.locator("cost-chart .main-svg").first).to_be_visible()
    for heading in ("User", "Task", "Agent"):
        page.go_back()
        expect(page.locator("table.table thead th").first).to_contain_text(heading)
    expect(page.locator("cost-chart")).to_have_count(1)
    expect(page.locator("cost-chart > div")).to_have_count(1)
    expect(page.locator("tfoot td").first).to_have_text("$0.000940")
