"""A page that refreshes itself asks whether it would be another one: 204 while nothing it shows has changed."""

import re
from datetime import timedelta

import pytest
import time_machine

from costwatch.accounts.models import Workspace
from costwatch.alerts.incidents import Report, act, open_or_update
from costwatch.alerts.models import Incident, Kind, Severity
from costwatch.ledger.fold import fold_all
from costwatch.ledger.record import record
from tests.dashboards.conftest import DAY, logged_in
from tests.ledger.make import NOW, entry

pytestmark = [pytest.mark.thorough, pytest.mark.usefixtures("now")]
PAGES = ["/", "/?period=7d&by=user", "/explore", "/explore?by=none&period=today"]


@pytest.fixture(params=PAGES)
def asked(request, client, month):
    """Asks again, as the page that was shown does; the status of the answer."""
    html = client.get(request.param).content.decode()
    headers = {"HX-Request": "true", "X-Seen": re.search(r'"X-Seen": "(\w+)"', html)[1]}
    address = re.search(r'<div id="live" [^>]*hx-get="([^"]*)"', html)[1].replace("&amp;", "&")
    assert address == request.param
    return lambda: client.get(address, headers=headers).status_code


def test_nothing_new_is_no_content_however_often_it_asks(asked):
    assert [asked() for _ in range(3)] == [204] * 3


def test_a_call_is_seen_before_and_after_it_is_folded(asked, send):
    send(entry(cost="0.01"))
    assert asked() == 200
    fold_all()
    assert asked() == 200, "the page that asks has not shown it yet"


def test_folding_alone_changes_nothing(client, send, month):
    send(entry(cost="0.01"))
    html = client.get("/").content.decode()
    headers = {"HX-Request": "true", "X-Seen": re.search(r'"X-Seen": "(\w+)"', html)[1]}
    fold_all()
    assert client.get("/", headers=headers).status_code == 204


def test_an_unpriced_call_changes_the_page_too(asked, send):
    send(entry(cost=None, input_tokens=0, output_tokens=0))
    assert asked() == 200


def test_a_call_of_another_workspace_does_not(asked):
    record(Workspace.objects.create(name="Somebody else", time_zone="UTC").lane, [entry(cost="5")])
    assert asked() == 204


def test_a_call_of_long_ago_does_not_where_those_days_are_not_shown(asked, send):
    send(entry(cost="5", minutes=-200 * DAY))
    assert asked() == 204


def test_an_incident_that_opens_and_one_that_is_over_are_news(asked, workspace):
    report = Report(Kind.LOOP, "loop:1", Severity.CRITICAL, "It loops.", "Look.", "x", NOW)
    number = open_or_update(workspace.pk, report, NOW)
    assert asked() == 200
    act(Incident.objects.get(pk=number), "resolve", "mara", NOW)
    assert asked() == 204, "as it was"


def test_what_is_held_against_the_same_time_of_another_day_changes_with_the_minute(asked):
    with time_machine.travel(NOW + timedelta(seconds=40), tick=False):
        assert asked() == 204
    with time_machine.travel(NOW + timedelta(minutes=1), tick=False):
        assert asked() == 200


def test_the_seen_page_is_that_of_its_own_address_only(client, month):
    seen = re.search(r'"X-Seen": "(\w+)"', client.get("/").content.decode())[1]
    headers = {"HX-Request": "true", "X-Seen": seen}
    for other in ("/?by=model", "/?agent=triage", "/?period=7d", "/explore"):
        assert client.get(other, headers=headers).status_code == 200, other


@pytest.mark.parametrize("seen", ["", "x", "0" * 16, "<script>", "a" * 5000])
def test_any_other_word_is_answered_with_the_page(client, month, seen):
    assert client.get("/", headers={"HX-Request": "true", "X-Seen": seen}).status_code == 200


@pytest.mark.parametrize(
    "address",
    ["/explore?first=2026-11-01&last=2026-11-17", "/explore?period=month&on=2026-10-05",
     "/explore?metric=cost_per_session", "/variance"],
)  # fmt: skip
def test_what_is_over_or_takes_long_does_not_ask(client, month, address):
    assert 'id="live"' not in client.get(address).content.decode()


def test_two_members_who_see_the_same_have_the_same_page(client, workspace, month):
    colleague = logged_in(workspace, "colleague@larkfield.example")
    seen = re.search(r'"X-Seen": "(\w+)"', client.get("/").content.decode())[1]
    assert colleague.get("/", headers={"HX-Request": "true", "X-Seen": seen}).status_code == 204
