"""An engineering lead hunts a spike on Explore: the bar, the agent, the task, the user, the run. And keeps the view."""

import csv
import re
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import WORKSPACE, log_in
from tests.live import LiveServer

pytestmark = pytest.mark.journey
HOSTILE = '<a href="https://evil.example">free</a><img src=x onerror=alert(1)>%{y} $x^2$'
NOW = datetime.now(UTC)
ADDRESSES = ["/explore", "/explore?by=tag.customer&across=agent&period=7d", "/explore?metric=cost_per_run&period=7d",
             "/explore?by=none&period=7d", "/explore?by=user&bucket=hour&period=7d", "/explore?agent=nobody",
             "/explore?against=custom&period=7d", "/explore?pick=user&user=u-1&period=7d", "/views"]  # fmt: skip


def events():
    """Six quiet days of three agents, and three days ago one run that cost as much as all the rest."""
    for day in range(6):
        for number, agent in enumerate(("triage", "reasoning", HOSTILE)):
            yield {
                "event_id": f"q-{day}-{number}", "model": "gpt-5-mini", "agent_id": agent, "task": "route",
                "user_id": f"u-{number}", "run_id": f"q-{day}-{number}", "input_tokens": 400_000, "output_tokens": 100,
                "timestamp": (NOW - timedelta(days=day, minutes=1)).isoformat(), "tags": {"customer": f"c-{number}"},
            }  # fmt: skip
    for step in range(8):
        yield {
            "event_id": f"s-{step}", "model": "gpt-5-mini", "agent_id": "reasoning", "task": "refund-check",
            "user_id": "u-spike", "run_id": "r-spike", "input_tokens": 900_000, "output_tokens": 100, "step": step,
            "timestamp": (NOW - timedelta(days=3, seconds=200 - step)).isoformat(),
        }  # fmt: skip


@pytest.fixture(scope="module")
def filled(owned: LiveServer) -> LiveServer:
    sent = list(events())
    assert owned.post("/api/v1/events", sent, owned.key("ingest", WORKSPACE)).json()["accepted"] == len(sent)
    return owned


def settled(page: Page) -> None:
    expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)


def test_from_the_spike_to_the_run_that_caused_it(visit, filled):
    page = visit(viewport={"width": 1280, "height": 1000}).page
    log_in(page)
    page.get_by_role("link", name="Explore", exact=True).click()
    page.wait_for_url("**/explore")  # until its scripts have run: nobody hears a key before
    page.keyboard.press("w")
    page.wait_for_url("**/explore?period=7d")
    expect(page.locator("cost-chart .main-svg").first).to_be_visible()
    settled(page)
    page.evaluate("window.notReloaded = true")

    dearest = page.locator("a[data-series='0']")
    expect(dearest).to_contain_text("reasoning")
    bars = page.locator("cost-chart .barlayer .trace").first.locator("path")
    tallest = max(
        (bars.nth(n).bounding_box() for n in range(bars.count())), key=lambda box: box["height"] if box else 0
    )
    assert tallest
    page.mouse.click(tallest["x"] + tallest["width"] / 2, tallest["y"] + tallest["height"] / 2)
    expect(page.locator(".chip")).to_contain_text("agent is")
    assert re.search(r"by=task&first=\d{4}-\d\d-\d\d&last=\d{4}-\d\d-\d\d&agent=reasoning", page.url), page.url
    expect(page.locator("#h-chart")).to_have_text("Spend per hour by task")

    for name, heading in (("refund-check", "User"), ("u-spike", "Run")):
        settled(page)
        page.locator("#h-table").locator("xpath=../..").locator("tbody th a", has_text=name).click()
        expect(page.locator("section[aria-labelledby=h-table] thead th").first).to_contain_text(heading)
    assert page.evaluate("window.notReloaded"), "all of it in fragments"
    expect(page.locator(".chip")).to_have_count(3)
    page.locator("section[aria-labelledby=h-table] tbody th a", has_text="r-spike").click()
    expect(page.get_by_role("heading", name="Run r-spike")).to_be_visible()
    expect(page.get_by_text("in 8 calls").first).to_be_visible()

    for _ in range(4):
        page.go_back()
        expect(page.get_by_role("heading", name="Explore")).to_be_visible()
        expect(page.locator("cost-chart .main-svg").first).to_be_visible()
        settled(page)
    expect(page.locator("#h-chart")).to_have_text("Spend per day by agent")
    expect(page.locator("cost-chart > div")).to_have_count(1)


