"""A finding found again and again is one spell and one incident, until it is not found any more."""

from datetime import timedelta
from decimal import Decimal

import pytest

from costwatch.accounts.models import Workspace
from costwatch.alerts import incidents as acting
from costwatch.alerts.models import Incident, Kind, Severity, State
from costwatch.anomalies import lessons, spells
from costwatch.anomalies.books import StoredBooks
from costwatch.anomalies.detectors import ALL
from costwatch.anomalies.models import Expected, Spell
from costwatch.anomalies.state import Finding, Settings
from tests.anomalies.memory import HOUR, NOW, TOP

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
MINUTE = timedelta(minutes=1)
SETTINGS = Settings()


def found(at=NOW, start=TOP, lasts=HOUR, level=Decimal(1), **values):
    known = {"detector": "spend", "dimension": "agent", "value": "a", "title": "a is dear", "message": "It is dear."}
    return Finding(at=at, start=start, end=at, lasts_until=at + lasts, level=level, **{**known, **values})


def storm(at=NOW, start=TOP, **values):
    return found(at, start, **{"detector": "errors", "dimension": "provider", "value": "acme", **values})


@pytest.fixture
def take(workspace):
    def take_all(*findings, expected=(), now=None):
        for one in findings:
            spells.take(StoredBooks(workspace), one, expected, SETTINGS, now or one.at)

    return take_all


def test_found_again_it_is_the_same_incident_with_the_newest_words(take):
    take(storm(message="60 of 100"), storm(NOW + MINUTE, TOP + MINUTE, message="70 of 110", impact=Decimal(3)))
    incident = Incident.objects.get()
    assert (incident.message, incident.amount, incident.timeline.count()) == ("70 of 110", Decimal(3), 1)
    assert Spell.objects.get().lasts_until == NOW + MINUTE + HOUR


def test_it_lasts_as_long_as_the_longest_of_its_findings_says(take, workspace):
    take(storm(lasts=5 * HOUR), storm(NOW + MINUTE, lasts=HOUR))
    assert Spell.objects.get().lasts_until == NOW + 5 * HOUR
    assert spells.end(workspace.pk, NOW + 5 * HOUR, NOW) == 0
    assert spells.end(workspace.pk, NOW + 5 * HOUR + MINUTE, NOW) == 1
    assert Incident.objects.get().state == State.RESOLVED
    assert spells.end(workspace.pk, NOW + 9 * HOUR, NOW) == 0


def test_after_its_end_the_same_is_a_new_spell_and_a_new_incident(take, workspace):
    take(storm())
    spells.end(workspace.pk, NOW + 2 * HOUR, NOW + 2 * HOUR)
    take(storm(NOW + 3 * HOUR, TOP + 3 * HOUR))
    assert list(Incident.objects.order_by("pk").values_list("state", flat=True)) == ["resolved", "open"]
    assert list(Spell.objects.order_by("pk").values_list("over", flat=True)) == [True, False]


def test_looked_at_again_what_is_over_opens_nothing(take, workspace):
    """A catch-up finds about the past what was found then."""
    take(storm())
    spells.end(workspace.pk, NOW + 2 * HOUR, NOW + 2 * HOUR)
    take(storm(), now=NOW + 5 * HOUR)
    assert Incident.objects.get().state == State.RESOLVED
    assert Spell.objects.count() == 1


@pytest.mark.parametrize(
    "other", [{"value": "b"}, {"dimension": "model"}, {"detector": "newcomer", "dimension": "agent"}]
)
def test_another_value_dimension_or_detector_is_another_matter(take, other):
    take(storm(), storm(**other))
    assert Incident.objects.count() == Spell.objects.count() == 2


def test_the_same_value_elsewhere_is_another_workspaces_matter(take):
    take(storm())
    other = Workspace.objects.create(name="Other")
    spells.take(StoredBooks(other), storm(), (), SETTINGS, NOW)
    spells.end(other.pk, NOW + 9 * HOUR, NOW)
    states = dict(Incident.objects.values_list("workspace__name", "state"))
    assert states == {"Larkfield Support": "open", "Other": "resolved"}


def test_names_that_only_look_alike_are_two_incidents(take):
    take(storm(dimension="tag.ab", value=""), storm(dimension="tag.a", value="b"), storm(dimension="tag.a", value="b "))
    assert Incident.objects.count() == 3


