"""A real browser tells the server what it refused."""

import re
import urllib.request

import pytest
from playwright.sync_api import Browser

from tests.live import LiveServer

pytestmark = pytest.mark.journey
INJECT = "document.head.append(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))"


def test_a_browser_that_refuses_an_inline_script_says_so_to_the_server(browser: Browser, owned: LiveServer) -> None:
    page = browser.new_page()
    try:
        page.goto(f"{owned.url}/login")
        with page.expect_request("**/csp-report") as sent:
            page.evaluate(INJECT)
        assert sent.value.response().status == 204
        assert page.evaluate("window.ran") is None
    finally:
        page.close()
    with urllib.request.urlopen(f"{owned.url}/metrics") as answer:
        counted = answer.read().decode()
    assert re.search(r'^costwatch_csp_reports_total{outcome="logged"} [1-9]', counted, re.M)
