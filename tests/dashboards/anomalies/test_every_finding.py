"""The page of each kind of finding: its figures, what the button teaches, what the settings page remembers."""

from decimal import Decimal

import pytest
from django.urls import reverse

from costwatch.accounts.models import Role
from costwatch.alerts.models import Incident
from costwatch.anomalies import spells
from costwatch.anomalies.books import StoredBooks
from costwatch.anomalies.detectors import catalogue_age, error_storm, escalation, newcomer, silence, step_change
from costwatch.anomalies.models import Expected
from costwatch.anomalies.state import Catalogue, Settings
from tests.anomalies.memory import HOUR, NOW, TOP, MemoryBooks
from tests.anomalies.test_error_storm import storm
from tests.anomalies.test_escalation import weeks
from tests.anomalies.test_silence import sender
from tests.anomalies.test_step_change import released
from tests.dashboards.conftest import logged_in
from tests.dashboards.page import links, row, text

pytestmark = [pytest.mark.usefixtures("now"), pytest.mark.thorough]
HOSTILE = "<b>&'\""


@pytest.fixture
def editor(workspace, now):
    return logged_in(workspace, "editor@larkfield.example", Role.EDITOR)


@pytest.fixture
def told(workspace):
    """Tells of a finding as the watch does; the incident."""

    def tell(finding) -> Incident:
        spells.take(StoredBooks(workspace), finding, [], Settings(), NOW)
        return Incident.objects.get()

    return tell


def page(client, incident) -> str:
    answer = client.get(reverse("incident", args=[incident.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


def teach(client, incident) -> list[str]:
    """What the settings page remembers after the button; it goes away again when taken back."""
    client.post(reverse("incident-act", args=[incident.pk, "expected"]), {"teach": ""})
    settings = client.get(reverse("anomaly-settings")).content.decode()
    known = Expected.objects.get()
    name = known.value or "Not attributed"
    what = {"key": "API key"}.get(known.dimension, known.dimension.capitalize())
    cells = row(settings, f"{what} {name}")
    client.post(reverse("anomaly-forget", args=[known.pk]))
    assert not Expected.objects.exists()
    return cells[1:3]


def test_a_dearer_release(editor, told):
    (finding,) = step_change.look(released(2.5, each="session"), NOW, Settings())
    incident = told(finding)
    html = page(editor, incident)
    said = text(html)
    facts = incident.facts
    assert f"A session now ${Decimal(facts['actual_usd']):.2f} t@2 Before ${Decimal(facts['expected_usd']):.3f}" in said
    assert "t@1" in said
    assert f"Spent more so far ${Decimal(facts['impact_usd']):.2f} in {facts['runs']} sessions" in said
    assert "triage may cost this much" in said
    what, until = teach(editor, incident)
    assert what == step_change.TITLE
    assert until == f"up to {Decimal(facts['level']) * Decimal('1.1'):.1f} × the release before"


def test_a_growing_escalation(editor, told):
    (finding,) = escalation.look(weeks([0.11, 0.05, 0.06, 0.05, 0.055]), NOW, Settings())
    incident = told(finding)
    html = page(editor, incident)
    said = text(html)
    low, high = (f"{Decimal(incident.facts[end]) * 100:.1f} %" for end in ("share_low", "share_high"))
    assert f"Reached by 11.0 % 110 of 1,000 sessions of the week; {low} to {high}" in said
    assert "Usual 5.4 % of the four weeks before" in said
    assert "Beyond the usual $112.50 a week" in said  # 2 × (110 − 53.75)
    assert "So many sessions may reach reasoning" in said
    assert "/agents/reasoning" in links(html)
    assert teach(editor, incident) == [escalation.TITLE, "up to 12.6 %"]  # 0.11 × 1.15 = 0.1265


def test_a_storm_of_errors(editor, told):
    (finding,) = storm(60, 100)
    incident = told(finding)
    said = text(page(editor, incident))
    assert "Failed 60.0 % 60 of 100 calls" in said
    assert "Usual 1.0 % of the two weeks before" in said
    assert "Billed for failures $1.00 since it began" in said
    assert "So many calls of acme may fail" in said
    assert teach(editor, incident) == [error_storm.TITLE, "up to 66.0 %"]


def test_a_newcomer(editor, told):
    books = MemoryBooks()
    books.regular(agent="triage", model="mini")
    books.spend(TOP - 2 * HOUR, "40", agent=HOSTILE, model="mini")
    (finding,) = newcomer.look(books, NOW, Settings())
    incident = told(finding)
    html = page(editor, incident)
    assert "Spent $40.00 since it was first seen" in text(html)
    assert f"{HOSTILE} is known" in text(html)
    assert HOSTILE not in html
    assert teach(editor, incident) == [newcomer.TITLE, "always"]


def test_silence(editor, told):
    (finding,) = silence.look(sender(silent=3), TOP, Settings())
    incident = told(finding)
    said = text(page(editor, incident))
    assert "Silent for 3 h no call at all" in said
    assert "Usual 120 calls in the same hours" in said
    assert "prod may be silent" in said
    assert teach(editor, incident) == [silence.TITLE, "always"]


def test_old_prices(editor, told):
    books = MemoryBooks()
    books.known_catalogue = Catalogue("genai-prices 0.1", NOW - 61 * 24 * HOUR)
    (finding,) = catalogue_age.look(books, NOW, Settings())
    incident = told(finding)
    html = page(editor, incident)
    assert "Age 61 d genai-prices 0.1" in text(html)
    assert "These prices will do" in text(html)
    assert not [link for link in links(html) if "genai-prices" in link], "a catalogue has no page of its own"
    assert teach(editor, incident)[0] == catalogue_age.TITLE


def test_a_name_that_is_too_long_for_a_button_is_cut(editor, told):
    books = MemoryBooks()
    books.regular(agent="triage", model="mini")
    books.spend(TOP - 2 * HOUR, "40", agent="x" * 150, model="mini")
    (finding,) = newcomer.look(books, NOW, Settings())
    assert f"{'x' * 39}… is known" in text(page(editor, told(finding)))


def test_a_viewer_reads_the_evidence_and_is_offered_nothing(client, told):
    (finding,) = storm(60, 100)
    html = page(client, told(finding))
    assert "Failed 60.0 %" in text(html)
    assert "may fail" not in html.replace("may fail.", "")
    assert "<button" not in html[html.index('id="h-i"') :].partition("</article>")[0]
