"""Takes the pictures of the documentation from a fresh installation with demo data.

python -m tests.journeys.gallery           → docs/images/*.png, docs/images/gallery/*.webp: a handful
python -m tests.journeys.gallery FOLDER    → FOLDER/*.webp: every page, light and dark, on a screen and on a phone
"""

import os
import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

import tests.settings  # noqa: F401  (starts the embedded PostgreSQL and says where it is)
from tests.journeys.browser import Visitor, launch
from tests.journeys.conftest import OWNER, PASSWORD, setup_link
from tests.live import ROOT, LiveServer

IMAGES = ROOT / "docs" / "images"
GALLERY = IMAGES / "gallery"
# the demo, everything that runs by itself once, and views that somebody would keep
FILL = """
import django; django.setup()
from costwatch.demo import fill
fill.fill_if_empty()
from django.conf import settings
from costwatch.accounts.models import Workspace
from costwatch.celery import app
app.loader.import_default_modules()
for part in settings.CELERY_BEAT_SCHEDULE.values():
    app.tasks[part["task"]].apply()
from costwatch.saved.models import SavedView
own = Workspace.objects.first()
for name, query in (("Customers by agent", "by=tag.customer&across=agent"), ("Cost per run", "metric=cost_per_run"),
                    ("Models per task", "by=model&across=task")):
    SavedView.objects.create(workspace=own, name=name, path="/explore", query=query)
"""
TOP = [
    ("overview-light", "/", "light", 1280, 1000),
    ("overview-dark", "/", "dark", 1280, 1000),
    ("overview-phone", "/", "light", 390, 844),
    ("run-light", "/runs/r-8f31c2", "light", 1280, 1000),
]
# name → address, or a list and what to follow there
PAGES: dict[str, str | tuple[str, str]] = {
    "overview": "/",
    "explore": "/explore?by=tag.customer&across=agent",
    "explore-ratio": "/explore?metric=cost_per_run&by=agent&period=30d",
    "explore-hours": "/explore?by=model&bucket=hour&period=7d&metric=output_tokens",
    "views": "/views",
    "agent": "/agents/reasoning",
    "runs": "/runs",
    "run": "/runs/r-8f31c2",
    "call": ("/runs/r-8f31c2", ".calls a[href*='/calls/']"),
    "sessions": "/sessions",
    "session": ("/sessions", "tbody th a"),
    "session-paths": "/session-paths",
    "resend": "/resend",
    "budgets": "/budgets",
    "budget": ("/budgets", "tbody th a"),
    "budget-new": "/budgets/new",
    "incidents": "/incidents",
    "stops": "/stops",
    "unpriced": "/unpriced",
    "month": "/month",
    "variance": "/variance",
    "releases": "/releases",
    "limits": "/limits",
    "digests": "/digests",
    "prices": "/prices",
    "reprice": "/prices/reprice",
    "channels": "/settings/channels",
    "keys": "/settings/keys",
    "members": "/settings/members",
    "audit": "/settings/audit",
}
HANDFUL = (
    "overview",
    "explore",
    "explore-ratio",
    "agent",
    "run",
    "sessions",
    "budget",
    "incidents",
    "variance",
    "releases",
)
SIZES = {"screen": (1280, 960), "phone": (390, 844)}
QUALITY = 82


def main(folder: Path | None) -> None:
    """Everything into a folder, or the handful into docs."""
    with tempfile.TemporaryDirectory() as data, sync_playwright() as playwright:
        site = LiveServer(Path(data))
        site.start()
        try:
            patient = {**os.environ, **site.environment, "COSTWATCH_DATABASE_TIMEOUT": "0"}
            subprocess.run([sys.executable, "-c", FILL], env=patient, cwd=ROOT, check=True)
            browser = launch(playwright)
            state = _become_owner(browser, site, Path(data) / "state.json")
            if folder:
                _every_page(browser, site, state, folder)
            else:
                _the_handful(browser, site, state)
        finally:
            site.stop()


def _every_page(browser: Browser, site: LiveServer, state: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for theme in ("light", "dark"):
        for size, (width, height) in SIZES.items():
            page = _window(browser, site, state, theme, width, height)
            for name, where in PAGES.items():
                _store(_taken(page, where, whole=True), folder / f"{name}-{theme}-{size}.webp")
            page.context.close()


def _the_handful(browser: Browser, site: LiveServer, state: Path) -> None:
    GALLERY.mkdir(parents=True, exist_ok=True)
    for name, address, theme, width, height in TOP:
        page = _window(browser, site, state, theme, width, height)
        (IMAGES / f"{name}.png").write_bytes(_taken(page, address))
        page.context.close()
    for theme in ("light", "dark"):
        page = _window(browser, site, state, theme, *SIZES["screen"])
        for name in HANDFUL:
            _store(_taken(page, PAGES[name]), GALLERY / f"{name}-{theme}.webp")
        page.context.close()


def _become_owner(browser: Browser, site: LiveServer, state: Path) -> Path:
    """Log in once; the cookies of it are for all windows."""
    page = Visitor.new(browser, site.url).page
    page.goto(setup_link(site))
    page.fill("input[name=email]", OWNER)
    page.fill("input[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url("**/")
    page.context.storage_state(path=state)
    page.context.close()
    return state


def _window(browser: Browser, site: LiveServer, state: Path, theme: str, width: int, height: int) -> Page:
    size = {"width": width, "height": height}
    return Visitor.new(browser, site.url, viewport=size, color_scheme=theme, storage_state=state).page


def _taken(page: Page, where: str | tuple[str, str], *, whole: bool = False) -> bytes:
    address, link = (where, "") if isinstance(where, str) else where
    page.goto(address)
    if link and page.locator(link).count():
        page.goto(page.locator(link).first.get_attribute("href") or address)
    for chart in page.locator("cost-chart").all():
        chart.locator(".main-svg").first.wait_for()
    return page.screenshot(full_page=whole)


def _store(picture: bytes, path: Path) -> None:
    Image.open(BytesIO(picture)).convert("RGB").save(path, quality=QUALITY, method=6)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
