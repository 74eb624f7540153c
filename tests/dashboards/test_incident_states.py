"""An incident through its states on its page: what is offered, what each button does, what stands in its history."""

import re
from datetime import timedelta
from itertools import product

import pytest
import time_machine
from django.urls import reverse

from costwatch.accounts.models import AuditEntry, Member, Role
from costwatch.alerts import incidents
from costwatch.alerts.incidents import Report
from costwatch.alerts.models import Incident, Kind, Severity, State, Stop
from costwatch.budgets import manage, watch
from costwatch.ledger.fold import fold_all
from tests.dashboards.conftest import logged_in
from tests.dashboards.page import links, text
from tests.ledger.make import NOW, entry

pytestmark = [pytest.mark.usefixtures("now"), pytest.mark.thorough]
HOSTILE = "<b>&'\""
BUTTONS = {"ack": "Acknowledge</button>", "snooze": 'name="hours"', "resolve": "Resolve</button>",
           "expected": "Expected<svg", "stop": "Stop this agent"}  # fmt: skip
OFFERED = {
    State.OPEN: {"ack", "snooze", "resolve", "expected", "stop"},
    State.ACKNOWLEDGED: {"snooze", "resolve", "expected", "stop"},
    State.SNOOZED: {"ack", "snooze", "resolve", "expected", "stop"},
    State.RESOLVED: {"expected"},
    State.EXPECTED: set(),
}
AFTER = {
    "ack": State.ACKNOWLEDGED,
    "snooze": State.SNOOZED,
    "resolve": State.RESOLVED,
    "expected": State.EXPECTED,
}
WAYS = {State.OPEN: None, **{state: action for action, state in AFTER.items()}}


@pytest.fixture
def editor(workspace, now):
    return logged_in(workspace, "editor@larkfield.example", Role.EDITOR)


def opened(workspace, key="loop:1", at=NOW, severity=Severity.ALARM, **more) -> Incident:
    facts = more.pop("facts", {"agent": "triage"})
    report = Report(more.pop("kind", Kind.LOOP), key, severity, f"{key}: a loop", "It loops.", "triage", at,
                    facts=facts, **more)  # fmt: skip
    return Incident.objects.get(pk=incidents.open_or_update(workspace.pk, report, at))


def body(client, incident, query="") -> str:
    answer = client.get(reverse("incident", args=[incident.pk]) + query)
    assert answer.status_code == 200
    return answer.content.decode()


def act(client, incident, action, **fields):
    answer = client.post(reverse("incident-act", args=[incident.pk, action]), fields)
    assert answer.status_code == 302
    incident.refresh_from_db()


@pytest.mark.parametrize("state", OFFERED)
def test_in_each_state_is_offered_what_can_be_done_then(editor, client, workspace, state):
    incident = opened(workspace)
    if WAYS[state]:
        act(editor, incident, WAYS[state])
    html = body(editor, incident)
    assert {name for name, sign in BUTTONS.items() if sign in html} == OFFERED[state]
    article = body(client, incident)
    assert not [name for name, sign in BUTTONS.items() if sign in article], "a viewer only looks"


@pytest.mark.parametrize(("state", "action"), list(product(OFFERED, AFTER)))
def test_each_button_in_each_state_does_what_it_says_or_is_refused(editor, workspace, state, action):
    incident = opened(workspace)
    if WAYS[state]:
        act(editor, incident, WAYS[state])
    before = incident.timeline.count()
    act(editor, incident, action)
    may = action in OFFERED[state] and (action == "snooze" or AFTER[action] != state)
    said = text(body(editor, incident))
    if may:
        assert incident.state == AFTER[action]
        assert incident.timeline.count() > before
    elif AFTER[action] == state:
        assert (incident.state, incident.timeline.count()) == (state, before), "done before: nothing happens again"
        assert "cannot be changed" not in said
    else:
        assert incident.state == state
        assert f"is {state}; it cannot be changed in this way" in said
    audited = AuditEntry.objects.filter(action=f"incident.{action}").count()
    assert audited == may + (WAYS[state] == action)