@pytest.mark.parametrize(("severity", "after"), [("notice", Severity.ALARM), ("critical", Severity.CRITICAL)])
def test_it_becomes_worse_with_what_is_found_and_never_milder(take, severity, after):
    take(storm(severity="alarm"), storm(NOW + MINUTE, severity=severity))
    assert Incident.objects.get().severity == after


def test_what_a_member_resolved_stays_so_while_it_lasts_and_no_worse(take):
    take(storm())
    acting.act(Incident.objects.get(), "resolve", "mara", NOW)
    take(storm(NOW + MINUTE))
    assert Incident.objects.get().state == State.RESOLVED
    take(storm(NOW + 2 * MINUTE, severity="critical"))
    assert Incident.objects.get().state == State.OPEN


def test_what_was_called_expected_is_told_anew_only_as_a_matter_of_its_own(take):
    take(storm())
    acting.act(Incident.objects.get(), "expected", "mara", NOW)
    take(storm(NOW + MINUTE, level=Decimal(9)))
    assert list(Incident.objects.order_by("pk").values_list("state", flat=True)) == ["expected", "open"]
    take(storm(NOW + 2 * MINUTE, level=Decimal(9)))
    assert Incident.objects.count() == 2


@pytest.mark.parametrize("value", ["", "a" * 200, "ü\u202e<b>", "'; DROP TABLE incident; --"])
def test_any_name_of_a_sender_can_be_told_of(take, value):
    take(storm(value=value, title=f"{value} fails"))
    incident = Incident.objects.get()
    assert incident.facts["value"] == value
    assert incident.subject == (value or "usage without provider")


@pytest.mark.parametrize(("detector", "level", "kept"), [
    ("spend", "30", "37.5"), ("step", "2", "2.2"), ("escalation", "0.2", "0.23"), ("errors", "0.5", "0.55"),
    ("newcomer", "30", None), ("unpriced", "30", None), ("catalogue", "30", None), ("silence", "30", None),
])  # fmt: skip
def test_what_is_called_expected_is_so_a_little_beyond_its_level_or_at_any(workspace, detector, level, kept):
    facts = {"detector": detector, "dimension": "agent", "value": "a", "level": level}
    incident = Incident(pk=5, workspace=workspace, kind=Kind.ANOMALY, facts=facts)
    made = lessons.learn(incident, "m" * 300, NOW)
    assert (made.level, made.hours) == (None if kept is None else Decimal(kept), None)
    assert (made.incident_id, made.taught_by) == (5, "m" * 255)
    assert (kept is None) is (ALL[detector].TOLERANCE is None)


@pytest.mark.parametrize(("hours", "kept"), [
    ([14], [13, 14, 15]), ([0], [0, 1, 23]), ([23], [0, 22, 23]), ([9, 10], [8, 9, 10, 11]), ([], None), (None, None),
    (list(range(24)), list(range(24))),
])  # fmt: skip
def test_hours_are_expected_with_those_beside_them_over_midnight_too(workspace, hours, kept):
    facts = {"detector": "spend", "dimension": "agent", "value": "a", "level": "1", "hours": hours}
    assert lessons.learn(Incident(pk=5, workspace=workspace, facts=facts), "mara", NOW).hours == kept


def test_lessons_are_those_of_a_workspace_newest_first_and_taken_back_there_alone(workspace):
    other = Workspace.objects.create(name="Other")
    facts = {"detector": "errors", "dimension": "provider", "value": "acme", "level": "0.5"}
    older, newer = (
        lessons.learn(Incident(pk=n, workspace=workspace, facts=facts), "mara", NOW + n * MINUTE) for n in (1, 2)
    )
    theirs = lessons.learn(Incident(pk=3, workspace=other, facts=facts), "eve", NOW)
    assert lessons.expected(workspace.pk) == [newer, older]
    assert [one.value for one in lessons.lessons_of(workspace.pk)] == ["acme", "acme"]
    assert lessons.forget(workspace.pk, theirs.pk) is None
    assert lessons.forget(workspace.pk, older.pk) == older
    assert lessons.forget(workspace.pk, older.pk) is None
    assert set(Expected.objects.all()) == {newer, theirs}


def test_settings_are_the_defaults_until_somebody_changes_them_and_then_one_row(workspace):
    assert lessons.settings_of(workspace.pk) == Settings()
    for wanted in (Settings(Decimal(50), "low", frozenset({"step", "errors"})), Settings(Decimal("0.5"), "high")):
        lessons.change_settings(workspace.pk, wanted)
        assert lessons.settings_of(workspace.pk) == wanted
    assert lessons.settings_of(Workspace.objects.create(name="Other").pk) == Settings()
