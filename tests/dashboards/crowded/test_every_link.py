"""Whoever follows links, from page to page, arrives: no link leads nowhere, whatever senders call things.

A workspace with one of everything is walked from the front page, as its owner and as a viewer.
"""

import re
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qsl, urljoin, urlsplit

import pytest

from costwatch.accounts import keys
from costwatch.accounts.models import Role
from costwatch.alerts import channels, incidents, kill
from costwatch.alerts.incidents import Report
from costwatch.alerts.models import Kind, Severity
from costwatch.budgets import manage
from costwatch.digests.subscriptions import subscribe
from costwatch.saved.models import SavedView
from tests.dashboards.conftest import logged_in
from tests.dashboards.crowded.field import HOSTILE
from tests.ledger.make import NOW

pytestmark = pytest.mark.thorough
LINK = re.compile(r'<(?:a|link|form)\b[^>]*?\s(?:href|hx-get)="([^"]*)"')
CONDITIONS = ("agent", "model", "task", "user", "provider", "environment", "release", "tag.customer")
OF_NAMES = ("agents", "users", "tasks", "models", "releases", "tags", "runs", "calls", "sessions")


@pytest.fixture
def everything(workspace, prices, now) -> None:
    """One of all that has a page or a row."""
    keys.create_key(workspace, "production", ["ingest"])
    hook = {"kind": "webhook", "name": HOSTILE, "url": "https://hooks.example.com/x", "is_default": True}
    channels.create(workspace, hook)
    manage.create(workspace, {"name": HOSTILE, "amount_usd": "100", "period": "monthly"}, "ann")
    manage.create(workspace, {"name": "Each", "amount_usd": "9", "period": "weekly", "per": "user"}, "ann")
    kill.order(workspace.pk, {"agent": HOSTILE}, "Too dear.", NOW + timedelta(hours=1), "ann", NOW)
    kill.order(workspace.pk, {"session": "s-1"}, "Too dear.", NOW + timedelta(hours=1), "ann", NOW)
    loop = Report(Kind.LOOP, "loop:1", Severity.ALARM, f"{HOSTILE}: a loop", "It loops.", HOSTILE, NOW, run_id="r-1",
                  facts={"agent": HOSTILE, "task": "refund"})  # fmt: skip
    incidents.open_or_update(workspace.pk, loop, NOW)
    SavedView.objects.create(workspace=workspace, name=HOSTILE, path="/explore", query="by=model&across=task")
    subscribe(workspace, "weekly", NOW, by="ann", member=logged_in_member(workspace))


def logged_in_member(workspace):
    return workspace.members.create(email="ann@larkfield.example", role=Role.VIEWER, password="!")


def traits(address: str) -> set[tuple[str, str]]:
    """What is new to see at an address: its kind of page, and each parameter on it. Names and numbers do not count."""
    parts = urlsplit(address)
    first, _, rest = parts.path.removeprefix("/").partition("/")
    path = f"{first}/*" if first in OF_NAMES and rest else re.sub(r"\d[\d-]*", "*", parts.path)
    sent = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    names = {"a condition" if name.removesuffix("!") in CONDITIONS else name for name in sent}
    return {(path, ""), *((path, name) for name in names)}


def inside(page: str, address: str) -> list[str]:
    """The links of a page to the rest of the product."""
    found = [urljoin(address, unescape(link)).partition("#")[0] for link in LINK.findall(page)]
    return [link for link in found if link.startswith("/") and not link.startswith(("/static/", "/api/"))]


def faults(page: str) -> list[str]:
    """What must not be in any page: a name as markup, an id twice, two main headings, a label of nothing."""
    ids = re.findall(r'\sid="([^"]*)"', page)
    found = [f"id {one} twice" for one in set(ids) if ids.count(one) > 1]
    found += [f"label of no {one}" for one in re.findall(r'<label[^>]*\sfor="([^"]*)"', page) if one not in ids]
    found += [f"described by no {one}" for many in re.findall(r'\saria-\w+by="([^"]*)"', page)
              for one in many.split() if one not in ids]  # fmt: skip
    return found + ["a name is markup"] * (HOSTILE[:5] in page) + ["no h1"] * (page.count("<h1") != 1)


@pytest.mark.parametrize("role", [Role.OWNER, Role.VIEWER])
def test_every_link_leads_to_a_page_and_every_page_is_in_order(workspace, everything, role):
    client = logged_in(workspace, f"{role}.walker@larkfield.example", role)
    waiting, known, trouble = [("/", "the beginning")], traits("/"), []
    while waiting:
        address, origin = waiting.pop(0)
        answer = client.get(address, follow=True)
        if answer.status_code != 200:
            trouble.append(f"{address} of {origin}: {answer.status_code}")
        elif answer["Content-Type"].startswith("text/html"):
            page = answer.content.decode()
            trouble += [f"{address}: {fault}" for fault in faults(page)]
            for link in inside(page, address):
                if not traits(link) <= known:
                    known |= traits(link)
                    waiting.append((link, address))
    assert trouble == []
    assert len(known) > 150, "the walk did not end at the first page"
