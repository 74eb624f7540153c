"""A browser, a server of our own, and a workspace with a member in it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.journeys.browser import Visitor, launch
from tests.live import FirstStart, LiveServer

OWNER, PASSWORD, WORKSPACE = "mara@larkfield.example", "a long enough passphrase", "Larkfield Support"
expect.set_options(timeout=15_000)  # a busy machine is slow, not wrong


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Gone after the file: while Playwright's event loop runs, Django refuses to ask the database in this process."""
    with sync_playwright() as playwright:
        chromium = launch(playwright)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def site(first_start: FirstStart, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A fresh installation that nobody owns yet."""
    live = LiveServer(tmp_path_factory.mktemp("site"), first=first_start)
    try:
        live.start()
        yield live
    finally:
        live.stop()


@pytest.fixture(scope="module")
def owned(site: LiveServer) -> LiveServer:
    """An installation with an owner, who came without a browser."""
    who = (OWNER, "owner", PASSWORD, WORKSPACE)
    site.run(f"from costwatch.accounts import commands; commands.user_create(*{who!r})")
    return site


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
    """The owner, to the front page or the view that stands in its place."""
    page.goto("/login")
    page.fill("input[name=email]", OWNER)
    page.fill("input[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(lambda address: "/login" not in address)


def setup_link(site: LiveServer) -> str:
    """The one-time link that a first start prints."""
    step = (site.url, str(site.data_dir / "announced"))
    return site.run(f"from costwatch.up import prepare; prepare.announce(*{step!r})").split(" at ")[1].split()[0]


def make_owner(page: Page, site: LiveServer) -> None:
    """Become the owner of Larkfield Support by the setup link, as a person does."""
    page.goto(setup_link(site))
    page.fill("input[name=name] >> nth=0", WORKSPACE)
    page.fill("input[name=email]", OWNER)
    page.fill("input[name=password]", PASSWORD)
    page.click("main button[type=submit]")
