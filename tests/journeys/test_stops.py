"""The kill switch and the settings of loop detection, as a person uses them."""

import time

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import WORKSPACE, log_in
from tests.journeys.test_pages import EVENTS

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def filled(owned):
    own = {"event_id": "s-1", "model": "gpt-5-mini", "agent_id": "reasoning", "run_id": "r-stop", "input_tokens": 9}
    owned.post("/api/v1/events", [*EVENTS, own], owned.key("ingest", WORKSPACE))
    return owned


def allowed(site, key) -> bool:
    return bool(site.get("/api/v1/guard", key, agent_id="reasoning")["allow"])


def test_a_run_away_agent_is_stopped_from_its_run_and_let_go_again(visit, filled):
    visitor, key = visit(viewport={"width": 1280, "height": 900}), filled.key("read", WORKSPACE)
    page = visitor.page
    log_in(page)
    page.goto("/runs/r-stop")
    page.get_by_role("link", name="Stop this agent").click()
    expect(page.get_by_label("Name")).to_have_value("reasoning")
    assert allowed(filled, key)
    page.get_by_label("Why").fill("Costs ten times the usual.")
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("agent reasoning is asked to stop")
    expect(page.get_by_role("table")).to_contain_text("Costs ten times the usual.")
    until = time.monotonic() + 10
    while allowed(filled, key):
        assert time.monotonic() < until
    page.get_by_role("button", name="Lift the stop of agent reasoning").click()
    expect(page.get_by_role("status")).to_contain_text("is lifted")
    until = time.monotonic() + 10
    while not allowed(filled, key):
        assert time.monotonic() < until
    assert visitor.troubles == []


def test_loop_settings_are_tried_before_they_are_saved(visit, filled):
    visitor = visit(viewport={"width": 1280, "height": 900})
    page = visitor.page
    log_in(page)
    page.goto("/settings/loops")
    page.get_by_label("Eager").check()
    page.get_by_label("A task that is a batch").fill("nightly")
    page.get_by_role("button", name="Try on the last 30 days").click()
    expect(page.get_by_role("heading", name="With these settings")).to_be_visible()
    assert visitor.findings() == []
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("Saved")
    expect(page.get_by_label("task nightly is a batch")).to_be_checked()
    expect(page.get_by_label("Eager")).to_be_checked()
    assert visitor.troubles == []


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_both_pages_are_accessible_and_fit(visit, filled, theme, width):
    visitor = visit(viewport={"width": width, "height": 900}, color_scheme=theme)
    page = visitor.page
    log_in(page)
    page.goto("/stops?by=run&value=r-1")
    page.get_by_label("Why").fill("why")
    page.get_by_role("button", name="Stop", exact=True).click()
    problems = []
    for address in ("/stops", "/stops?reason=loop", "/settings/loops"):
        page.goto(address)
        problems += [f"{address} {found}" for found in visitor.findings()]
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert problems == []
