"""The settings of loop detection: tried on the workspace's own runs, saved, used by the watch."""

from decimal import Decimal

import pytest
from django.test import Client

from costwatch.accounts.models import AuditEntry, Role, Workspace
from costwatch.alerts.models import Incident
from costwatch.ledger.fold import fold_all
from costwatch.loops import lessons, watch
from costwatch.loops.models import Lesson, LoopSettings
from costwatch.loops.state import Settings
from tests.dashboards.conftest import logged_in
from tests.dashboards.page import rows, text
from tests.ledger.make import NOW, entry

pytestmark = pytest.mark.usefixtures("now")
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def editor(workspace, now) -> Client:
    return logged_in(workspace, "editor@larkfield.example", Role.EDITOR)


def repeating(run: str, repeats: int, minutes: float = -60, cost: str = "0.5"):
    same = {"tool": "get_order", "call_fingerprint": "c", "input_fingerprint": "i", "task": "refund", "cost": cost}
    return [entry(f"{run}.{n}", minutes=minutes + n / 10, run_id=run, step=n, **same) for n in range(repeats + 1)]


def change(client, status=200, do="try", **fields) -> str:
    wanted = {"sensitivity": "normal", "gate": "0.05", "tool": "", "task": "", "do": do, **fields}
    response = client.post("/settings/loops/change", wanted)
    assert response.status_code == status
    return response.content.decode()


def teach(workspace: Workspace, kind="tool", value="poll") -> Lesson:
    lessons.teach(workspace.pk, kind, value, "mara", NOW)
    return Lesson.objects.get(value=value)


def test_it_is_as_usual_until_somebody_changes_it(client, workspace):
    html = client.get("/settings/loops").content.decode()
    assert 'value="normal" required id="id_sensitivity_1" checked' in html or "checked" in html
    assert 'value="0.05"' in html
    assert lessons.settings_of(workspace.pk) == Settings()
    assert "Try on" not in html


def test_trying_says_which_runs_would_fire_with_links_and_dollars_and_changes_nothing(editor, send, workspace):
    send(*repeating("short", 3), *repeating("long", 9, minutes=-30), entry("x", run_id="fine"))
    fold_all()
    html = change(editor, sensitivity="high")
    said = text(html)
    assert "Would have fired on 2 of 3 runs" in said
    assert "$6.00 at stake; 2 of them would have been sent out. Against the settings of now 1 new, 0 no longer." in said
    table = rows(html)
    assert [(cells[0], cells[4], cells[6]) for cells in table[1:]] == [
        ("short", "$1.50", "new"),
        ("long", "$4.50", "as now"),
    ]
    assert 'href="/runs/short"' in html
    assert not LoopSettings.objects.exists() and not Incident.objects.exists()


def test_a_lost_run_is_shown_as_no_longer(editor, send):
    send(*repeating("middle", 5, cost="0.01"))
    fold_all()
    html = change(editor, sensitivity="low")
    assert "Would have fired on 0 of 1 run" in text(html) and "0 new, 1 no longer" in text(html)
    assert rows(html)[1][6] == "no longer"


def test_runs_older_than_a_month_are_left_out(editor, send):
    send(*repeating("old", 9, minutes=-31 * 24 * 60))
    fold_all()
    assert "Would have fired on 0 of 0 runs" in text(change(editor))


def test_saved_settings_are_those_of_the_watch(editor, send, workspace):
    change(editor, 302, do="save", sensitivity="high", gate="3.50", task="nightly")
    assert lessons.settings_of(workspace.pk) == Settings(
        score=3.0, errors=4, sizes=5.0, calls=40, gate=Decimal("3.50"), batch_tasks=frozenset({"nightly"})
    )
    send(*repeating("short", 3))
    fold_all()
    watch.watch_all(NOW, 10)
    incident = Incident.objects.get()
    assert (incident.severity, incident.facts["threshold"]) == ("critical", 3.0)


def test_the_money_gate_holds_messages_back_until_the_loop_is_dear_enough(editor, send, workspace):
    change(editor, 302, do="save", gate="100")
    send(*repeating("long", 9, cost="0.0001"))
    fold_all()
    watch.watch_all(NOW, 10)
    assert Incident.objects.get().facts["worth_a_message"] is False
    send(entry("late", minutes=-50, run_id="long", task="refund", step=99, cost="200", tool="get_order",
               call_fingerprint="c", input_fingerprint="i"))  # fmt: skip
    fold_all()
    watch.watch_all(NOW, 10)
    assert Incident.objects.get().facts["worth_a_message"] is True


def test_lessons_are_kept_forgotten_and_added(editor, workspace):
    kept, gone = teach(workspace), teach(workspace, "task", "nightly")
    html = editor.get("/settings/loops").content.decode()
    assert "tool poll may repeat (taught by mara)" in text(html) and "task nightly is a batch" in text(html)
    change(editor, 302, do="save", keep=[str(kept.pk)], tool="page through")
    assert {(one.kind, one.value) for one in Lesson.objects.all()} == {("tool", "poll"), ("tool", "page through")}
    assert Lesson.objects.get(value="poll").taught_by == "mara"
    assert not Lesson.objects.filter(pk=gone.pk).exists()


def test_it_is_audited_once_with_before_and_after(editor):
    change(editor, 302, do="save", sensitivity="low")
    change(editor, 302, do="save", sensitivity="low")
    audited = AuditEntry.objects.get(action="loops.changed")
    assert (audited.facts["before"]["sensitivity"], audited.facts["after"]["sensitivity"]) == ("normal", "low")


@pytest.mark.parametrize(
    "fields",
    [{"sensitivity": "paranoid"}, {"gate": "-1"}, {"gate": ""}, {"gate": "NaN"}, {"gate": "1e99"}, {"gate": "0.001"},
     {"tool": "x" * 201}, {"tool": "a\0b"}, {"keep": ["999999"]}, {"keep": ["x"]}],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_and_nothing_changes(editor, fields):
    change(editor, 422, do="save", **fields)
    assert not LoopSettings.objects.exists() and not Lesson.objects.exists()


def test_lessons_of_others_can_neither_be_seen_nor_kept(editor, workspace, stranger):
    own = teach(workspace)
    change(stranger, 422, do="save", keep=[str(own.pk)])
    assert "poll" not in stranger.get("/settings/loops").content.decode()


def test_viewers_look_and_do_not_change(client):
    assert client.get("/settings/loops").status_code == 200
    assert client.post("/settings/loops/change", {}).status_code == 403
    assert client.get("/settings/loops/change").status_code in (403, 405)


def test_names_of_senders_are_shown_as_text(editor, workspace, send):
    teach(workspace, value=HOSTILE)
    send(*repeating(HOSTILE, 9))
    fold_all()
    html = change(editor, keep=[])
    assert HOSTILE not in html and "&lt;script&gt;" in html


def test_only_the_newest_calls_are_judged_where_there_are_too_many(editor, send, monkeypatch):
    monkeypatch.setattr("costwatch.dashboards.loops.page.MOST_CALLS", 12)
    send(*repeating("older", 9, minutes=-90), *repeating("newer", 10, minutes=-30))
    fold_all()
    said = text(change(editor))
    assert "Would have fired on 1 of 1 run" in said and "the newest 11 calls, since" in said
