"""Each detector on the books themselves: from events that came in to the incident and its figures."""

import random
from datetime import timedelta
from decimal import Decimal

import pytest

from costwatch.alerts.models import Incident, Kind, Severity, State
from costwatch.anomalies.books import StoredBooks
from costwatch.anomalies.detectors import ALL, error_storm, escalation, step_change
from costwatch.anomalies.state import Settings
from costwatch.pricing.models import CatalogueRelease
from tests.anomalies.conftest import call
from tests.anomalies.memory import HOUR, NOW, TOP

pytestmark = pytest.mark.thorough
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
MIDNIGHT = TOP.replace(hour=23) - DAY  # of this day in Berlin


def of(detector):
    return Incident.objects.filter(facts__detector=detector)


def failing(at, count, cost="0", **labels):
    return [call(at + n * timedelta(seconds=1), cost, error=True, **labels) for n in range(count)]


@pytest.fixture
def healthy(send):
    """Two weeks of a provider: each hour 40 calls, one in a hundred fails."""
    for_hours = range(1, 15 * 24)
    send(*(call(TOP - n * HOUR, "0.01", requests=40, provider="acme") for n in for_hours),
         *(call(TOP - n * HOUR, "0", error=True, provider="acme") for n in for_hours if n % 2))  # fmt: skip


def test_a_storm_of_errors_is_an_incident_with_what_the_failed_calls_cost(healthy, send, look):
    send(*failing(NOW - 10 * MINUTE, 24, "0.50", provider="acme"), call(NOW - 9 * MINUTE, "0.01", requests=16,
                                                                         provider="acme"))  # fmt: skip
    look(NOW)
    incident = of("errors").get()
    facts = incident.facts
    assert (incident.subject, incident.kind, incident.severity) == ("acme", Kind.ANOMALY, Severity.ALARM)
    assert (facts["errors"], facts["share"], facts["error_cost_usd"]) == (24, "0.6000", "12.000000000000")
    assert facts["calls"] == 40
    assert 0.01 < float(facts["usual_share"]) < 0.02
    assert incident.amount == Decimal(12)


def test_a_storm_is_over_when_half_an_hour_went_well(healthy, send, look):
    send(*failing(NOW - 10 * MINUTE, 30, provider="acme"))
    look(NOW)
    assert of("errors").get().severity == Severity.CRITICAL
    send(call(NOW + 20 * MINUTE, "0.01", requests=200, provider="acme"))
    look(NOW + 29 * MINUTE)
    assert of("errors").get().state == State.OPEN
    look(NOW + 61 * MINUTE)
    incident = of("errors").get()
    assert (incident.state, incident.timeline.last().text) == (State.RESOLVED, "The calls succeed again")


@pytest.mark.parametrize(("failed", "well", "told"), [
    (9, 0, False), (10, 0, True), (10, 15, True), (10, 20, False), (60, 240, True), (59, 241, False),
])  # fmt: skip
def test_ten_calls_a_fifth_of_all_and_no_chance_make_a_storm(healthy, send, workspace, failed, well, told):
    send(*failing(NOW - 10 * MINUTE, failed, provider="acme"))
    if well:
        send(call(NOW - 10 * MINUTE, "0.01", requests=well, provider="acme"))
    found = error_storm.look(StoredBooks(workspace), NOW, Settings())
    assert bool([one for one in found if one.dimension == "provider"]) is told


def released(send, factor, each, new="v2", runs=40):
    """Runs or sessions of an agent before and after a release of three days ago."""
    dice = random.Random(5)
    for release, days, times in (("v1", range(4, 14), 1), (new, range(3), factor)):
        send(*(call(MIDNIGHT - dice.choice(list(days)) * DAY - 3 * HOUR, str(round(dice.uniform(4, 6) * times, 4)),
                    release=release, **{each: f"{release}-{n}"}) for n in range(runs)))  # fmt: skip


@pytest.mark.parametrize("each", ["run_id", "session_id"])
def test_a_release_that_made_it_dearer_is_an_incident_of_the_agent(send, look, each):
    released(send, 2, each)
    look(MIDNIGHT, since=MIDNIGHT - MINUTE)
    incident = of("step").get()
    facts = incident.facts
    assert incident.subject == "triage"
    assert (facts["release_before"], facts["release"], facts["each"]) == ("v1", "v2", each.removesuffix("_id"))
    assert (facts["runs_before"], facts["runs"]) == (40, 40)
    assert 1.8 < float(facts["ratio"]) < 2.2
    assert float(facts["ratio_low"]) < float(facts["ratio"]) < float(facts["ratio_high"])
    assert incident.amount == (Decimal(facts["actual_usd"]) - Decimal(facts["expected_usd"])) * 40


