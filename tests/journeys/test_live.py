"""Figures that follow the books while somebody looks, without disturbing what that person does."""

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import WORKSPACE, log_in
from tests.live import LiveServer

pytestmark = pytest.mark.journey
AGENTS = [f"agent-{number:02}" for number in range(40)]


@pytest.fixture(scope="module")
def key(owned: LiveServer) -> str:
    made = owned.key("ingest", WORKSPACE)
    events = [
        {"model": "gpt-5-mini", "agent_id": agent, "input_tokens": 400_000, "output_tokens": 0} for agent in AGENTS
    ]
    assert owned.post("/api/v1/events", events, made).status == 200
    return made


def open_overview(page: Page) -> None:
    log_in(page)
    expect(page.locator("tfoot td").first).to_be_visible()


def one_more(site: LiveServer, key: str) -> None:
    event = {"model": "gpt-5-mini", "agent_id": "agent-00", "input_tokens": 4_000_000, "output_tokens": 0}
    assert site.post("/api/v1/events", event, key).status == 200


def test_a_new_call_changes_the_figures_but_neither_focus_nor_place(visit, site, key):
    page = visit(viewport={"width": 1280, "height": 700}).page
    open_overview(page)
    total = page.locator("tfoot td").first.text_content()
    page.locator("#sort-calls").focus()
    page.evaluate("window.scrollTo(0, 400); window.chart = document.querySelector('cost-chart > div')")
    place = page.evaluate("window.scrollY")
    one_more(site, key)
    expect(page.locator("tfoot td").first).not_to_have_text(total or "", timeout=12_000)
    assert page.evaluate("document.activeElement.id") == "sort-calls"
    assert page.evaluate("window.scrollY") == place
    assert page.evaluate("window.chart === document.querySelector('cost-chart > div')"), "the drawing was kept"
    assert page.evaluate("document.querySelectorAll('cost-chart > div').length") == 1


def test_explore_follows_the_books_as_well_and_keeps_its_address(visit, site, key):
    page = visit(viewport={"width": 1280, "height": 700}).page
    log_in(page)
    page.goto("/explore?across=model&period=today")
    total = page.locator("tfoot .strong, tfoot td").last.text_content()
    page.locator("#q-by").focus()
    page.evaluate("window.scrollTo(0, 300); window.chart = document.querySelector('cost-chart > div')")
    address, place, depth = page.url, page.evaluate("window.scrollY"), page.evaluate("history.length")
    before = page.locator("#explore").text_content()
    one_more(site, key)
    expect(page.locator("#explore")).not_to_have_text(before or "", timeout=30_000)
    expect(page.locator("#h-chart + .note b")).not_to_have_text(total or "")
    assert page.url == address
    assert page.evaluate("history.length") == depth
    assert page.evaluate("window.scrollY") == place
    assert page.evaluate("document.activeElement.id") == "q-by"
    assert page.evaluate("window.chart === document.querySelector('cost-chart > div')"), "the drawing was kept"
    page.goto("/explore?first=2020-01-01&last=2020-01-31")
    expect(page.locator("[data-live]")).to_have_count(0)


def test_an_open_menu_is_left_alone(visit, site, key):
    page = visit(viewport={"width": 1280, "height": 700}).page
    open_overview(page)
    page.locator("#filter-menu summary").click()
    total = page.locator("tfoot td").first.text_content()
    one_more(site, key)
    page.wait_for_timeout(6_500)
    expect(page.locator("#filter-panel")).to_be_visible()
    assert page.locator("tfoot td").first.text_content() == total
    page.keyboard.press("Escape")
    expect(page.locator("tfoot td").first).not_to_have_text(total or "", timeout=12_000)


def test_swapping_the_page_a_hundred_times_leaks_no_charts(visit, site, key):
    visitor = visit(viewport={"width": 1280, "height": 700})
    page = visitor.page
    open_overview(page)
    page.evaluate("""async () => {
        for (let n = 0; n < 100; n++)
            await htmx.ajax('GET', n % 2 ? '/?by=model' : '/', {target: '#overview', swap: 'outerHTML'});
    }""")
    expect(page.locator("cost-chart > div")).to_have_count(1)
    session = visitor.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    counters = session.send("Memory.getDOMCounters")
    assert counters["nodes"] < 20_000, counters
    assert counters["jsEventListeners"] < 1_500, counters


def test_a_server_that_does_not_answer_is_told_and_the_page_stays(visit, site, key):
    visitor = visit(viewport={"width": 1280, "height": 700})
    page = visitor.page
    open_overview(page)
    page.route("**/*", lambda route: route.abort())
    expect(page.locator("#trouble")).to_have_text(
        "The server does not answer. The page shows what was known last.", timeout=12_000
    )
    expect(page.locator("tfoot td").first).to_be_visible()
    page.unroute("**/*")
    expect(page.locator("#trouble")).to_be_hidden(timeout=12_000)
    visitor.troubles.clear()  # the browser notes the requests that we broke
