"""Incidents on charts and the page of a run that repeats itself, in a browser: seen, followed, opened, told."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import WORKSPACE, log_in
from tests.journeys.test_pages import HOSTILE
from tests.live import LiveServer

pytestmark = pytest.mark.journey

WATCH = """
from django.utils import timezone
from costwatch.ledger.fold import fold_all
from costwatch.loops import watch
fold_all()
watch.watch_all(timezone.now(), 20)
"""
CHARTS = ("/", "/explore", "/explore?metric=cost_per_call", "/agents/reasoning", "/?by=user")


def calls(run_id: str, agent: str, count: int) -> list[dict[str, Any]]:
    """A run that asks for the same order over and over, after two calls that bring something; just now, for two days
    are two marks."""
    begin = datetime.now(UTC) - timedelta(seconds=70)
    fresh = [("get_ticket", "f-1", "a-1"), ("get_customer", "f-2", "a-2")]
    return [
        {"event_id": f"{run_id}-{n}", "model": "gpt-5-mini", "agent_id": agent, "run_id": run_id, "step": n,
         "user_id": "u-1",
         "timestamp": (begin + timedelta(seconds=2 * n)).isoformat(), "tool": tool, "call_fingerprint": asked,
         "input_fingerprint": told,
         "input_tokens": 100_000 * (n + 1), "output_tokens": 1000, "latency_ms": 900}
        for n, (tool, asked, told) in enumerate([*fresh, *[("get_order", "f-3", "a-3")] * count])
    ]  # fmt: skip


@pytest.fixture(scope="module")
def looped(owned: LiveServer) -> LiveServer:
    """An installation in which two agents were caught in a loop, one with a name that is a trap."""
    key = owned.key("ingest", WORKSPACE)
    events = [*calls("r-loop", "reasoning", 24), *calls("r-trap", HOSTILE, 12)]
    assert owned.post("/api/v1/events", events, key).json()["accepted"] == len(events)
    owned.run(WATCH)
    return owned


def drawn(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator("cost-chart .main-svg").first).to_be_visible()


def mark_of(page: Page) -> dict[str, float]:
    """Where the mark of the chart stands on the screen."""
    page.locator("cost-chart").scroll_into_view_if_needed()
    box = page.locator("cost-chart .scatterlayer .trace").last.locator("path.point").last.bounding_box()
    assert box
    return {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_marks_and_folds_are_accessible_and_fit(visit, looped, theme, width):
    visitor = visit(viewport={"width": width, "height": 900}, color_scheme=theme)
    page = visitor.page
    log_in(page)
    assert (
        visitor.problems(
            (
                *CHARTS,
                "/runs/r-loop",
                "/runs/r-loop?open=8",
                "/runs/r-loop?calls=new",
                "/runs/r-trap",
                "/incidents?first=2020-01-01&last=2020-01-02",
            )
        )
        == []
    )
    assert visitor.troubles == []


@pytest.mark.parametrize("address", ["/", "/explore"])
def test_a_mark_tells_its_incidents_and_a_click_on_it_leads_there(visit, looped, address):
    visitor = visit(viewport={"width": 1280, "height": 900})
    page = visitor.page
    log_in(page)
    drawn(page, address)
    where = mark_of(page)
    page.mouse.move(**where)
    expect(page.locator("cost-chart .hoverlayer")).to_contain_text("reasoning: caught in a loop")
    assert page.locator("cost-chart a").count() == 0, "the trap is text, in the hover as well"
    page.mouse.click(**where)
    page.wait_for_url("**/incidents?first=*")
    expect(page.locator("nav.list a", has_text="caught in a loop")).to_have_count(2)
    expect(page.locator(".chip")).to_contain_text("opened")
    page.get_by_role("link", name="Remove filter opened").click()
    page.wait_for_url("**/incidents?state=all")


def test_a_click_below_a_mark_is_for_its_bar(visit, looped):
    visitor = visit(viewport={"width": 1280, "height": 900})
    page = visitor.page
    log_in(page)
    drawn(page, "/")
    where = mark_of(page)
    page.mouse.click(where["x"], where["y"] + 60)
    expect(page.locator(".chip")).to_contain_text("agent is")
    assert "/incidents" not in page.url


def test_marks_are_there_for_who_does_not_see_the_drawing(visit, looped):
    page = visit(viewport={"width": 1280, "height": 900}).page
    log_in(page)
    drawn(page, "/")
    table = page.locator("cost-chart section table")
    expect(table.locator("thead th").last).to_have_text("Incidents")
    expect(table.locator("tbody th").last).to_have_text(re.compile(r"^[MTWFS][a-z]{2} \d+ [A-Z][a-z]{2}$"))
    expect(table).to_contain_text("reasoning: caught in a loop")
    expect(table).to_contain_text("<a href=", use_inner_text=False)
    assert table.locator("a, img").count() == 0
    link = page.locator(".marks a").first
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/incidents?**")
    drawn(page, "/explore")
    page.locator("#chart-figures summary").click()
    expect(page.locator("#chart-figures tbody")).to_contain_text("incidents: ")


def test_the_colour_of_a_mark_follows_the_theme(visit, looped):
    page = visit(viewport={"width": 1280, "height": 900}, color_scheme="light").page
    log_in(page)
    drawn(page, "/agents/reasoning")
    colour = "getComputedStyle([...document.querySelectorAll('cost-chart path.point')].at(-1)).fill"
    before = page.evaluate(colour)
    with page.expect_response("**/theme"):
        page.get_by_role("button", name="Switch between light and dark").click()
    assert page.evaluate(colour) != before
    with page.expect_response("**/theme"):
        page.get_by_role("button", name="Switch between light and dark").click()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_fold_opens_and_closes_with_and_without_scripts(visit, looped, scripts):
    page = visit(viewport={"width": 1280, "height": 900}, java_script_enabled=scripts).page
    log_in(page)
    page.goto("/runs/r-loop")
    calls = page.get_by_role("region", name="Calls, table")
    expect(calls).to_contain_text("Repeats begin here. The 3 calls before cost")
    total = calls.locator("tfoot").text_content()
    shown = calls.locator("tbody tr[id]").count()
    calls.get_by_role("link", name=re.compile("the same call")).click()
    page.wait_for_url("**/runs/r-loop?open=*#call-*")
    hidden = calls.locator("tbody tr[id]")
    assert hidden.count() > shown
    expect(calls.locator("tr.fold")).to_have_count(0)
    assert calls.locator("tfoot").text_content() == total
    calls.get_by_role("link", name="fold them again").click()
    expect(calls.locator("tr.fold")).to_have_count(1)
    page.get_by_role("link", name="All 26", exact=True).click()
    expect(calls.locator("tbody tr[id]")).to_have_count(26)
    page.get_by_role("link", name="Only new").click()
    expect(calls.locator("tr.rep")).to_have_count(0)


def test_the_chart_of_a_run_says_where_repeats_begin(visit, looped):
    page = visit(viewport={"width": 1280, "height": 900}).page
    log_in(page)
    drawn(page, "/runs/r-loop")
    expect(page.locator("cost-chart .annotation-text").first).to_contain_text("repeats begin")
    expect(page.locator("cost-chart .annotation-text").last).to_contain_text("alarm")
    page.set_viewport_size({"width": 390, "height": 844})
    drawn(page, "/runs/r-loop")
    inside = page.evaluate("""() => {
        const chart = document.querySelector('cost-chart').getBoundingClientRect();
        return [...document.querySelectorAll('cost-chart .annotation-text')].every(t => {
            const box = t.getBoundingClientRect();
            return box.left >= chart.left && box.right <= chart.right; }) }""")
    assert inside, "words stay in the chart on a phone"


def test_a_loop_is_called_expected_on_the_page_of_its_run(visit, looped):
    page = visit(viewport={"width": 1280, "height": 900}).page
    log_in(page)
    page.goto("/runs/r-trap")
    page.get_by_role("button", name="Loop is expected here").click()
    page.wait_for_url("**/incidents/*")
    page.goto("/runs/r-trap")
    expect(page.locator(".verdict").first).to_contain_text("expected")
    expect(page.get_by_role("button", name="Loop is expected here")).to_have_count(0)
