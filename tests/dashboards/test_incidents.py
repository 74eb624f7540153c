"""The incidents' pages: the list, one of them, what members do; and where else an open one is seen."""

import re
from datetime import UTC, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from costwatch.accounts.models import AuditEntry, Role
from costwatch.alerts import incidents
from costwatch.alerts.incidents import Report
from costwatch.alerts.models import Incident, Kind, Severity, State
from costwatch.ledger.fold import fold_all
from costwatch.loops import watch
from costwatch.loops.models import Lesson
from costwatch.loops.neighbour_reports import circle
from costwatch.loops.pingpong import PingPong
from costwatch.loops.state import Settings
from tests.dashboards.conftest import logged_in
from tests.dashboards.page import links, row, rows, text
from tests.ledger.make import NOW, entry

pytestmark = pytest.mark.usefixtures("now")


@pytest.fixture
def editor(workspace, now) -> Client:
    return logged_in(workspace, "editor@larkfield.example", Role.EDITOR)


@pytest.fixture
def loop(send) -> Incident:
    """An agent that asks for the same order nine times, and a healthy call of another run."""
    send(*(
        entry(f"e{n}", minutes=-10 + n / 10, run_id="r-loop", task="refund", step=n, cost="0.02", tool="get_order",
              call_fingerprint="5c1e0a90", input_fingerprint="a7f03b")
        for n in range(9)
    ), entry(run_id="r-fine", cost="0.5"))  # fmt: skip
    fold_all()
    watch.watch_all(NOW, 10)
    return Incident.objects.get()