@pytest.mark.parametrize(("factor", "runs"), [(1.0, 40), (0.5, 40), (2, 29)])
def test_a_release_that_is_no_dearer_or_hardly_used_is_none(send, look, factor, runs):
    released(send, factor, "run_id", runs=runs)
    look(MIDNIGHT, since=MIDNIGHT - MINUTE)
    assert not of("step").exists()


def test_a_step_is_looked_for_when_a_day_has_ended_and_not_at_every_look(send, look):
    released(send, 2, "run_id")
    look(MIDNIGHT - 2 * MINUTE, since=MIDNIGHT - 3 * MINUTE)
    assert not of("step").exists()
    look(MIDNIGHT + MINUTE, since=MIDNIGHT - 2 * MINUTE)
    assert of("step").count() == 1


def test_the_newest_release_is_held_against_the_one_before_it_and_not_against_the_first(send, workspace):
    released(send, 2, "run_id")
    send(
        *(call(MIDNIGHT - 2 * HOUR + n * timedelta(seconds=1), "10", release="v3", run_id=f"v3-{n}") for n in range(40))
    )
    assert not step_change.look(StoredBooks(workspace), MIDNIGHT, Settings())
    send(*(call(MIDNIGHT - HOUR + n * timedelta(seconds=1), "30", release="v4", run_id=f"v4-{n}") for n in range(40)))
    (found,) = step_change.look(StoredBooks(workspace), MIDNIGHT, Settings())
    assert (found.facts["release_before"], found.facts["release"], found.impact) == ("v3", "v4", Decimal(800))


def sessions(send, shares, size=220):
    """Weeks of sessions, the newest first; all of them ask triage, a share of them reasoning, which is dear."""
    calls = []
    for back, share in enumerate(shares):
        end = MIDNIGHT - 7 * back * DAY
        for n in range(size):
            at = end - DAY - (n % 5) * DAY
            session = f"w{back}-{n}"
            steps = [("triage", "0.01"), ("lookup", "0.02")] + ([("reasoning", "2")] if n < share * size else [])
            calls += [call(at, usd, agent_id=agent, session_id=session, model="mini") for agent, usd in steps]
    send(*calls)


def test_more_sessions_that_reach_what_is_dear_are_an_incident(send, look, workspace):
    sessions(send, [0.2, 0.05, 0.05, 0.05, 0.05])
    look(MIDNIGHT, since=MIDNIGHT - MINUTE)
    incident = of("escalation").get()
    facts = incident.facts
    assert (incident.subject, facts["sessions"], facts["reached"]) == ("reasoning", 220, 44)
    assert (facts["share"], facts["usual_share"]) == ("0.2000", "0.0500")
    assert facts["actual_usd"] == "88.000000000000"
    assert incident.amount == Decimal(88) - Decimal(2) * 11
    assert not escalation.look(StoredBooks(workspace), MIDNIGHT, Settings(floor=Decimal(67)))


def test_as_many_sessions_as_ever_are_none(send, look):
    sessions(send, [0.06, 0.05, 0.05, 0.07, 0.05])
    look(MIDNIGHT, since=MIDNIGHT - MINUTE)
    assert not of("escalation").exists()


def test_prices_that_nobody_renewed_are_told_and_over_once_they_are(send, look):
    send(call(NOW - HOUR, "1"))
    CatalogueRelease.objects.create(name="genai-prices 1", digest="a", imported_at=MIDNIGHT - 130 * DAY,
                                    data_as_of=MIDNIGHT - 130 * DAY)  # fmt: skip
    look(MIDNIGHT, since=MIDNIGHT - MINUTE)
    incident = of("catalogue").get()
    assert (incident.kind, incident.severity, incident.title) == (Kind.PRICING, Severity.ALARM,
                                                                 "The prices are 130 days old")  # fmt: skip
    CatalogueRelease.objects.create(name="genai-prices 2", digest="b", imported_at=MIDNIGHT,
                                    data_as_of=MIDNIGHT - DAY)  # fmt: skip
    look(MIDNIGHT + 3 * DAY, since=MIDNIGHT + 3 * DAY - MINUTE)
    incident.refresh_from_db()
    assert (incident.state, incident.timeline.last().text) == (State.RESOLVED, "The catalogue has been renewed")


@pytest.mark.parametrize("name", sorted(ALL))
def test_on_empty_books_nothing_is_unusual(workspace, name):
    for sensitivity in ("low", "normal", "high"):
        assert ALL[name].look(StoredBooks(workspace), MIDNIGHT, Settings(Decimal(0), sensitivity)) == []


@pytest.mark.parametrize("name", sorted(ALL))
def test_the_first_week_of_a_workspace_is_no_anomaly(workspace, send, name):
    send(*(call(TOP - n * HOUR, str(1 + n % 40), release=f"v{n // 50}", run_id=f"r{n}", session_id=f"s{n}")
           for n in range(1, 160)))  # fmt: skip
    assert ALL[name].look(StoredBooks(workspace), MIDNIGHT, Settings()) == []
