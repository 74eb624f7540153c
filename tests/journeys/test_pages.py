"""Every page in both themes and two widths: axe finds nothing, nothing is wider than the window, names stay text."""

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import WORKSPACE, log_in
from tests.live import LiveServer

pytestmark = pytest.mark.journey

HOSTILE = '<a href="https://evil.example">free</a><img src=x onerror=alert(1)>%{y} $x^2$'
EVENTS = [
    {"event_id": "e-1", "model": "gpt-5-mini", "agent_id": HOSTILE, "run_id": "r-1", "user_id": HOSTILE,
     "task": "=HYPERLINK(1)", "input_tokens": 500_000, "output_tokens": 9_000, "tags": {"customer": HOSTILE}},
    {"event_id": "e-2", "model": "claude-opus-4-5", "agent_id": "reasoning", "run_id": "r-1", "task": "refund-check",
     "input_tokens": 900_000, "cached_input_tokens": 300_000, "output_tokens": 20_000, "latency_ms": 2100},
    {"event_id": "e-3", "model": "no-such-model-1", "provider": "openai", "agent_id": "reasoning", "run_id": "r-2",
     "input_tokens": 1000, "output_tokens": 10, "status": "error", "error_type": "timeout", "tool": "get_order"},
    {"event_id": "e-4", "model": "gpt-5-mini", "input_tokens": 2_000_000, "output_tokens": 1000},
    {"event_id": "e-5", "model": "gpt-5-mini", "agent_id": "x" * 200, "input_tokens": 10, "output_tokens": 1},
]  # fmt: skip
PAGES = ["/", "/?period=today&by=user", "/?by=model&pick=agent", "/?first=2020-01-01&last=2020-02-01", "/runs",
         "/runs?agent=nobody", "/runs/r-1", "/calls/e-1", "/calls/e-3", "/settings/keys", "/settings/members",
         "/settings/audit", "/settings/profile", "/settings/workspace", "/settings/channels",
         "/settings/channels/new/slack", "/settings/channels/new/email", "/prices", "/unpriced",
         "/releases?dimension=model", "/limits", "/session-paths", "/resend", "/settings/loops", "/settings/anomalies",
         "/settings/digests", "/explore?across=task", "/variance?by=user", "/month", "/sessions", "/agents/reasoning",
         "/incidents", "/stops", "/budgets", "/budgets/new", "/digests", "/views", "/prices/reprice",
         "/no-such-page"]  # fmt: skip


@pytest.fixture(scope="module")
def filled(owned: LiveServer) -> LiveServer:
    """An installation with an owner and a few calls, hostile names among them."""
    key = owned.key("ingest", WORKSPACE)
    assert owned.post("/api/v1/events", EVENTS, key).json()["accepted"] == len(EVENTS)
    return owned


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_is_accessible_and_fits(visit, filled, theme, width):
    visitor = visit(viewport={"width": width, "height": 900}, color_scheme=theme)
    page = visitor.page
    page.goto("/login")
    problems = [f"/login {found}" for found in visitor.findings()]
    log_in(page)
    problems += visitor.problems(PAGES)
    visitor.troubles[:] = [t for t in visitor.troubles if "404" not in t]  # the page that does not exist
    assert problems == []


def test_what_opens_on_a_page_is_accessible_too(visit, filled):
    visitor = visit(viewport={"width": 1280, "height": 900})
    page = visitor.page
    log_in(page)
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    assert visitor.findings() == []
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.locator("#filter-panel")).to_be_visible()
    assert visitor.findings() == []
    page.locator("#filter-panel").get_by_role("link", name="Agent", exact=True).click()
    expect(page.locator("#filter-panel .pick-row").first).to_be_visible()
    assert visitor.findings() == []
    page.locator("#filter-panel .pick-row .is", has_text="reasoning").click()
    expect(page.locator(".chip")).to_contain_text("agent is")
    page.goto("/runs/r-1")
    page.locator(".cost-btn").first.click()
    expect(page.locator("#parts")).to_be_visible()
    assert visitor.findings() == []


def test_names_that_senders_chose_stay_text(visit, filled):
    visitor = visit(viewport={"width": 1280, "height": 900})
    page = visitor.page
    log_in(page)
    page.on("dialog", lambda dialog: visitor.troubles.append(f"dialog {dialog.message}"))
    for address in ("/", "/?by=user", "/?by=tag.customer", "/?by=task", "/runs", "/runs/r-1", "/calls/e-1"):
        page.goto(address)
        if page.locator("cost-chart").count():
            expect(page.locator("cost-chart .main-svg").first).to_be_visible()
            page.locator("cost-chart .barlayer path, cost-chart .scatterlayer path").last.hover(force=True)
            expect(page.locator("cost-chart .hoverlayer text").first).to_be_visible()
            hovered = page.locator("cost-chart .hoverlayer").text_content() or ""
            assert address not in ("/", "/?by=user") or "<a href" in hovered, "read as text, not as a tag"
        assert page.locator("cost-chart a").count() == 0
        assert page.locator("a[href^='https://evil'], a[href^='javascript']").count() == 0
        assert page.locator("img").count() == 0


