"""What the kill switch refuses, how long a stop lasts, and whom each kind of stop names on the page."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from costwatch.accounts import keys
from costwatch.accounts.models import AuditEntry, Role
from costwatch.alerts import kill, stops
from costwatch.alerts.models import Stop
from tests.dashboards.conftest import logged_in
from tests.dashboards.page import links, rows, text
from tests.ledger.make import NOW

pytestmark = [pytest.mark.usefixtures("now"), pytest.mark.thorough]


@pytest.fixture
def editor(workspace, now) -> Client:
    return logged_in(workspace, "editor@larkfield.example", Role.EDITOR)


def place(client, **fields):
    return client.post("/stops/place", {"by": "agent", "value": "triage", "message": "Why", "hours": "4", **fields})


def body(client, address="/stops") -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("hours", [1, 4, 24, 168, 720])
def test_a_stop_lasts_as_long_as_was_chosen_and_then_is_off_the_page(editor, hours):
    assert place(editor, hours=str(hours)).status_code == 302
    stop = Stop.objects.get()
    assert stop.until == NOW + timedelta(hours=hours)
    assert kill.listing(stop.workspace_id, stop.until - timedelta(seconds=1)).count() == 1
    assert kill.listing(stop.workspace_id, stop.until).count() == 0


@pytest.mark.parametrize(
    ("by", "value", "leads_to"),
    [("agent", "a/../b", "/profile?by=agent&agent=a%2F..%2Fb"), ("user", "u-1", "/users/u-1"),
     ("task", "refund", "/tasks/refund"), ("run", "..", "/run?id=.."), ("session", "s-1", "/sessions/s-1")],
)  # fmt: skip
def test_whoever_is_stopped_has_a_link_to_their_page(editor, by, value, leads_to):
    place(editor, by=by, value=value)
    html = body(editor)
    assert rows(html)[1][0].startswith(f"{by} {value}")
    assert leads_to in links(html)


def test_a_key_is_stopped_by_its_name(editor, workspace):
    keys.create_key(workspace, "batch jobs", ["ingest"])
    place(editor, by="key", value="batch jobs")
    assert "batch jobs" in rows(body(editor))[1][0]


def test_spaces_around_a_name_belong_to_it(editor):
    place(editor, value=" triage ")
    assert Stop.objects.get().scope == {"agent": [" triage "]}


def test_a_placed_stop_is_lifted_once(editor):
    place(editor)
    stop = Stop.objects.get()
    for _ in range(2):
        assert editor.post(reverse("stop-lift", args=[stop.pk])).status_code == 302
    assert AuditEntry.objects.filter(action="stop.lifted").count() == 1
    assert editor.get(reverse("stop-lift", args=[stop.pk])).status_code == 405


def test_the_page_and_the_guard_agree_on_who_is_stopped(editor, workspace):
    place(editor, value="triage", message="Too dear.")
    place(editor, by="user", value="u-9", message="Abuse.")
    _, secret = keys.create_key(workspace, "reader", ["read", "ingest"])
    guard = Client(headers={"Authorization": f"Bearer {secret}"})
    shown = [cells[0] for cells in rows(body(editor))[1:]]
    for name, value in (("agent", "triage"), ("user", "u-9"), ("agent", "lookup")):
        stops.forget()
        answer = guard.get("/api/v1/guard", {name: value}).json()
        is_shown = any(cell.startswith(f"{name} {value}") for cell in shown)
        assert answer["allow"] is not is_shown, (name, value, answer)


def test_a_stop_by_a_budget_is_shown_and_not_lifted_by_hand(editor, workspace):
    number = stops.place(workspace.pk, {"user": ["u-1"]}, "budget", "Over.", key="budget:1", now=NOW)
    html = body(editor)
    assert "Over." in text(html)
    assert "Lift" not in html
    editor.post(reverse("stop-lift", args=[number]))
    assert Stop.objects.get().lifted_at is None


def test_the_tabs_count_what_stands_now(editor, workspace):
    place(editor)
    kill.order(workspace.pk, {"agent": "gone"}, "Old.", NOW - timedelta(minutes=1), "ann", NOW - timedelta(hours=2))
    said = text(body(editor))
    assert "All 1 By people 1 Budgets 0 Loops 0" in said
    assert "gone" not in said
