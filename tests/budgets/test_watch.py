"""From events to incidents: each threshold of a period once, by the event that reached it, whatever happens."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from costwatch.alerts.models import Incident, Severity, State
from costwatch.budgets import judge, manage, turn, watch
from costwatch.budgets.models import BudgetPeriod
from costwatch.ledger.models import FeedReader
from tests.budgets.conftest import NOW, incidents, look, spend, thresholds

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def only() -> Incident:
    return Incident.objects.get()


def test_a_crossing_becomes_an_incident_that_says_what_when_and_how_much(make, send):
    budget = make(name="Triage", scope={"agent": ["triage"]}, amount_usd=100)
    look()
    ago = [NOW - timedelta(minutes=n) for n in (9, 8, 7)]
    send(spend(ago[0], "49.99"), spend(ago[1], "0.01", event_id="deciding"), spend(ago[2], "1"))
    send(spend(ago[0], "500", agent_id="lookup"))
    look()
    incident = only()
    assert (incident.kind, incident.severity, incident.state) == ("budget", Severity.ALARM, State.OPEN)
    assert incident.opened_by_event == "deciding"
    assert incident.opened_at == NOW - timedelta(minutes=8)
    assert incident.title == "Triage: 50 % of $100.00 spent"
    assert incident.message == (
        "Triage has spent $51.00 of $100.00 (51.0 %). 50 % was reached on Wed 18 Nov 2026 14:24 Europe/Berlin."
        " It begins anew on Tue 1 Dec 2026 00:00 Europe/Berlin."
    )
    facts = incident.facts
    assert (facts["budget"], facts["basis"], facts["limit_usd"]) == (budget.pk, "actual", "100.000000000000")
    assert facts["spent_usd"] == "51.000000000000"
    assert (facts["period_start"], facts["period_end"]) == ("2026-10-31T23:00:00Z", "2026-11-30T23:00:00Z")
    assert facts["crossings"] == [{"threshold": 50, "at": "2026-11-18T13:24:07Z", "event_id": "deciding"}]


def test_each_threshold_is_told_once_and_a_jump_over_several_is_one_message(make, send):
    make(thresholds=[50, 80, 100])
    look()
    for cost in ("40", "15", "5", "40", "30"):
        send(spend(NOW, cost))
        look()
        look()
    incident = only()
    assert thresholds(incident) == [50, 80, 100]
    assert [entry.action for entry in incident.timeline.all()] == ["opened", "raised"]
    assert incident.severity == Severity.CRITICAL


def test_exactly_the_amount_is_reached_and_a_millionth_less_is_not(make, send):
    make(amount_usd="0.30", thresholds=[100])
    look()
    send(spend(NOW, "0.1"), spend(NOW, "0.199999"))
    look()
    assert not incidents()
    send(spend(NOW, "0.000001"))
    look()
    assert thresholds(only()) == [100]


def test_a_budget_made_after_the_money_is_gone_says_when_it_went(make, send):
    send(spend(NOW - 3 * DAY, "60", event_id="a"), spend(NOW - 2 * DAY, "60", event_id="b"))
    make()
    look()
    assert thresholds(only()) == [50, 80, 100]
    assert [one["event_id"] for one in only().facts["crossings"]] == ["a", "b", "b"]


def test_each_value_of_a_template_has_incidents_of_its_own(make, send):
    make(name="Each user", per="user", amount_usd=5, period="daily", thresholds=[100])
    look()
    send(*(spend(NOW, str(n), user_id=f"u-{n}") for n in range(1, 8)), spend(NOW, "50", user_id=None))
    look()
    told = sorted(incidents(), key=lambda one: one.facts["value"])
    assert [one.facts["value"] for one in told] == ["u-5", "u-6", "u-7"]
    assert told[0].title == "Each user, user u-5: 100 % of $5.00 spent"


def test_every_period_begins_at_nothing(make, send):
    make(period="daily", amount_usd=10, thresholds=[100], now=NOW - 9 * DAY)
    look(NOW - 9 * DAY)
    for day in range(3):
        at = NOW - (2 - day) * DAY
        send(spend(at, "9"))
        look(at)
        send(spend(at, "1", event_id=f"day {day}"))
        look(at)
    assert [one.opened_by_event for one in incidents()] == ["day 0", "day 1", "day 2"]


@pytest.mark.parametrize("seed", range(4))
def test_any_order_and_portions_tell_what_the_right_order_would(make, send, seed):
    make(scope={"agent": ["a", "b"]}, period="daily", amount_usd=20, thresholds=[25, 50, 100])
    make(per="user", period="weekly", amount_usd=30, thresholds=[50, 100])
    look()
    dice = random.Random(seed)
    events = [
        spend(NOW - timedelta(minutes=dice.randrange(3000)), str(dice.randrange(1, 9)), event_id=f"e-{n}",
              agent_id=dice.choice("abc"), user_id=dice.choice(["u", "v", None])) for n in range(60)
    ]  # fmt: skip
    dice.shuffle(events)
    while events:
        portion, events = events[:7], events[7:]
        send(*portion, fold=dice.random() < 0.5)
        if dice.random() < 0.5:
            look()
    look()
    told = {incident.dedupe_key: {*thresholds(incident)} for incident in incidents()}
    Incident.objects.all().delete()
    BudgetPeriod.objects.all().delete()
    manage.Budget.objects.update(judged_at=None)
    FeedReader.objects.update(position=0)
    look()
    again = {incident.dedupe_key: {*thresholds(incident)} for incident in incidents()}
    assert told == again
    assert told


def test_looking_twice_or_with_a_lost_place_tells_nothing_twice(make, send):
    make()
    look()
    send(spend(NOW, "85"))
    look()
    before = (only().pk, only().timeline.count())
    FeedReader.objects.update(position=0)
    BudgetPeriod.objects.update(due=True)
    look()
    look()
    assert (only().pk, only().timeline.count()) == before


def test_what_a_killed_look_did_is_undone_and_done_by_the_next(make, send):
    make()
    look()
    send(spend(NOW, "85"))
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        watch.watch(NOW)
        1 / 0  # noqa: B018
    assert watch.watch(NOW) == 1
    with pytest.raises(ZeroDivisionError), transaction.atomic():  # added, but not judged
        judge.judge_due(NOW, 1e12)
        1 / 0  # noqa: B018
    assert not incidents()
    look()
    assert thresholds(only()) == [50, 80]


def test_a_late_event_of_a_period_that_is_over_is_a_correction_that_calls_nobody(make, send):
    make(period="daily", amount_usd=10, thresholds=[100], now=NOW - 9 * DAY)
    look(NOW - 9 * DAY)
    send(spend(NOW - 3 * DAY, "9"))
    look(NOW - 3 * DAY)
    send(spend(NOW - 3 * DAY + HOUR, "1", event_id="late"))
    look()
    incident = only()
    assert (incident.severity, incident.facts["late"], incident.opened_by_event) == (Severity.NOTICE, True, "late")
    turn.turn(NOW)
    assert only().state == State.RESOLVED


def test_the_first_second_of_a_period_counts_in_it_and_the_last_of_the_one_before_does_not(make, send):
    midnight = datetime(2026, 10, 24, 22, tzinfo=UTC)  # the 25th in Berlin, which has 25 hours
    make(period="daily", amount_usd=10, thresholds=[100], now=midnight - 9 * DAY)
    look(midnight - 9 * DAY)
    tick = timedelta(microseconds=1)
    send(spend(midnight - tick, "9"), spend(midnight, "5"), spend(midnight + 25 * HOUR - tick, "4"))
    look(midnight + 25 * HOUR)
    assert not incidents()
    send(spend(midnight + 24 * HOUR, "1"), spend(midnight + 25 * HOUR, "9.99"))
    look(midnight + 26 * HOUR)
    assert only().facts["period_start"] == "2026-10-24T22:00:00Z"
    assert only().facts["period_end"] == "2026-10-25T23:00:00Z"


def test_unpriced_calls_make_the_incident_say_at_least(make, send):
    make()
    look()
    send(spend(NOW, "60"), spend(NOW, None, upper_bound=Decimal(3)))
    look()
    assert "at least $60.00" in only().message
    assert only().facts["coverage"]["unpriced_upper_bound_usd"] == "3.000000000000"


def test_tokens_are_counted_like_dollars(make, send):
    make(amount_tokens=2000, thresholds=[100])
    look()
    send(spend(NOW, input_tokens=1500, output_tokens=499))
    look()
    assert not incidents()
    send(spend(NOW, input_tokens=0, output_tokens=1))
    look()
    assert (only().facts["spent_tokens"], only().facts["limit_usd"], only().amount) == (2000, None, None)


def test_a_paused_budget_tells_nothing_and_catches_up_when_it_goes_on(make, send):
    budget = make(paused=True)
    send(spend(NOW, "85"))
    look()
    assert not incidents()
    manage.change(budget, {"paused": False}, "lena", now=NOW)
    look()
    assert thresholds(only()) == [50, 80]
