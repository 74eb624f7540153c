"""The pages of anomalies: their evidence on the incident, the button that teaches, the settings, what is expected."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from costwatch.accounts.models import AuditEntry, Role
from costwatch.alerts.models import Incident, State
from costwatch.anomalies import lessons, watch
from costwatch.anomalies.models import Expected
from costwatch.ledger.fold import fold_all
from tests.dashboards.conftest import logged_in
from tests.dashboards.page import figure, row, text
from tests.ledger.make import NOW, entry

pytestmark = [pytest.mark.usefixtures("now"), pytest.mark.thorough]


@pytest.fixture
def editor(workspace, now):
    return logged_in(workspace, "editor@larkfield.example", Role.EDITOR)


@pytest.fixture
def spike(workspace, send):
    """Two dollars an hour for eight weeks, then thirty within this one; an unpriced model beside it."""
    send(*(entry(minutes=-60 * n, cost="2", task="sort") for n in range(1, 8 * 168)))
    send(entry(minutes=-9, cost="30", task="<b>refund</b>", user_id="u-9"),
         *(entry(minutes=-5, cost=None, model="preview", upper_bound=Decimal("0.5")) for _ in range(4)))  # fmt: skip
    fold_all()
    watch.look_through(workspace, NOW - timedelta(minutes=1), NOW, NOW)
    return Incident.objects.get(facts__detector="spend")


def body(client, address):
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def test_the_incident_shows_expected_against_actual(client, spike):
    html = body(client, f"/incidents/{spike.pk}")
    assert "Beyond the usual $28.00 1 unusual hour Spent $30.00 in that hour Usual $2.00" in text(html)
    bars, line = figure(html)["data"]
    assert (bars["y"][-1], line["y"][-1]) == (30.0, 2.0)
    assert bars["marker"]["color"][-2:] == ["--s1", "--bad"]
    assert bars["x"][-1] == "2026-11-18T14:00"


def test_the_incident_shows_who_made_the_difference_and_names_stay_text(client, spike):
    html = body(client, f"/incidents/{spike.pk}")
    assert row(html, "u-9")[1:] == ["User", "$30.00", "$0.00", "+$30.00"]
    assert row(html, "<b>refund</b>")[1:] == ["Task", "$30.00", "$0.00", "+$30.00"]
    assert "<b>refund" not in html
    assert reverse("agent-profile", args=["triage"]) in html


def test_unpriced_usage_is_shown_with_its_upper_bound(client, spike):
    incident = Incident.objects.get(facts__detector="unpriced")
    html = text(body(client, f"/incidents/{incident.pk}"))
    assert "Model preview has no price ≤ $2.00" in html
    assert "Without a price 4 calls within a day At most $2.00" in html


def test_from_unpriced_usage_it_is_one_step_to_where_its_price_is_set(client, workspace, spike):
    incident = Incident.objects.get(facts__detector="unpriced")
    admin = logged_in(workspace, "admin@larkfield.example", Role.ADMIN)
    link = f'href="{reverse("unpriced")}?model=preview">'
    assert f"{link}Set a price</a>" in body(admin, f"/incidents/{incident.pk}")
    assert f"{link}See it under Unpriced</a>" in body(client, f"/incidents/{incident.pk}")
    assert "?model=" not in body(admin, f"/incidents/{spike.pk}")
    Incident.objects.update(state=State.RESOLVED)
    assert link not in body(admin, f"/incidents/{incident.pk}")


def test_the_expected_button_teaches_and_says_what(editor, spike):
    assert "triage may spend up to $37.50 at these hours" in text(body(editor, f"/incidents/{spike.pk}"))
    editor.post(reverse("incident-act", args=[spike.pk, "expected"]))
    spike.refresh_from_db()
    assert spike.state == State.EXPECTED
    assert Expected.objects.get().value == "triage"
    assert set(AuditEntry.objects.values_list("action", flat=True)) == {"incident.expected", "anomalies.taught"}


def test_what_is_expected_stands_on_the_settings_page_and_can_be_taken_back(client, editor, spike):
    editor.post(reverse("incident-act", args=[spike.pk, "expected"]))
    address = reverse("anomaly-settings")
    assert row(body(editor, address), "Agent triage")[1:4] == ["Unusual spend", "up to $37.50, at 13:00, 14:00, 15:00",
                                                               "editor@larkfield.example"]  # fmt: skip
    assert "Take back</button>" not in body(client, address)
    number = Expected.objects.get().pk
    assert client.post(reverse("anomaly-forget", args=[number])).status_code == 403
    assert editor.post(reverse("anomaly-forget", args=[number])).status_code == 302
    assert not Expected.objects.exists()
    assert editor.post(reverse("anomaly-forget", args=[number])).status_code == 404


def test_editors_change_the_settings_and_viewers_do_not(client, editor, workspace):
    address = reverse("anomaly-settings")
    assert "Save</button>" not in body(client, address)
    sent = {"floor": "25", "sensitivity": "high", "on": ["spend", "unpriced"]}
    client.post(address, sent)
    assert lessons.settings_of(workspace.pk).floor == 10
    assert editor.post(address, sent).status_code == 302
    settings = lessons.settings_of(workspace.pk)
    assert (settings.floor, settings.sensitivity) == (Decimal(25), "high")
    assert settings.off == {"newcomer", "step", "escalation", "catalogue", "silence", "errors"}
    assert AuditEntry.objects.get().action == "anomalies.changed"


def test_editors_try_settings_on_the_past_before_they_save_them(client, editor, workspace, spike):
    address, sent = reverse("anomaly-settings"), {"floor": "50", "sensitivity": "low", "on": ["spend"], "do": "try"}
    tried = editor.post(address, sent)
    page = tried.content.decode()
    assert tried.status_code == 200 and "Would have told 0 things" in page
    assert f"{Incident.objects.count()} no longer" in page
    assert f'href="{reverse("incident", args=[spike.pk])}"' in page
    assert 'value="50"' in page and lessons.settings_of(workspace.pk).floor == 10
    assert "Would have told" not in client.post(address, sent).content.decode()
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("sent", [{"floor": "0"}, {"floor": "x"}, {"sensitivity": "wild"}, {"on": ["nothing"]}])
def test_impossible_settings_are_refused(editor, workspace, sent):
    right = {"floor": "25", "sensitivity": "high", "on": ["spend"]}
    response = editor.post(reverse("anomaly-settings"), right | sent)
    assert response.status_code == 422
    assert lessons.settings_of(workspace.pk).sensitivity == "normal"


def test_every_kind_of_finding_has_figures():
    from costwatch.anomalies.detectors import ALL
    from costwatch.dashboards.anomalies.evidence import FIGURES

    assert set(FIGURES) == set(ALL)
