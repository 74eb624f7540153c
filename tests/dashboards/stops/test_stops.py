"""The kill switch's page: who is asked to stop, asking somebody, letting them go on."""

import csv
import io
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from costwatch.accounts.models import AuditEntry, Role
from costwatch.alerts import incidents, kill, stops
from costwatch.alerts.incidents import Report
from costwatch.alerts.models import Kind, Severity, Stop
from costwatch.dashboards.stops.page import stop_url
from tests.dashboards.conftest import logged_in
from tests.dashboards.page import links, rows, text
from tests.ledger.make import NOW, entry

pytestmark = pytest.mark.usefixtures("now")
REPORT = Report(Kind.LOOP, "loop:1:run", Severity.ALARM, "a loop", "It loops.", "tri age", NOW)
HOSTILE = "<img src=x onerror=alert(1)>\"'&"


@pytest.fixture
def editor(workspace, now) -> Client:
    return logged_in(workspace, "editor@larkfield.example", Role.EDITOR)


def body(client, address: str = "/stops", status: int = 200) -> str:
    response = client.get(address)
    assert response.status_code == status
    return response.content.decode()


def place(client, status=302, **fields):
    wanted = {"by": "agent", "value": "triage", "message": "Too dear tonight.", "hours": "4", **fields}
    response = client.post("/stops/place", wanted)
    assert response.status_code == status
    return response.content.decode()


def kill_switch(workspace, name="triage", at=NOW):
    return kill.order(workspace.pk, {"agent": name}, "Too dear.", NOW + timedelta(hours=1), "mara", at)


def test_without_stops_the_page_says_what_asks_by_itself(client):
    html = text(body(client))
    assert "Nobody is asked to stop. Open loop incidents and blocking budgets ask by themselves" in html
    assert "at most 2.5 seconds pass" in html


def test_an_editor_stops_an_agent_and_lets_it_go_on(editor, workspace):
    place(editor)
    cells = rows(body(editor))[1]
    assert cells[0] == "agent triagestopped by hand"
    assert cells[1].startswith("Too dear tonight.editor@larkfield.example, since")
    assert "18:32" in cells[2]  # four hours after 14:32 in Berlin
    stop = Stop.objects.get()
    assert (stop.scope, stop.until) == ({"agent": ["triage"]}, NOW + timedelta(hours=4))
    editor.post(reverse("stop-lift", args=[stop.pk]))
    assert "Nobody is asked to stop" in text(body(editor))
    audited = AuditEntry.objects.filter(action__startswith="stop.").order_by("pk")
    assert [(one.action, one.subject, one.actor) for one in audited] == [
        ("stop.placed", "agent triage", "editor@larkfield.example"),
        ("stop.lifted", "agent triage", "editor@larkfield.example"),
    ]


def test_everybody_is_stopped_only_by_typing_the_workspaces_name(editor, workspace):
    html = place(editor, 422, by="everybody", value="yes")
    assert "type the name of this workspace" in html
    assert not Stop.objects.exists()
    place(editor, by="everybody", value=workspace.name)
    assert Stop.objects.get().scope == {}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"value": ""}, "required"),
        ({"message": " "}, "required"),
        ({"by": "planet"}, "Select a valid choice"),
        ({"hours": "9999"}, "Select a valid choice"),
        ({"value": "x" * 201}, "at most 200"),
        ({"value": "a\0b"}, "Null characters"),
    ],
)
def test_what_makes_no_sense_is_said_beside_its_field(editor, fields, said):
    assert said in place(editor, 422, **fields)
    assert not Stop.objects.exists()


def test_a_link_fills_the_form_and_stops_nobody(editor):
    html = body(editor, stop_url("user", HOSTILE, "why not"))
    assert HOSTILE not in html
    assert "&lt;img src=x" in html and 'value="why not"' in html
    assert '<option value="user" selected>' in html
    assert not Stop.objects.exists()


def test_a_viewer_sees_and_does_nothing(client, workspace):
    stop = kill_switch(workspace)
    html = body(client)
    assert "agent triage" in html and "Lift" not in html and "Stop somebody" not in html
    assert client.post("/stops/place", {}).status_code == 403
    assert client.post(reverse("stop-lift", args=[stop.pk])).status_code == 403


def test_a_loops_stop_leads_to_its_incident_and_is_not_lifted_here(editor, workspace):
    report = Report(
        Kind.LOOP, "loop:1:run", Severity.ALARM, "a loop", "It loops.", "triage", NOW, run_id="r-1", stops=True
    )
    pk = incidents.open_or_update(workspace.pk, report, NOW)
    html = body(editor)
    assert rows(html)[1][0] == "run r-1loop" and rows(html)[1][1].startswith("It loops.")
    assert reverse("incident", args=[pk]) in html
    editor.post(reverse("stop-lift", args=[Stop.objects.get().pk]))
    assert "resolve its incident" in text(body(editor))
    assert Stop.objects.get().lifted_at is None


