"""A browser, a server of our own, and a workspace with a member in it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.journeys.browser import Visitor, launch
from tests.live import ROOT, LiveServer

OWNER, PASSWORD = "mara@larkfield.example", "a long enough passphrase"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = launch(playwright)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A fresh installation that nobody owns yet."""
    live = LiveServer(tmp_path_factory.mktemp("site"))
    try:
        live.start()
        yield live
    finally:
        live.stop()


@pytest.fixture
def visit(browser: Browser, site: LiveServer) -> Iterator[Callable[..., Visitor]]:
    """Opens windows; each must have been without trouble in the end."""
    opened: list[Visitor] = []

    def open_window(**options: Any) -> Visitor:
        opened.append(Visitor.new(browser, site.url, **options))
        return opened[-1]

    yield open_window
    for visitor in opened:
        visitor.close()
    assert [trouble for visitor in opened for trouble in visitor.troubles] == []


def log_in(page: Page) -> None:
    """The owner, to the front page."""
    page.goto("/login")
    page.fill("input[name=email]", OWNER)
    page.fill("input[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url("**/")


def setup_link(site: LiveServer) -> str:
    """The one-time link that a first start prints."""
    stamp = str(Path(site.data_dir) / "announced")
    step = [sys.executable, "-m", "costwatch.up.prepare", "announce", site.url, stamp]
    printed = subprocess.run(step, env={**os.environ, **site.environment}, cwd=ROOT, capture_output=True, text=True)
    return printed.stdout.split(" at ")[1].split()[0]


def make_owner(page: Page, site: LiveServer) -> None:
    """Become the owner of Larkfield Support by the setup link, as a person does."""
    page.goto(setup_link(site))
    page.fill("input[name=name] >> nth=0", "Larkfield Support")
    page.fill("input[name=email]", OWNER)
    page.fill("input[name=password]", PASSWORD)
    page.click("main button[type=submit]")
