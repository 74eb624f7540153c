"""A finance lead at the end of a month: the statement, why it changed, and the figures in a file."""

import csv
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import WORKSPACE, log_in
from tests.live import LiveServer

pytestmark = pytest.mark.journey
HOSTILE = '<a href="https://evil.example">free</a>%{y} $x^2$'
NOW = datetime.now(UTC)
LAST_MONTH = (NOW.replace(day=1) - timedelta(days=1)).replace(day=1)


def events():
    """Last month 3 runs of two agents, this month 5, with prompts twice as long; and one without a price."""
    for number in range(8):
        late = number >= 3
        yield {
            "event_id": f"f-{number}", "model": "gpt-5-mini", "run_id": f"f-{number}", "output_tokens": 1000,
            "timestamp": (NOW - timedelta(minutes=1) if late else LAST_MONTH).isoformat(),
            "agent_id": "triage" if number % 2 else HOSTILE, "input_tokens": 2_000_000 if late else 1_000_000,
            "tags": {"customer": "Orbit Travel"},
        }  # fmt: skip
    yield {"event_id": "f-x", "model": "no-such-model-1", "provider": "openai", "input_tokens": 10, "output_tokens": 1}


@pytest.fixture(scope="module")
def filled(owned: LiveServer) -> LiveServer:
    sent = list(events())
    assert owned.post("/api/v1/events", sent, owned.key("ingest", WORKSPACE)).json()["accepted"] == len(sent)
    return owned


def amount(text: str) -> Decimal:
    return Decimal(text.strip().replace("$", "").replace(",", "").replace("+", "").replace("−", "-"))


def downloaded(page: Page, name: str) -> list[list[str]]:
    """The rows of the file behind a link."""
    with page.expect_download() as waiting:
        page.get_by_role("link", name=name, exact=True).click()
    return list(csv.reader(StringIO(Path(waiting.value.path()).read_text())))


def test_from_the_statement_to_why_it_changed_to_the_file(visit, filled):
    visitor = visit(viewport={"width": 1280, "height": 900})
    page = visitor.page
    log_in(page)
    page.get_by_role("link", name="Month", exact=True).click()
    expect(page.locator("h1")).to_contain_text(f"{NOW:%B %Y}")
    expect(page.locator(".verdict")).to_contain_text("has cost $")
    total = amount(page.locator("tfoot td.strong").first.text_content() or "")
    for line in downloaded(page, "CSV")[1:]:
        if line[1] == "total":
            assert round(Decimal(line[3]), 2) == total
    page.get_by_role("link", name="Why it changed").click()
    expect(page.locator("h1")).to_have_text("Variance")
    expect(page.locator(".verdict")).to_contain_text("Spend rose $")
    expect(page.locator("cost-chart .main-svg").first).to_be_visible()
    page.locator("#q-by").select_option("tag.customer")
    expect(page.locator("#h-table")).to_have_text("By customer")
    cells = page.locator("tfoot td").all_text_contents()
    assert amount(cells[1]) == total
    rows = downloaded(page, "CSV")
    assert rows[0][0] == "tag.customer" and rows[-1][0] == "Total"
    assert round(Decimal(rows[-1][2]), 2) == total
    for row in rows[1:]:
        assert sum(map(Decimal, row[4:])) == Decimal(row[3])
    page.go_back()
    expect(page.locator("#h-table")).to_have_text("By agent")


def test_names_of_senders_stay_text(visit, filled):
    visitor = visit(viewport={"width": 1280, "height": 900})
    page = visitor.page
    log_in(page)
    for address in ("/month", "/variance"):
        page.goto(address)
        assert page.locator("a[href^='https://evil']").count() == 0
        expect(page.locator("tbody th", has_text="<a href").first).to_be_visible()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_is_accessible_and_fits(visit, filled, theme, width):
    visitor = visit(viewport={"width": width, "height": 900}, color_scheme=theme)
    page = visitor.page
    log_in(page)
    assert (
        visitor.problems(
            (
                "/",
                "/month",
                f"/month/{LAST_MONTH:%Y-%m}",
                "/month/2020-01",
                "/variance",
                "/variance?by=none",
                "/variance?against=custom&by=task",
                "/variance?first=2020-01-01&last=2020-02-01",
            )
        )
        == []
    )


def test_on_paper_the_statement_stands_without_its_tools(visit, filled):
    visitor = visit(viewport={"width": 794, "height": 1123}, color_scheme="dark")
    page = visitor.page
    log_in(page)
    page.goto("/month")
    page.emulate_media(media="print")
    expect(page.locator(".rail")).to_be_hidden()
    expect(page.get_by_role("link", name="CSV", exact=True)).to_be_hidden()
    expect(page.locator(".paper-only")).to_contain_text(WORKSPACE)
    assert page.evaluate("document.documentElement.scrollWidth") <= 794