def test_what_happened_stands_in_order_with_who_did_it(editor, workspace):
    incident = opened(workspace, at=NOW - timedelta(hours=3))
    steps = (("note", {"note": "looking"}), ("snooze", {"hours": "1"}), ("ack", {"note": "mine"}), ("resolve", {}))
    for number, (action, fields) in enumerate(steps, 1):
        with time_machine.travel(NOW + timedelta(minutes=number), tick=False):
            act(editor, incident, action, **fields)
    html = text(body(editor, incident)).partition("What happened")[2]
    order = ["looking", "Snoozed until Wed 18 Nov 2026 15:34 Europe/Berlin", "Acknowledged: mine",
             "Owner: editor@larkfield.example", "Resolved"]  # fmt: skip
    places = [html.index(words) for words in order]
    assert places == sorted(places)
    assert html.count("editor@larkfield.example") >= 4


def test_a_snooze_ends_by_itself_and_says_so(editor, workspace):
    incident = opened(workspace)
    act(editor, incident, "snooze", hours="1")
    assert "Snoozed until Wed 18 Nov 15:32, alarm" in text(body(editor, incident))
    incidents.wake(NOW + timedelta(hours=1))
    said = text(body(editor, incident))
    assert "Open, alarm" in said and "The snooze is over" in said


def test_what_was_resolved_opens_again_with_a_worse_report_only(editor, workspace):
    incident = opened(workspace)
    act(editor, incident, "resolve")
    opened(workspace)
    assert "Resolved, alarm" in text(body(editor, incident))
    opened(workspace, severity=Severity.CRITICAL)
    assert "Open, critical" in text(body(editor, incident))
    act(editor, incident, "expected")
    opened(workspace, severity=Severity.CRITICAL)
    assert "Expected, critical" in text(body(editor, incident))


def test_resolving_lets_go_on_who_was_asked_to_stop(editor, workspace):
    incident = opened(workspace, run_id="r-1", stops=True)
    assert Stop.objects.filter(lifted_at=None).count() == 1
    act(editor, incident, "resolve")
    assert not Stop.objects.filter(lifted_at=None).exists()


@pytest.mark.parametrize("note", ["", "   ", "\0"])
def test_an_empty_note_is_none(editor, workspace, note):
    incident = opened(workspace)
    before = incident.timeline.count()
    act(editor, incident, "note", note=note)
    assert incident.timeline.count() == before
    assert not AuditEntry.objects.exists()


def test_notes_stay_text_and_do_not_grow_beyond_bounds(editor, workspace):
    incident = opened(workspace)
    act(editor, incident, "note", note=HOSTILE + "x" * 5000)
    html = body(editor, incident)
    assert HOSTILE not in html
    assert max(len(one.text) for one in incident.timeline.all()) <= 2000


def test_only_active_members_of_the_workspace_can_own_it(editor, workspace, stranger):
    incident = opened(workspace)
    other = Member.objects.exclude(workspace=workspace).get()
    gone = Member.objects.create(workspace=workspace, email="gone@l.example", role=Role.EDITOR, is_active=False)
    mate = Member.objects.create(workspace=workspace, email="mate@l.example", role=Role.VIEWER, name="The Mate")
    html = body(editor, incident)
    assert "The Mate</option>" in html
    assert "gone@l.example" not in html and "eve@else.example" not in html
    act(editor, incident, "owner", owner=mate.pk)
    assert incident.owner == mate
    assert "Owner The Mate" in text(body(editor, incident))
    for nobody in (other.pk, gone.pk, "", "x", "9" * 30):
        act(editor, incident, "owner", owner=mate.pk)
        act(editor, incident, "owner", owner=nobody)
        assert incident.owner is None


def test_who_acknowledges_takes_it_over_from_another(editor, workspace):
    incident = opened(workspace)
    mate = Member.objects.create(workspace=workspace, email="mate@l.example", role=Role.VIEWER)
    act(editor, incident, "owner", owner=mate.pk)
    act(editor, incident, "ack")
    assert incident.owner.email == "editor@larkfield.example"
    assert "Acknowledged by editor@larkfield.example, alarm" in text(body(editor, incident))


def test_earlier_ones_of_the_same_task_are_counted(client, workspace):
    for number in range(3):
        facts = {"agent": "triage", "task": "refund"}
        last = opened(workspace, f"loop:{number}", NOW - timedelta(hours=9 - number), facts=facts)
    opened(workspace, "other", NOW - timedelta(hours=10), facts={"agent": "triage", "task": "other"})
    assert "Before 2 of this task" in text(body(client, last))


