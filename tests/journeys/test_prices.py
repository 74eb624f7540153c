"""A model without a price, from the count in the rail to the repriced calls; and the pages of prices in every width."""

import pytest

from tests.journeys.conftest import WORKSPACE, log_in
from tests.live import LiveServer

pytestmark = pytest.mark.journey
MODEL = "gpt-9-preview"
FOLD = "from costwatch.ledger.fold import fold_all; fold_all()"  # as the worker does all the time
PAGES = ["/unpriced", "/prices?q=deepseek", "/prices/model?provider=deepseek&model=deepseek-chat", "/prices/agreed",
         "/prices/try", "/prices/reprice", "/prices/reprice/1"]  # fmt: skip


@pytest.fixture(scope="module")
def priced(owned: LiveServer) -> LiveServer:
    """An installation with an owner, a call of a known and two of an unknown model."""
    unknown = {"model": MODEL, "provider": "openai", "input_tokens": 1_000_000, "output_tokens": 100_000}
    events = [{"model": "gpt-4.1", "input_tokens": 1000, "output_tokens": 100}, unknown, unknown]
    assert owned.post("/api/v1/events", events, owned.key("ingest", WORKSPACE)).json()["accepted"] == 3
    owned.run(FOLD)
    return owned


def test_a_model_without_a_price_gets_one_and_its_past_calls_with_it(visit, priced):
    page = visit(viewport={"width": 1280, "height": 900}).page
    log_in(page)
    page.click(".nav >> text=Unpriced")
    assert page.inner_text("main h2.h1") == MODEL
    page.fill("input[name=input]", "4")
    page.fill("input[name=cached_input]", "")
    page.fill("input[name=output]", "18")
    page.press("input[name=output]", "Tab")
    page.wait_for_selector("#preview >> text=+$11.60")
    page.fill("input[name=source]", "Quote of 17 Nov")
    page.click("text=Save price and re-price 2 calls")
    page.wait_for_url("**/prices/reprice/*")
    priced.run("from costwatch.ledger import orders; orders.work(20)")
    page.wait_for_selector("text=2 of 2 calls had no price; they cost $11.60")
    priced.run(FOLD)
    page.goto("/unpriced")
    assert "Every call has a price" in page.inner_text("main")


def test_a_usage_object_is_priced_without_leaving_the_page(visit, priced):
    page = visit(viewport={"width": 1280, "height": 900}).page
    log_in(page)
    page.goto("/prices/try")
    page.fill("input[name=model]", "gpt-4.1")
    page.fill("textarea[name=usage]", '{"prompt_tokens": 1000000, "completion_tokens": 0}')
    page.click("text=What does it cost?")
    page.wait_for_selector("#answer h2 >> text=$2.00")


@pytest.mark.parametrize(("theme", "width"), [("light", 390), ("dark", 1280)])
def test_the_pages_of_prices_are_accessible_and_fit(visit, priced, theme, width):
    visitor = visit(viewport={"width": width, "height": 900}, color_scheme=theme)
    page = visitor.page
    log_in(page)
    assert visitor.problems(PAGES) == []
