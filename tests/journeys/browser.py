"""A page that notes what must never happen: console errors, script errors, violations of the CSP, failed requests."""

import os
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
AXE = (Path(__file__).resolve().parent.parent / "data" / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]
LISTEN = """document.addEventListener('securitypolicyviolation',
    e => window.noteViolation(`${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}`))"""


def launch(playwright: Playwright) -> Browser:
    """The system's Chromium, else Playwright's own. Without one CI fails and a developer's run skips."""
    known = os.environ.get("COSTWATCH_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    try:
        return playwright.chromium.launch(executable_path=known, args=ARGUMENTS)
    except Exception as error:
        if os.environ.get("CI"):
            pytest.fail(f"no browser to test with: {error}")
        pytest.skip("no Chromium on this machine; apt-get install chromium")


@dataclass
class Visitor:
    """A browser window and what went wrong in it."""

    context: BrowserContext
    page: Page
    troubles: list[str] = field(default_factory=list)

    @classmethod
    def new(cls, browser: Browser, base_url: str, **options: Any) -> "Visitor":
        """A fresh window: no cookies of anybody."""
        context = browser.new_context(base_url=base_url, **options)
        context.set_default_timeout(15_000)
        visitor = cls(context, None)  # type: ignore[arg-type]
        context.expose_function("noteViolation", lambda text: visitor.troubles.append(f"CSP: {text}"))
        context.add_init_script(LISTEN)
        visitor.page = context.new_page()
        visitor.page.on("console", visitor._console)
        visitor.page.on("pageerror", lambda error: visitor.troubles.append(f"script: {error}"))
        visitor.page.on("response", visitor._response)
        return visitor

    def findings(self) -> list[str]:
        """What axe finds on the page as it stands."""
        self.page.evaluate(AXE)
        found = self.page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
        return [
            f"{problem['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
            for problem in found["violations"]
            for node in problem["nodes"]
        ]

    def problems(self, addresses: Iterable[str], ready: Callable[[Page], Any] | None = None) -> list[str]:
        """What axe finds on each of these pages, and which are wider than the window. `ready` waits for a page."""
        found = []
        for address in addresses:
            self.page.goto(address)
            if ready:
                ready(self.page)
            found += [f"{address} {finding}" for finding in self.findings()]
            wide = self.page.evaluate("document.documentElement.scrollWidth")
            found += [f"{address} is {wide} px wide"] if wide > self.page.viewport_size["width"] else []
        return found

    def close(self) -> None:
        with suppress(Exception):
            self.context.close()

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.troubles.append(f"console {message.type}: {message.text}")

    def _response(self, response: Any) -> None:
        if response.status >= 500:
            self.troubles.append(f"{response.status} from {response.url}")