def test_a_click_on_a_bar_narrows_to_the_series_and_the_day_and_back_returns(visit, filled):
    visitor = visit(viewport={"width": 1280, "height": 900})
    page = visitor.page
    log_in(page)
    page.evaluate("window.notReloaded = true")
    series = page.locator("a[data-series='1']").text_content() or ""
    bar = page.locator("cost-chart .barlayer .trace").nth(1).locator("path").last.bounding_box()
    assert bar
    page.mouse.click(bar["x"] + bar["width"] / 2, bar["y"] + bar["height"] / 2)
    expect(page.locator(".chip")).to_contain_text(series.strip().rstrip("…"))
    expect(page.locator("#h-chart")).to_contain_text("Spend per hour by task")
    assert "first=" in page.url
    assert "by=task" in page.url
    assert page.evaluate("window.notReloaded"), "a fragment came, not a page"
    page.go_back()
    expect(page.locator(".chip")).to_have_count(0)
    expect(page.locator("#h-chart")).to_contain_text("Spend per day by agent")
    expect(page.locator("cost-chart > div")).to_have_count(1)


def test_a_chart_follows_its_window_both_ways(visit, filled):
    page = visit(viewport={"width": 1280, "height": 900}).page
    log_in(page)
    drawing = page.locator("cost-chart .main-svg").first
    widths = []
    for width in (1280, 390, 844):
        page.set_viewport_size({"width": width, "height": 844})
        own = page.locator("cost-chart").first.evaluate("chart => chart.clientWidth")
        expect(drawing).to_have_attribute("width", str(own))
        assert page.evaluate("document.documentElement.scrollWidth") == width
        widths.append(own)
    assert widths[1] < widths[0] and widths[1] < widths[2]


def test_keys_choose_the_period_and_leave_fields_alone(visit, filled):
    visitor = visit(viewport={"width": 1280, "height": 900})
    page = visitor.page
    log_in(page)
    page.keyboard.press("d")
    page.wait_for_url("**/?period=today")
    expect(page.locator("#p-today[aria-current]")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    page.wait_for_url("**/?period=today&on=*")
    expect(page.locator("#p-next")).to_be_visible()
    page.keyboard.press("w")
    page.wait_for_url("**/?period=7d")
    page.keyboard.press("m")
    page.wait_for_url("**/")
    page.goto("/?pick=agent")
    page.fill("#pick-value", "d")
    page.locator("#pick-value").press("w")
    assert "period" not in page.url


PRESS_AS_SOON_AS_IT_IS_SWAPPED = """key => new Promise(done =>
    document.addEventListener('htmx:afterSwap', () => {
        document.body.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
        done(document.querySelector('[data-key=previous]').href);
    }, {once: true}))"""


def test_a_key_pressed_the_moment_a_page_is_swapped_goes_from_what_is_shown(visit, filled):
    page = visit(viewport={"width": 1280, "height": 900}).page
    log_in(page)
    page.goto("/?period=7d&on=2026-06-21")
    page.evaluate(f"key => {{ window.pressed = ({PRESS_AS_SOON_AS_IT_IS_SWAPPED})(key) }}", "ArrowLeft")
    page.keyboard.press("ArrowLeft")
    shown = page.evaluate("window.pressed")
    assert "on=" in shown and shown != page.url
    page.wait_for_url(shown)
    expect(page.locator("#p-previous")).not_to_have_attribute("href", shown)
    assert page.locator("[data-key=previous]").count() == 1


def test_the_theme_is_kept_for_the_member_and_redraws_the_chart(visit, filled):
    visitor = visit(viewport={"width": 1280, "height": 900}, color_scheme="light")
    page = visitor.page
    log_in(page)
    colour = "getComputedStyle(document.querySelector('cost-chart .points path')).fill"
    before = page.evaluate(colour)
    with page.expect_response("**/theme"):
        page.get_by_role("button", name="Switch between light and dark").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate(colour) != before
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    with page.expect_response("**/theme"):
        page.get_by_role("button", name="Switch between light and dark").click()


def test_without_javascript_everything_but_the_chart_works(visit, filled):
    visitor = visit(viewport={"width": 1280, "height": 900}, java_script_enabled=False)
    page = visitor.page
    log_in(page)
    page.locator("#filter-menu summary").click()
    page.locator("#filter-panel").get_by_role("link", name="Agent", exact=True).click()
    page.fill("#pick-value", "reasoning")
    page.get_by_role("button", name="is not").click()
    expect(page.locator(".chip")).to_contain_text("agent is not")
    page.get_by_role("link", name="Calls", exact=True).click()
    expect(page.locator("thead [aria-sort=descending]")).to_contain_text("Calls")
    page.locator("tbody th a").first.click()
    expect(page.locator("thead th").first).to_contain_text("Task")
    page.goto("/runs/r-1")
    page.locator(".cost-btn").first.click()
    expect(page.get_by_role("heading", name="Cost in parts")).to_be_visible()
