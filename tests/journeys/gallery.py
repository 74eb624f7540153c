"""Takes the pictures of the documentation from a fresh installation with demo data.

python -m tests.journeys.gallery        → docs/images/*.png
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

import tests.settings  # noqa: F401  (starts the embedded PostgreSQL and says where it is)
from tests.journeys.browser import Visitor, launch
from tests.journeys.conftest import OWNER, PASSWORD, setup_link
from tests.live import ROOT, LiveServer

IMAGES = ROOT / "docs" / "images"
FILL = "import django; django.setup(); from costwatch.demo import fill; fill.fill_if_empty()"
PICTURES = [
    ("overview-light", "/", "light", 1280, 1000),
    ("overview-dark", "/", "dark", 1280, 1000),
    ("overview-phone", "/", "light", 390, 844),
    ("run-light", "/runs/r-8f31c2", "light", 1280, 1000),
]


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        site = LiveServer(Path(folder))
        site.start()
        try:
            subprocess.run([sys.executable, "-c", FILL], env={**os.environ, **site.environment}, cwd=ROOT, check=True)
            browser = launch(playwright)
            _become_owner(browser, site)
            for picture in PICTURES:
                _take(browser, site, *picture)
        finally:
            site.stop()


def _become_owner(browser: Browser, site: LiveServer) -> None:
    page = Visitor.new(browser, site.url).page
    page.goto(setup_link(site))
    page.fill("input[name=email]", OWNER)
    page.fill("input[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url("**/")


def _take(browser: Browser, site: LiveServer, name: str, address: str, theme: str, width: int, height: int) -> None:
    visitor = Visitor.new(browser, site.url, viewport={"width": width, "height": height}, color_scheme=theme)
    page = visitor.page
    page.goto("/login")
    page.fill("input[name=email]", OWNER)
    page.fill("input[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url("**/")
    page.goto(address)
    page.locator("cost-chart .main-svg").first.wait_for()
    page.screenshot(path=IMAGES / f"{name}.png")
    visitor.close()


if __name__ == "__main__":
    main()
