"""The watch on real books: one incident for a spell and a matter, refreshed, over by itself; catching up."""

from datetime import timedelta
from decimal import Decimal

import pytest

from costwatch.accounts.keys import create_key
from costwatch.alerts.models import Incident, Kind, Severity, State
from costwatch.anomalies import lessons, watch
from costwatch.anomalies.models import Expected, Look, Spell
from costwatch.anomalies.state import Settings
from tests.anomalies.conftest import call
from tests.anomalies.memory import HOUR, NOW, TOP

pytestmark = [pytest.mark.usefixtures("steady"), pytest.mark.thorough]
MINUTE = timedelta(minutes=1)


def spike(hour=TOP, usd="30", **labels):
    return call(hour + 5 * MINUTE, usd, **labels)


def test_a_steady_workspace_has_no_incident(look):
    look(NOW, since=NOW - timedelta(days=3))
    assert not Incident.objects.exists()


def test_a_spike_is_one_incident_with_its_figures(look, send):
    send(spike(task="refund", user_id="u-9"))
    look(NOW)
    incident = Incident.objects.get()
    assert (incident.kind, incident.severity, incident.subject) == (Kind.ANOMALY, Severity.ALARM, "triage")
    assert incident.title == "Agent triage: 15 × its usual hour"
    assert incident.amount == Decimal(28)
    facts = incident.facts
    assert [Decimal(facts[name]) for name in ("actual_usd", "expected_usd", "impact_usd")] == [30, 2, 28]
    assert facts["hours"] == [14]
    assert len(facts["series"]) == 49
    assert facts["drivers"][0] | {"delta_usd": ""} in (
        {"dimension": "task", "value": "refund", "actual_usd": "30.000000000000", "expected_usd": "0.000000000000",
         "delta_usd": ""},
        {"dimension": "user", "value": "u-9", "actual_usd": "30.000000000000", "expected_usd": "0.000000000000",
         "delta_usd": ""},
    )  # fmt: skip


def test_what_is_the_same_dollars_under_other_names_is_the_same_incident(look, send):
    send(spike())
    look(NOW)
    assert Incident.objects.count() == 1
    assert {"model mini", "task sort"} <= set(Incident.objects.get().facts["also"])
    assert Spell.objects.count() >= 3


def test_two_agents_that_spike_at_once_are_two_incidents(look, send):
    send(spike(), spike(agent_id="lookup", task="find", model="huge", usd="25"))
    look(NOW)
    assert set(Incident.objects.filter(facts__detector="spend").values_list("subject", flat=True)) == {
        "triage",
        "lookup",
    }


def test_looking_again_opens_nothing_new_and_takes_over_the_new_figures(look, send):
    send(spike())
    look(NOW)
    look(NOW + MINUTE)
    send(spike(usd="20"))
    look(NOW + 2 * MINUTE)
    incident = Incident.objects.get()
    assert incident.amount == Decimal(48)
    assert incident.timeline.filter(action="opened").count() == 1


def test_the_next_hour_belongs_to_the_same_spell_and_adds_up(look, send):
    send(spike(), spike(TOP + HOUR, "40"))
    look(TOP + HOUR + 30 * MINUTE, since=NOW)
    incident = Incident.objects.get()
    assert incident.amount == Decimal(66)
    assert incident.facts["buckets"] == 2
    assert (incident.facts["from"], incident.facts["to"]) == (TOP.isoformat(), (TOP + 2 * HOUR).isoformat())


def test_it_becomes_critical_as_it_grows(look, send):
    send(spike())
    look(NOW)
    send(spike(usd="100"))
    look(NOW + MINUTE)
    assert Incident.objects.get().severity == Severity.CRITICAL


def test_it_is_over_by_itself_some_hours_after_the_last_unusual_one(look, send):
    send(spike())
    look(NOW)
    send(*(call(TOP + n * HOUR, "2") for n in range(1, 9)))
    look(TOP + 3 * HOUR, since=NOW)
    assert Incident.objects.get().state == State.OPEN
    look(TOP + 4 * HOUR + 2 * MINUTE, since=TOP + 3 * HOUR)
    incident = Incident.objects.get()
    assert incident.state == State.RESOLVED
    assert incident.timeline.last().text == "Spend is as usual again"
    assert not Spell.objects.filter(over=False).exists()


def test_a_spike_after_it_was_over_is_a_new_incident(look, send):
    send(spike(TOP - 40 * HOUR), spike())
    look(NOW, since=TOP - 41 * HOUR)
    assert Incident.objects.filter(facts__bucket="hour").count() == 2


def test_catching_up_finds_what_a_look_at_each_moment_finds(look, send):
    send(spike(TOP - 10 * HOUR))
    look(NOW, since=NOW - timedelta(days=1))
    incident = Incident.objects.get(facts__bucket="hour")
    assert incident.opened_at == TOP - 9 * HOUR
    assert incident.state == State.RESOLVED