def test_names_of_senders_are_shown_as_text(editor, workspace):
    kill_switch(workspace, HOSTILE)
    html = body(editor)
    assert HOSTILE not in html
    assert any(HOSTILE[:20] in cell for cells in rows(html) for cell in cells)


def test_reasons_are_tabs_and_long_lists_have_pages(client, workspace):
    for number in range(120):
        kill_switch(workspace, f"a{number}", NOW - timedelta(minutes=number))
    stops.place(workspace.pk, {"user": ["u"]}, "budget", "Over.", key="budget:1", now=NOW)
    html = body(client)
    assert "All 121" in text(html) and "By people 120" in text(html) and "Budgets 1" in text(html)
    assert len(rows(html)) == 51
    assert len(rows(body(client, "/stops?page=3"))) == 22
    assert len(rows(body(client, "/stops?reason=budget"))) == 2
    assert len(rows(body(client, "/stops?reason=nonsense&page=x"))) == 51


def test_the_list_is_a_file_too(client, workspace):
    kill_switch(workspace, "=cmd()")
    response = client.get("/stops.csv")
    (head, cells) = csv.reader(io.StringIO(response.content.decode().removeprefix("\ufeff")))
    assert head[0] == "Who"
    assert cells[:3] == ["agent =cmd()", "kill", "Too dear."]


def test_stops_of_others_are_not_seen(stranger, workspace):
    stop = kill_switch(workspace)
    assert "triage" not in body(stranger)
    assert stranger.post(reverse("stop-lift", args=[stop.pk])).status_code == 404


def test_a_run_and_an_incident_lead_here(editor, client, workspace, send):
    send(entry(run_id="r-1", agent_id="tri age"))
    html = body(editor, "/runs/r-1")
    assert {stop_url("agent", "tri age"), stop_url("run", "r-1")} <= set(links(html))
    assert "Stop this" not in body(client, "/runs/r-1")
    report = Report(
        Kind.LOOP, "loop:1:run", Severity.ALARM, "a loop", "It loops.", "tri age", NOW, facts={"agent": "tri age"}
    )
    pk = incidents.open_or_update(workspace.pk, report, NOW)
    assert "/stops?by=agent&amp;value=tri+age&amp;message=a+loop#new" in body(editor, f"/incidents/{pk}")


def loop_of(workspace, run_id):
    report = Report(Kind.LOOP, "loop:1:run", Severity.ALARM, "triage repeats itself", "It loops.", "triage", NOW,
                    run_id=run_id, stops=True)  # fmt: skip
    return incidents.open_or_update(workspace.pk, report, NOW)


def test_a_run_that_was_stopped_says_so_instead_of_offering_it_and_one_comes_back_to_it(editor, client, send):
    send(entry(run_id="r-1"))
    assert "Stop this run" in text(body(editor, "/runs/r-1"))
    stopped = editor.post("/stops/place", {"by": "run", "value": "r-1", "message": "Too dear <b>.", "hours": "4"})
    assert stopped["Location"] == "/runs/r-1"
    for reader in (editor, client):
        html = body(reader, "/runs/r-1")
        assert "Asked to stop since Wed 18 Nov 14:32 Too dear <b>. editor@larkfield.example · Stops" in text(html)
        assert "Stop this run" not in text(html) and "/stops?reason=kill" in links(html)
    editor.post(reverse("stop-lift", args=[Stop.objects.get().pk]))
    assert "Stop this run" in text(body(editor, "/runs/r-1")) and "Asked to stop" not in text(body(editor, "/runs/r-1"))


def test_a_run_stopped_by_its_loop_says_so(editor, workspace, send):
    send(entry(run_id="r-1"))
    loop_of(workspace, "r-1")
    html = body(editor, "/runs/r-1")
    assert "Asked to stop since Wed 18 Nov 14:32 By its loop incident · Stops" in text(html)
    assert "Stop this run" not in text(html)


def test_the_loop_of_a_run_is_the_reason_that_its_links_fill_in(editor, workspace, send):
    send(entry(run_id="r-1", agent_id="triage"))
    loop_of(workspace, "r-1")
    assert stop_url("agent", "triage", "triage repeats itself") in links(body(editor, "/runs/r-1"))


def test_who_stops_a_run_that_is_not_known_yet_sees_the_list(editor):
    place(editor, by="run", value="r-404")
    known = editor.post("/stops/place", {"by": "run", "value": "r-404", "message": "Why", "hours": "4"})
    assert known["Location"] == "/stops"