def test_another_question_is_asked_with_the_keyboard_alone(visit, filled):
    page = visit(viewport={"width": 1280, "height": 1000}).page
    log_in(page)
    page.goto("/explore?period=7d")
    page.locator("#q-metric").focus()
    page.keyboard.type("output")
    expect(page.locator("#h-chart")).to_contain_text("Output tokens per day by agent")
    assert page.evaluate("document.activeElement.id") == "q-metric", "the focus stays where it was"
    assert page.url.endswith("/explore?metric=output_tokens&period=7d"), "only what is not usual"
    settled(page)
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("?")
    expect(page.locator("#help")).to_contain_text("Previous, next period")
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#p-next")).to_be_visible()
    settled(page)
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**/explore?metric=output_tokens&period=7d")
    settled(page)
    page.keyboard.press("/")
    expect(page.locator("#filter-panel")).to_be_visible()
    page.locator("#filter-panel").get_by_role("link", name="Task", exact=True).press("Enter")
    page.locator("#filter-panel input[type=checkbox]").first.check()
    page.locator("#filter-panel input[type=checkbox]").nth(1).check()
    page.get_by_role("button", name="is", exact=True).press("Enter")
    expect(page.locator(".chip")).to_contain_text("task is one of")


def test_a_view_is_saved_made_the_front_page_and_exported(visit, filled):
    visitor = visit(viewport={"width": 1280, "height": 1000}, accept_downloads=True)
    page = visitor.page
    log_in(page)
    page.goto("/explore?by=tag.customer&across=agent&period=7d")
    page.locator("#save-menu summary").click()
    page.fill("#save-menu input[name=name]", HOSTILE[:80])
    page.check("#save-menu input[name=home]")
    assert visitor.findings() == []
    page.locator("#save-menu button[type=submit]").click()
    expect(page.locator(".tabs a[aria-current=page]")).to_be_visible()
    page.goto("/")
    expect(page.get_by_role("heading", name="Customers across agents")).to_be_visible()
    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.goto("/")
    page.locator("#export-menu summary").click()
    assert visitor.findings() == []
    with page.expect_download() as download:
        page.locator("#export-menu a", has_text="CSV").click()
    assert download.value.suggested_filename.startswith("cost-customer-agent-")
    lines = list(csv.reader(StringIO(Path(download.value.path()).read_text(), newline="")))
    shown = page.locator("tfoot td.tot").last.text_content()
    total = dict(zip(lines[0], lines[-1], strict=True))
    assert f"${float(total['cost_usd']):.2f}" == shown
    with page.expect_download() as calls:
        page.locator("#export-menu a", has_text="The calls behind it").click()
    assert len(Path(calls.value.path()).read_text().splitlines()) == len(list(events()))
    page.goto("/views")
    page.get_by_role("button", name="Change", exact=False).click()
    assert visitor.findings() == []
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("None yet.")).to_be_visible()


@pytest.mark.parametrize(
    ("width", "theme"), [(390, "light"), (390, "dark"), (640, "light"), (1280, "light"), (1280, "dark")]
)
def test_it_is_accessible_and_fits_on_a_phone_at_twice_the_size_and_in_the_dark(visit, filled, width, theme):
    visitor = visit(viewport={"width": width, "height": 900}, color_scheme=theme)
    page = visitor.page
    log_in(page)
    assert visitor.problems(ADDRESSES) == []


def test_every_chart_has_its_figures_as_a_table_and_no_name_is_a_link(visit, filled):
    page = visit(viewport={"width": 1280, "height": 1000}).page
    log_in(page)
    for address in ("/explore?period=7d", "/explore?metric=calls&bucket=hour&period=7d", "/overview?period=7d"):
        page.goto(address)
        expect(page.locator("cost-chart .main-svg").first).to_be_visible()
        table = page.locator("cost-chart section table, #chart-figures table").first
        assert table.locator("tr").count() > 6
        assert HOSTILE[:12] in (table.locator("tr").first.text_content() or ""), "as text"
        assert page.locator("cost-chart a, a[href^='https://evil'], img").count() == 0


def test_without_javascript_a_question_is_asked_with_a_button(visit, filled):
    page = visit(viewport={"width": 1280, "height": 1000}, java_script_enabled=False).page
    log_in(page)
    page.goto("/explore?period=7d")
    page.select_option("#q-by", "model")
    page.select_option("#q-across", "agent")
    page.get_by_role("button", name="Show").last.click()
    expect(page.get_by_role("heading", name="Models across agents")).to_be_visible()
    page.locator("thead a", has_text="Model").click()
    expect(page.locator("thead [aria-sort=ascending]")).to_contain_text("Model")
    page.locator("#chart-figures summary").click()
    expect(page.locator("#chart-figures table")).to_be_visible()
