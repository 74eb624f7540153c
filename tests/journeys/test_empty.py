"""Every page before the first call: accessible, no wider than the window, and never an axis without anything on it."""

import pytest

from tests.journeys.conftest import log_in

pytestmark = pytest.mark.journey
PAGES = ["/", "/explore", "/explore?by=model&across=agent", "/views", "/runs", "/sessions", "/session-paths", "/resend",
         "/budgets", "/budgets/new", "/incidents", "/incidents?state=resolved", "/stops", "/unpriced", "/month",
         "/variance", "/digests", "/digests/daily", "/releases", "/limits", "/prices/agreed", "/prices/try",
         "/prices/reprice", "/settings/keys", "/settings/members", "/settings/audit", "/settings/channels",
         "/settings/channels/new/webhook", "/settings/loops", "/settings/anomalies", "/settings/digests",
         "/agents/nobody", "/runs/none", "/theme"]  # fmt: skip


@pytest.mark.parametrize(("theme", "width"), [("dark", 390), pytest.param("light", 1280, marks=pytest.mark.thorough)])
def test_every_page_is_accessible_and_fits_before_the_first_call(visit, owned, theme, width):
    visitor = visit(viewport={"width": width, "height": 900}, color_scheme=theme)
    page = visitor.page
    log_in(page)
    bare = []

    def look(page):
        bare.extend([f"{page.url} draws an empty chart"] if page.locator("cost-chart").count() else [])
        bare.extend([f"{page.url} has no heading"] if not page.locator("h1").count() else [])

    problems = visitor.problems(PAGES, look)
    visitor.troubles[:] = [t for t in visitor.troubles if "404" not in t and "405" not in t]
    assert problems + bare == []


def test_the_chosen_state_of_a_long_row_is_in_sight_on_a_phone(visit, owned):
    page = visit(viewport={"width": 390, "height": 844}).page
    log_in(page)
    page.goto("/incidents?state=expected")
    row, chosen = page.locator("nav.seg").bounding_box(), page.locator("nav.seg [aria-current]").bounding_box()
    assert row["x"] <= chosen["x"] and chosen["x"] + chosen["width"] <= row["x"] + row["width"] + 1
