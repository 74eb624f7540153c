"""A real browser tells the server what it refused."""

import re
import urllib.request

import pytest
from playwright.sync_api import Browser

from tests.live import LiveServer

pytestmark = pytest.mark.journey
INJECT = "document.head.append(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))"
LOGGED = r'^costwatch_csp_reports_total{outcome="logged"} [1-9]'


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
    # here each of the web processes counts for itself, and which one answers is chance
    assert any(re.search(LOGGED, metrics(owned), re.M) for _ in range(100))


def metrics(server: LiveServer) -> str:
    with urllib.request.urlopen(f"{server.url}/metrics") as answer:
        return str(answer.read().decode())