def test_the_list_is_narrowed_to_days_and_keeps_them_through_its_links(client, workspace):
    for days in range(5):
        opened(workspace, f"loop:{days}", NOW - timedelta(days=days))
    html = client.get("/incidents?first=2026-11-16&last=2026-11-17").content.decode()
    assert "All 2 Open 2" in text(html)
    assert "loop:1: a loop" in text(html) and "loop:2: a loop" in text(html)
    assert "loop:0" not in text(html) and "loop:3" not in text(html)
    chosen = next(link for link in links(html) if link.startswith("/incidents/"))
    assert chosen.endswith("?first=2026-11-16&last=2026-11-17")
    assert "/incidents?state=open&first=2026-11-16&last=2026-11-17" in links(html)
    assert 'aria-label="Remove filter opened 16–17 Nov 2026"' in html
    assert "All 5" in text(client.get("/incidents").content.decode())
    assert client.get("/incidents?first=x").status_code == 400


def test_a_day_of_the_list_is_one_of_the_workspaces_zone(client, workspace):
    opened(workspace, "late", NOW.replace(hour=23, minute=30) - timedelta(days=1))  # 0:30 on the 18th in Berlin
    assert "late: a loop" in text(client.get("/incidents?first=2026-11-18").content.decode())
    assert "late: a loop" not in text(client.get("/incidents?first=2026-11-17").content.decode())


@pytest.fixture
def over(workspace, send):
    """A budget for everything and one for each user, both over."""
    made = [
        manage.create(workspace, {"name": HOSTILE, "amount_usd": "1", "period": "monthly"}, "ann"),
        manage.create(workspace, {"name": "Each", "amount_usd": "1", "period": "monthly", "per": "user",
                                  "allow_unseen": True}, "ann"),
    ]  # fmt: skip
    send(entry(minutes=-5, cost="7", user_id="u-7"))
    fold_all()
    watch.watch_all(NOW, 30)
    return made


def test_an_incident_of_a_budget_leads_to_it_and_to_whom_it_is_about(client, workspace, over):
    whole, each = over
    for incident in Incident.objects.filter(kind=Kind.BUDGET):
        html = body(client, incident)
        assert HOSTILE not in html
        assert f"/budgets/{incident.facts['budget']}" in links(html)
        if incident.facts["budget"] == each.pk:
            assert "/users/u-7" in links(html) and "User u-7" in text(html)
    assert {incident.facts["budget"] for incident in Incident.objects.all()} == {whole.pk, each.pk}


def test_of_a_removed_budget_the_incident_stays_without_a_way_to_it(client, workspace, over):
    incident = Incident.objects.filter(facts__budget=over[0].pk).first()
    manage.remove(over[0], "ann")
    html = body(client, incident)
    assert f"/budgets/{over[0].pk}" not in links(html)
    assert "Resolved" in text(html)


def test_the_list_begins_with_what_is_open_the_worst_first(client, workspace):
    loops = [opened(workspace, name, NOW - timedelta(hours=age), severity=severity) for name, age, severity in (
        ("loud", 3, Severity.CRITICAL), ("new", 1, Severity.ALARM), ("old", 2, Severity.ALARM),
        ("quiet", 0, Severity.NOTICE), ("over", 0, Severity.CRITICAL),
    )]  # fmt: skip
    incidents.act(loops[-1], "resolve", "ann", NOW)
    html = client.get("/incidents").content.decode()
    listed = [link for link in links(html) if re.match(r"/incidents/\d+\?", link)]
    assert listed == [f"/incidents/{one.pk}?state=open" for one in loops[:4]]
    assert f"#{loops[0].pk} · loop" in text(html), "the worst stands beside the list"
    everything = client.get("/incidents?state=all").content.decode()
    assert "over: a loop" in text(everything) and "/incidents?state=all" in links(everything)


def test_where_all_is_over_nothing_is_open_and_all_is_one_click_away(client, workspace):
    incidents.act(opened(workspace, "loop", NOW), "resolve", "ann", NOW)
    html = client.get("/incidents").content.decode()
    assert "No incident is open" in text(html) and "/incidents?state=all" in links(html)
