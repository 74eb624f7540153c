"""The list of incidents as a file: the same list, whole, under the same filters."""

import csv
from datetime import timedelta
from decimal import Decimal
from functools import partial
from io import StringIO

import pytest

from costwatch.accounts.models import Member
from costwatch.alerts import incidents
from costwatch.alerts.incidents import Report
from costwatch.alerts.models import Channel, Delivery, Incident, Kind, Notice, Severity
from costwatch.dashboards import incident_file
from costwatch.dashboards.csv import first_of
from tests.dashboards.page import body, links
from tests.ledger.make import NOW

pytestmark = pytest.mark.usefixtures("now")


@pytest.fixture
def several(workspace) -> list[Incident]:
    """An alarm, a notice of two days ago, and one that is over."""
    return [
        opened(workspace, "a", Severity.NOTICE, NOW - timedelta(days=2), amount="2.5"),
        opened(workspace, "=b", Severity.ALARM, NOW, run_id="r-1", amount="0.125"),
        over(opened(workspace, "c", Severity.CRITICAL, NOW - timedelta(hours=3))),
    ]


def opened(workspace, key, severity, at, amount=None, **fields) -> Incident:
    report = Report(Kind.LOOP, key, severity, f"{key}: caught in a loop", "It repeats the same call.", key, at,
                    amount=amount and Decimal(amount), **fields)  # fmt: skip
    return Incident.objects.get(pk=incidents.open_or_update(workspace.pk, report, NOW))


def over(incident: Incident) -> Incident:
    incidents.act(incident, "resolve", "mara", NOW + timedelta(minutes=1))
    return incident


def lines(client, address="/incidents.csv") -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(body(client, address))))


def test_the_file_says_of_each_incident_what_the_list_says_and_when_it_was_over(client, workspace, several):
    Incident.objects.filter(pk=several[0].pk).update(facts={"detector": "unpriced"})
    Incident.objects.filter(pk=several[1].pk).update(owner=Member.objects.get(workspace=workspace))
    found = {line["id"]: line for line in lines(client, "/incidents.csv?state=all")}
    notice, alarm, resolved = (found[str(one.pk)] for one in several)
    assert (alarm["kind"], alarm["severity"], alarm["state"], alarm["run_id"]) == ("loop", "alarm", "open", "r-1")
    assert (alarm["title"], alarm["subject"]) == ("'=b: caught in a loop", "'=b")
    assert alarm["message"] == "It repeats the same call."
    assert (alarm["opened_at"], alarm["closed_at"]) == ("2026-11-18T13:32:07.123456Z", "")
    assert (alarm["amount_usd"], alarm["amount_is_at_most"]) == ("0.125000000000", "false")
    assert alarm["owner"] == "viewer@larkfield.example" and alarm["last_message"] == ""
    assert (notice["amount_is_at_most"], notice["owner"]) == ("true", "")
    assert (resolved["state"], resolved["closed_at"]) == ("resolved", "2026-11-18T13:33:07.123456Z")
    assert (resolved["amount_usd"], resolved["amount_is_at_most"]) == ("", "")


def test_it_begins_with_the_open_ones_as_the_page_does_and_keeps_its_filters(client, several):
    notice, alarm, resolved = (str(one.pk) for one in several)
    assert [line["id"] for line in lines(client)] == [alarm, notice]
    assert [line["id"] for line in lines(client, "/incidents.csv?state=all")] == [alarm, resolved, notice]
    assert [line["id"] for line in lines(client, "/incidents.csv?state=resolved")] == [resolved]
    assert [line["id"] for line in lines(client, "/incidents.csv?first=2026-11-16&last=2026-11-17")] == [notice]
    for page, file in (
        ("/incidents", "/incidents.csv?state=open"),
        ("/incidents?state=all", "/incidents.csv?state=all"),
        ("/incidents?state=open&first=2026-11-16&last=2026-11-17",
         "/incidents.csv?state=open&first=2026-11-16&last=2026-11-17"),
        (f"/incidents/{notice}?state=open", "/incidents.csv?state=open"),
    ):  # fmt: skip
        assert file in links(body(client, page))
    assert not any("csv" in link for link in links(body(client, "/incidents?state=snoozed")))


def test_the_last_message_about_an_incident_is_said(client, workspace, several):
    channel = Channel.objects.create(workspace=workspace, kind="email", name="team")
    for state in (Delivery.State.SENT, Delivery.State.FAILED):
        sent = Delivery.objects.create(workspace=workspace, channel=channel, type="incident.opened", state=state)
        entry = several[1].timeline.create(at=NOW, action="raised", text="It is an alarm now")
        Notice.objects.create(incident=several[1], channel=channel, entry=entry, type="incident.opened", delivery=sent)
    assert [line["last_message"] for line in lines(client)] == ["failed", ""]


def test_a_file_that_ends_before_its_list_says_so(client, several, monkeypatch):
    def named(address):
        return client.get(address)["Content-Disposition"].partition("filename=")[2]

    assert named("/incidents.csv") == '"incidents-open.csv"'
    assert named("/incidents.csv?state=all") == '"incidents.csv"'
    monkeypatch.setattr(incident_file, "first_of", partial(first_of, most=2))
    assert named("/incidents.csv?state=all&first=2026-11-01&last=2026-11-18") == (
        '"incidents-2026-11-01-2026-11-18-first-1000.csv"'
    )
    assert len(lines(client, "/incidents.csv?state=all")) == 2


def test_the_incidents_of_others_are_not_in_it(stranger, several):
    assert lines(stranger, "/incidents.csv?state=all") == []


@pytest.mark.parametrize("query", ["first=2026-11-31", "first=2026-11-02&last=2026-11-01"])
def test_days_that_make_no_sense_are_refused(client, query):
    assert client.get(f"/incidents.csv?{query}").status_code == 400