def test_expected_is_remembered_for_its_level_and_hours(look, send):
    send(spike())
    look(NOW)
    incident = Incident.objects.get()
    Incident.objects.update(state=State.EXPECTED)
    lesson = lessons.learn(incident, "ann@larkfield.example", NOW)
    assert (lesson.value, lesson.level, lesson.hours) == ("triage", Decimal("37.5"), [13, 14, 15])
    tomorrow = TOP + timedelta(days=1)
    send(spike(tomorrow, "36"), *(call(TOP + n * HOUR, "2") for n in range(1, 24)))
    look(tomorrow + 30 * MINUTE, since=tomorrow)
    agents = Incident.objects.filter(subject="triage")
    assert agents.count() == 1
    send(spike(tomorrow, "9"))
    look(tomorrow + 31 * MINUTE)
    assert agents.count() == 2
    assert lessons.forget(incident.workspace_id, lesson.pk) == lesson
    assert not Expected.objects.exists()


def test_more_than_was_called_expected_is_told_within_the_same_hour(look, send):
    send(spike())
    look(NOW)
    first = Incident.objects.get()
    Incident.objects.update(state=State.EXPECTED)
    lessons.learn(first, "ann", NOW)
    send(spike(usd="5"))
    look(NOW + MINUTE)
    assert Incident.objects.count() == 1
    send(spike(usd="300"))
    look(NOW + 2 * MINUTE)
    look(NOW + 3 * MINUTE)
    second = Incident.objects.exclude(pk=first.pk).get()
    assert (second.subject, second.state, second.severity) == ("triage", State.OPEN, Severity.CRITICAL)


def test_expected_of_another_incident_teaches_nothing(workspace):
    other = Incident(workspace=workspace, facts={"rule": "repeat"})
    assert lessons.learn(other, "ann", NOW) is None


def test_detectors_can_be_switched_off_and_the_floor_raised(look, send, workspace):
    send(spike())
    lessons.change_settings(workspace.pk, Settings(Decimal(50), "normal"))
    look(NOW)
    assert not Incident.objects.exists()
    lessons.change_settings(workspace.pk, Settings(Decimal(10), "normal", frozenset({"spend"})))
    look(NOW)
    assert not Incident.objects.exists()
    lessons.change_settings(workspace.pk, Settings(Decimal(10), "normal"))
    look(NOW)
    assert Incident.objects.count() == 1


def test_the_scheduled_watch_looks_from_where_it_ended(workspace, send):
    assert watch.watch_all(NOW) == 0  # a history has just come in: it may not be all of it
    assert watch.watch_all(NOW + MINUTE) == 1
    assert Look.objects.get().looked_until == NOW + MINUTE
    send(spike())
    assert watch.watch_all(NOW + 2 * MINUTE) == 1
    assert Incident.objects.get().opened_at == NOW + 2 * MINUTE
    watch.watch_all(NOW + 2 * MINUTE)
    assert Incident.objects.count() == 1


def test_usage_that_arrives_late_is_judged_at_the_next_full_hour(workspace, send):
    watch.watch_all(NOW)
    watch.watch_all(NOW + MINUTE)
    send(spike(TOP - 20 * HOUR))
    watch.watch_all(NOW + 2 * MINUTE)
    assert not Incident.objects.exists()
    watch.watch_all(TOP + HOUR + MINUTE)
    incident = Incident.objects.get(facts__bucket="hour")
    assert incident.opened_at == TOP - 19 * HOUR


def test_an_unpriced_model_and_a_newcomer_are_told_under_their_kinds(look, send):
    send(call(NOW - 3 * MINUTE, "15", model="huge", agent_id="lookup"),
         *(call(NOW - n * MINUTE, None, model="preview", upper_bound=Decimal(1)) for n in range(4, 8)))  # fmt: skip
    look(NOW)
    told = {(i.kind, i.facts["detector"], i.subject) for i in Incident.objects.all()}
    assert ("pricing", "unpriced", "preview") in told
    assert ("anomaly", "newcomer", "huge") in told


def test_a_key_that_falls_silent_is_told_and_over_when_it_sends_again(workspace, send, look):
    key = create_key(workspace, "prod", ["ingest"])[0].pk
    send(*(call(TOP - n * HOUR, "0.1", requests=40, api_key_id=key) for n in range(4, 5 * 168)))
    look(TOP + MINUTE, since=TOP - MINUTE)
    incident = Incident.objects.get(kind=Kind.INGEST)
    assert incident.title == "API key prod has gone silent"
    send(call(TOP + 10 * MINUTE, "0.1", api_key_id=key))
    look(TOP + 2 * HOUR, since=TOP + MINUTE)
    incident.refresh_from_db()
    assert incident.state == State.RESOLVED


def test_after_a_pause_of_ours_no_source_is_called_silent(workspace, send):
    key = create_key(workspace, "prod", ["ingest"])[0].pk
    send(*(call(TOP - n * HOUR, "0.1", requests=40, api_key_id=key) for n in range(5 * 168)))
    watch.watch_all(NOW)
    watch.watch_all(NOW + MINUTE)
    watch.watch_all(TOP + 8 * HOUR + MINUTE)
    assert not Incident.objects.filter(kind=Kind.INGEST).exists()
    for minutes in range(10, 250, 10):
        watch.watch_all(TOP + 8 * HOUR + minutes * MINUTE)
    assert Incident.objects.get(kind=Kind.INGEST).title == "API key prod has gone silent"