def body(client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def test_without_incidents_the_page_says_what_would_be_here(client):
    html = text(body(client, "/incidents"))
    assert "No incidents" in html
    assert "call_fingerprint" in html
    assert "No incident is snoozed" in text(body(client, "/incidents?state=snoozed"))


def test_the_newest_incident_stands_beside_the_list(client, loop):
    html = body(client, "/incidents")
    assert "triage: caught in a loop" in text(html)
    assert "open, alarm" in text(html)
    assert f"#{loop.pk} · loop · opened Wed 18 Nov 2026 14:22" in text(html)
    assert f"{reverse('incident', args=[loop.pk])}?state=open" in links(html)


def test_the_figures_are_those_of_the_run(client, loop):
    html = text(body(client, f"/incidents/{loop.pk}"))
    assert "Spent on repeats $0.16 8 of 9 calls, $0.18 in all" in html
    assert "triage repeated get_order with the same arguments and the same result" in html


def test_at_risk_is_a_pace_or_where_all_calls_came_at_once_what_they_cost(client, loop, send):
    assert " / h at the pace when it was found" in text(body(client, f"/incidents/{loop.pk}"))
    same = {"tool": "get_order", "call_fingerprint": "5c1e0a90", "input_fingerprint": "a7f03b", "cost": "0.02"}
    send(*(entry(f"b{n}", minutes=-1 + n / 6_000, run_id="r-fill", step=n, **same) for n in range(20)))
    fold_all()
    watch.watch_all(NOW, 10)
    html = text(body(client, f"/incidents/{Incident.objects.get(run_id='r-fill').pk}"))
    assert "At risk $0.40 spent so far, no pace yet" in html
    assert "/ h" not in html


def test_the_evidence_names_the_repeating_calls_and_adds_up(client, loop):
    html = body(client, f"/incidents/{loop.pk}")
    first = next(cells for cells in rows(html) if cells[0].startswith("2, 3, 4"))
    assert first == ["2, 3, 4 … 9", "get_order fingerprint 5c1e0a90", "same call, same result", "8", "$0.16"]
    assert row(html, "Repeats after the first of each")[1:] == ["8", "$0.16"]


def test_where_a_long_title_is_cut_its_number_stays(client, workspace, loop):
    title = f"{'Budget of the support team in the north ' * 9}: 100 % of $60,000.00 spent"
    number = incidents.open_or_update(workspace.pk, Report(Kind.BUDGET, "b", Severity.ALARM, title, "m", "s", NOW), NOW)
    for address in ("/incidents", "/", f"/incidents/{number}"):
        html = text(body(client, address))
        shown = re.findall(r"Budget of the support[^:]*:[^:]{0,30}", html)
        assert shown and all(": 100 % of $60,000.00 spent" in line for line in shown)


def test_the_states_are_tabs_with_their_counts(client, loop):
    assert "All 1 Open 1 Acknowledged 0 Snoozed 0 Resolved 0 Expected 0" in text(body(client, "/incidents"))


def test_a_viewer_looks_and_an_editor_acts(client, editor, loop):
    assert "Acknowledge</button>" not in body(client, f"/incidents/{loop.pk}")
    assert client.post(reverse("incident-act", args=[loop.pk, "ack"])).status_code == 403
    assert "Acknowledge</button>" in body(editor, f"/incidents/{loop.pk}")


def test_acknowledging_makes_one_the_owner_and_is_audited(editor, loop):
    response = editor.post(reverse("incident-act", args=[loop.pk, "ack"]))
    assert response["Location"] == reverse("incident", args=[loop.pk])
    html = text(body(editor, response["Location"]))
    assert "acknowledged by editor@larkfield.example" in html
    assert "Owner editor@larkfield.example" in html
    assert AuditEntry.objects.get().action == "incident.ack"


def test_a_snooze_lasts_as_long_as_was_chosen(editor, loop):
    for hours, expected in (("1", 1), ("168", 168), ("99999", 24), ("", 24)):
        editor.post(reverse("incident-act", args=[loop.pk, "snooze"]), {"hours": hours})
        loop.refresh_from_db()
        assert loop.snoozed_until == NOW + timedelta(hours=expected)
    assert "snoozed until Thu 19 Nov 14:32" in text(body(editor, f"/incidents/{loop.pk}"))


def test_expected_may_teach_that_a_tool_repeats_or_a_task_is_a_batch(editor, loop):
    page = body(editor, f"/incidents/{loop.pk}")
    assert "get_order may repeat" in page
    assert "refund is a batch" in page
    editor.post(reverse("incident-act", args=[loop.pk, "expected"]), {"teach": "tool"})
    lesson = Lesson.objects.get()
    assert (lesson.kind, lesson.value, lesson.taught_by) == ("tool", "get_order", "editor@larkfield.example")
    assert set(AuditEntry.objects.values_list("action", flat=True)) == {"incident.expected", "loops.taught"}
    assert "Expected</summary>" not in body(editor, f"/incidents/{loop.pk}")


def test_expected_for_this_run_alone_teaches_nothing(editor, loop):
    editor.post(reverse("incident-act", args=[loop.pk, "expected"]), {"teach": "password"})
    assert not Lesson.objects.exists()
    loop.refresh_from_db()
    assert loop.state == State.EXPECTED


def test_what_cannot_be_done_is_said(editor, loop):
    Incident.objects.update(state=State.RESOLVED)
    editor.post(reverse("incident-act", args=[loop.pk, "ack"]))
    assert "is resolved; it cannot be changed in this way" in text(body(editor, f"/incidents/{loop.pk}"))
    assert editor.post(reverse("incident-act", args=[loop.pk, "delete"])).status_code == 404
    assert editor.get(reverse("incident-act", args=[loop.pk, "ack"])).status_code == 405


def test_strangers_do_not_find_it(stranger, loop):
    assert stranger.get(f"/incidents/{loop.pk}").status_code == 404
    assert "No incidents" in text(body(stranger, "/incidents"))


def test_the_rail_counts_what_is_open(client, loop):
    assert "Incidents 1 open alarm" in text(body(client, "/runs"))
    Incident.objects.update(state=State.ACKNOWLEDGED)
    assert "1 open" not in text(body(client, "/runs"))


def test_what_the_rail_leaves_out_is_said_beside_what_is_open(client, workspace, loop):
    assert "Open: 1 alarm" not in text(body(client, "/incidents"))
    report = Report(Kind.PRICING, "mild", Severity.NOTICE, "Model preview has no price", "", "preview", NOW)
    incidents.open_or_update(workspace.pk, report, NOW)
    html = body(client, "/incidents")
    assert 'title="1 open alarm"' in html
    assert "Open: 1 alarm and 1 notice." in text(html)
    assert "Open 2" in text(html)


def test_the_overview_names_the_newest_open_one_and_notices_a_new_one(client, loop):
    html = body(client, "/")
    assert "1 open alarm triage: caught in a loop" in text(html)
    seen = html.split('X-Seen": "')[1].split('"')[0]
    assert client.get("/", headers={"HX-Request": "true", "X-Seen": seen}).status_code == 204
    Incident.objects.update(state=State.RESOLVED)
    again = client.get("/", headers={"HX-Request": "true", "X-Seen": seen})
    assert again.status_code == 200
    assert "open-incidents" not in again.content.decode()


def test_the_page_of_a_run_tells_its_loop_and_marks_the_repeats(client, loop):
    html = body(client, "/runs/r-loop")
    assert "triage: caught in a loop : open, alarm" in text(html).replace("loop:", "loop :")
    assert html.count('class="rep"') == 8
    assert "same call, same result, as call 1" in row(html, "2")[3]
    assert 'class="rep"' not in body(client, "/runs/r-fine")


def test_what_has_no_price_is_called_unpriced_and_not_zero(client, send):
    send(*(
        entry(f"u{n}", minutes=-10 + n, run_id="r-u", step=n, tool="t", call_fingerprint="c", input_fingerprint="i",
              cost=None) for n in range(9)
    ))  # fmt: skip
    fold_all()
    watch.watch_all(NOW, 10)
    html = body(client, "/incidents")
    assert "$0.00" not in html
    assert "Spent on repeats unpriced 8 of 9 calls, unpriced in all" in text(html)
    assert row(html, "Repeats after the first of each")[1:] == ["8", "unpriced"]
    assert Incident.objects.get().amount is None


def test_a_run_that_is_partly_priced_costs_at_least_what_is_known(client, send):
    send(*(
        entry(f"p{n}", minutes=-10 + n, run_id="r-p", step=n, tool="t", call_fingerprint="c", input_fingerprint="i",
              cost=None if n == 3 else "0.02") for n in range(9)
    ))  # fmt: skip
    fold_all()
    watch.watch_all(NOW, 10)
    assert "Spent on repeats ≥ $0.14 8 of 9 calls, ≥ $0.16 in all" in text(body(client, "/incidents"))


def test_a_failed_request_does_not_shift_the_numbers_of_the_calls(client, send):
    failed = entry("f", minutes=-11, run_id="r-f", step=0, error=True)
    send(failed, *(
        entry(f"e{n}", minutes=-10 + n / 10, run_id="r-f", step=n + 1, tool="t", call_fingerprint="c",
              input_fingerprint="i") for n in range(9)
    ))  # fmt: skip
    fold_all()
    watch.watch_all(NOW, 10)
    assert "as call 2" in row(body(client, "/runs/r-f"), "3")[3]


def test_names_that_clients_sent_stay_text(client, send, editor):
    send(*(
        entry(f"x{n}", minutes=-10 + n / 10, run_id="<b>&'", task="<i>", agent_id="<script>alert(1)</script>", step=n,
              tool="<u>", call_fingerprint="<s>", input_fingerprint="i", cost="0.02")
        for n in range(9)
    ))  # fmt: skip
    fold_all()
    watch.watch_all(NOW, 10)
    html = body(editor, "/incidents")
    for tag in ("<script>alert", "<b>&", "<u>", "<s>"):
        assert tag not in html


def test_many_incidents_come_in_pages(client, loop):
    Incident.objects.bulk_create(
        [_copy(loop, number) for number in range(60)],
    )
    first = body(client, "/incidents")
    assert first.count('class="meta"') == 50
    assert ">Next<" in first
    second = body(client, "/incidents?page=2")
    assert second.count('class="meta"') == 11
    assert ">Previous<" in second
    assert body(client, "/incidents?page=x").count('class="meta"') == 50


def _copy(loop: Incident, number: int) -> Incident:
    values = {field.attname: getattr(loop, field.attname) for field in Incident._meta.fields if field.name != "id"}
    return Incident(**(values | {"dedupe_key": f"copy {number}"}))


def test_a_growing_context_is_told_by_what_reading_it_again_cost(client, send, workspace):
    send(*[entry(f"g{n}", minutes=-10 + n / 10, run_id="r-long", step=n, cost="0.2", output_tokens=40,
                 input_tokens=1_000 + 4_000 * n, call_fingerprint=f"c{n}", input_fingerprint=f"i{n}")
           for n in range(40)])  # fmt: skip
    fold_all()
    watch.watch_all(NOW, 10)
    html = text(body(client, f"/incidents/{Incident.objects.get(facts__rule='growth').pk}"))
    assert "Spent on reading again" in html and "was never trimmed" in html


def test_an_incident_about_a_session_has_a_page_too(client, workspace):
    at = NOW.timestamp()
    found = PingPong(("sales", "support"), 6, 7, 5.0, 5.0, False, at, at, "e", "r", Decimal("0.5"))
    told = circle(found, 1, "s-1", Settings(), UTC)
    pk = incidents.open_or_update(workspace.pk, told, NOW)
    html = text(body(client, f"/incidents/{pk}"))
    assert "sales and support answer each other in circles" in html and "Session s-1" in html
