"""A page number beyond the last does not say that there is nothing: there is, on the pages before."""

from datetime import timedelta

import pytest

from costwatch.accounts import keys
from costwatch.alerts import incidents, kill
from costwatch.alerts.incidents import Report
from costwatch.alerts.models import Kind, Severity
from costwatch.budgets import manage
from tests.dashboards.page import text
from tests.ledger.make import NOW

pytestmark = pytest.mark.thorough


@pytest.fixture
def one_of_each(workspace, prices, now) -> None:
    kill.order(workspace.pk, {"agent": "triage"}, "Too dear.", NOW + timedelta(hours=1), "ann", NOW)
    loop = Report(Kind.LOOP, "loop:1", Severity.ALARM, "triage: a loop", "It loops.", "triage", NOW)
    incidents.open_or_update(workspace.pk, loop, NOW)
    manage.create(workspace, {"name": "All", "amount_usd": "100", "period": "monthly"}, "ann")
    keys.create_key(workspace, "production", ["ingest"])


@pytest.mark.parametrize(
    ("address", "lie"),
    [
        ("/stops?page=9", "Nobody is asked to stop"),
        ("/incidents?page=9", "No incidents"),
        ("/sessions?page=9", "No sessions"),
        ("/budgets?page=9", "no budget"),
        ("/prices?start=99999", "No price is known"),
        ("/settings/keys?page=9", "No key"),
    ],
)
def test_it_is_no_lie(owner, one_of_each, address, lie):
    answer = owner.get(address, follow=True)
    assert answer.status_code == 200
    assert lie.lower() not in text(answer.content.decode()).lower()


@pytest.mark.parametrize(
    ("address", "first"),
    [
        ("/stops?page=9&reason=kill", "/stops?reason=kill"),
        ("/incidents?page=9&state=open&first=2026-11-18", "/incidents?state=open&first=2026-11-18&last=2026-11-18"),
        ("/prices?start=99999&q=gpt&per=1K", "/prices?q=gpt&per=1K"),
    ],
)
def test_the_way_leads_to_the_first_page_of_the_same_question(owner, one_of_each, address, first):
    answer = owner.get(address)
    assert (answer.status_code, answer["Location"]) == (302, first)


@pytest.mark.parametrize("address", ["/stops?page=2", "/incidents?page=2", "/prices?start=60&q=nothing-like-it"])
def test_where_there_is_really_nothing_that_is_said(stranger, prices, address):
    said = text(stranger.get(address, follow=True).content.decode())
    assert any(words in said for words in ("Nobody is asked to stop", "No incidents", "No price is known"))
