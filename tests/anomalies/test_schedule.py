"""When the watch looks at what: the past once, a pause of ours as such, late usage by the hour, one look at a time."""

import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction

from costwatch.accounts.models import Workspace
from costwatch.alerts.models import Incident, State
from costwatch.anomalies import lessons, tasks, watch
from costwatch.anomalies.models import Look, Spell
from costwatch.ledger import record as recording
from costwatch.ledger.fold import fold_all
from costwatch.ledger.record import record
from tests.anomalies.conftest import call
from tests.anomalies.memory import HOUR, NOW, TOP

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def spike(hour, usd="30", **labels):
    return call(hour + 5 * MINUTE, usd, **labels)


def hourly():
    return Incident.objects.filter(facts__detector="spend", facts__bucket="hour").order_by("opened_at")


def test_of_a_new_workspace_the_last_two_weeks_are_looked_at(steady, send):
    send(spike(TOP - 15 * DAY), spike(TOP - 13 * DAY))
    watch.watch_all(NOW)
    watch.watch_all(NOW + MINUTE)
    (told,) = hourly()
    assert (told.opened_at, told.state) == (TOP - 13 * DAY + HOUR, State.RESOLVED)
    assert told.amount == Decimal(30)


def test_a_history_that_keeps_coming_is_judged_after_an_hour_in_any_case(steady, send):
    watch.watch_all(NOW)
    for minutes in range(1, 60, 7):
        send(call(TOP - 20 * DAY, "0.01"))
        assert watch.watch_all(NOW + minutes * MINUTE) == 0
    send(call(TOP - 20 * DAY, "0.01"))
    assert watch.watch_all(NOW + 61 * MINUTE) == 1
    assert Look.objects.get().looked_until == NOW + 61 * MINUTE


@pytest.mark.parametrize(("minutes", "since"), [(1, MINUTE), (15, MINUTE), (16, 17 * MINUTE), (600, 601 * MINUTE)])
def test_a_pause_of_more_than_a_quarter_hour_is_one_of_ours(workspace, minutes, since):
    watch.watch_all(NOW)
    watch.watch_all(NOW + MINUTE)
    assert Look.objects.get().watching_since == NOW
    watch.watch_all(NOW + MINUTE + minutes * MINUTE)
    kept = Look.objects.get().watching_since
    assert kept == (NOW if minutes <= 15 else NOW + since)


def test_after_a_night_without_us_its_hours_are_looked_at_one_by_one(steady, send):
    watch.watch_all(NOW)
    watch.watch_all(NOW + MINUTE)
    send(*(call(TOP + n * HOUR, "2") for n in range(1, 14)), spike(TOP + 4 * HOUR, "14"), spike(TOP + 9 * HOUR, "20"))
    watch.watch_all(NOW + 13 * HOUR)
    assert [(one.opened_at, one.amount, one.state) for one in hourly()] == [
        (TOP + 5 * HOUR, Decimal(14), State.RESOLVED), (TOP + 10 * HOUR, Decimal(20), State.RESOLVED)]  # fmt: skip


def test_usage_of_past_days_is_judged_when_it_has_stopped_coming(steady, send):
    watch.watch_all(NOW)
    watch.watch_all(NOW + MINUTE)
    send(spike(TOP - 2 * DAY))
    watch.watch_all(NOW + 2 * MINUTE)
    at = TOP + HOUR + timedelta(seconds=10)
    send(call(TOP - 2 * DAY, "0.01"))
    watch.watch_all(at)  # more of it came just now
    assert not hourly().exists()
    watch.watch_all(at + MINUTE)  # once an hour is enough
    assert not hourly().exists()
    watch.watch_all(at + HOUR)
    assert [one.opened_at for one in hourly()] == [TOP - 2 * DAY + HOUR]
    assert Look.objects.get().changed_from is None


def test_each_workspace_is_looked_at_in_its_own_zone(send):
    other = Workspace.objects.create(name="Kathmandu", time_zone="Asia/Kathmandu")
    begins = TOP + 15 * MINUTE  # 19:00 there
    steady_ = [call(begins - n * HOUR, "2") for n in range(1, 6 * 168)]
    for first in range(0, len(steady_), 500):
        record(other.lane, steady_[first : first + 500])
    record(other.lane, [call(begins - 5 * HOUR + MINUTE, "30")])
    fold_all()
    watch.look_through(other, begins - 6 * HOUR, begins, begins)
    (told,) = hourly()
    assert (told.opened_at, told.facts["hours"]) == (begins - 4 * HOUR, [14])
    assert "from Wed 18 Nov 14:00" in told.message


def test_the_drivers_of_a_spell_are_worked_out_every_ten_minutes(steady, send, look):
    send(spike(TOP, user_id="first"))
    look(NOW)
    before = Incident.objects.get().facts["drivers"]
    send(spike(TOP, "20", user_id="second"))
    look(NOW + 9 * MINUTE)
    assert Incident.objects.get().facts["drivers"] == before
    look(NOW + 11 * MINUTE)
    named = {
        one["value"]: one["delta_usd"] for one in Incident.objects.get().facts["drivers"] if one["dimension"] == "user"
    }
    assert named == {"first": "30.000000000000", "second": "20.000000000000"}


def test_of_a_matter_that_was_called_expected_its_parts_are_not_told_either(steady, send, look, workspace):
    send(spike(TOP))
    look(NOW)
    incident = Incident.objects.get()
    Incident.objects.update(state=State.EXPECTED)
    lessons.learn(incident, "mara", NOW)
    tomorrow = TOP + DAY
    send(*(call(TOP + n * HOUR, "2") for n in range(1, 24)), spike(tomorrow))
    look(tomorrow + 30 * MINUTE)
    assert Incident.objects.count() == 1
    assert {spell.dimension for spell in Spell.objects.filter(started_at=tomorrow)} >= {"model", "task"}


def test_workspaces_without_usage_are_looked_at_too(workspace):
    Workspace.objects.create(name="Other")
    assert watch.watch_all(NOW) == 2
    assert watch.watch_all(NOW) == 2
    assert Look.objects.count() == 2
    assert not Incident.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_who_finds_somebody_at_it_does_nothing():
    workspace = Workspace.objects.create(name="Busy")
    recording.forget()
    watch.watch_all(NOW)
    before = Look.objects.values().get()
    looked = []

    def other():
        looked.append(watch.watch(workspace, NOW + HOUR))
        connection.close()

    with transaction.atomic():
        Look.objects.select_for_update().get()
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert looked == [False]
    assert Look.objects.values().get() == before
    assert watch.watch(workspace, NOW + HOUR)


def test_the_task_looks_at_all_by_the_clock_of_the_database(workspace):
    tasks.look()
    assert Look.objects.get().looked_until is not None
