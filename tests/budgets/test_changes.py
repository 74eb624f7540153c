"""Edits, corrections and stops: what was told stays told, and nobody is asked to stop without a reason."""

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine

from costwatch.accounts.models import Member
from costwatch.alerts import stops
from costwatch.alerts.models import Channel, Incident, State, Stop
from costwatch.budgets import judge, manage, tell, turn, watch
from costwatch.budgets.models import BudgetPeriod
from costwatch.budgets.status import statuses
from costwatch.ledger.adjust import Adjustment, adjust
from costwatch.ledger.fold import fold_all
from costwatch.ledger.models import UsageEvent
from tests.budgets.conftest import NOW, incidents, look, spend, thresholds

pytestmark = pytest.mark.django_db
ACTOR = "lena@larkfield.example"
DAY = timedelta(days=1)


@pytest.fixture
def correct(workspace):
    """Change the cost of an event by an adjustment, as repricing does."""

    def adjust_by(event_id: str, amount: str) -> None:
        event = UsageEvent.objects.get(event_id=event_id)
        measures = {"cost": Decimal(amount)}
        which = (event.event_key, event.run_id, event.session_id, event.end_user_id)
        adjust(workspace.lane, [Adjustment(event.occurred_at, event.attribution_id, measures, "repriced", *which)])

    return adjust_by


def asked(workspace, **values):
    """Who is asked to stop at NOW, whatever day it is: stops end with their period."""
    stops.forget()
    with time_machine.travel(NOW, tick=False):
        return [one.reason for one in stops.asked(workspace.pk, values)]


def test_a_dearer_price_reaches_a_threshold_at_the_event_it_changed(make, send, correct):
    make()
    look()
    send(spend(NOW - timedelta(minutes=5), "30", event_id="repriced"), spend(NOW, "10"))
    look()
    assert not incidents()
    correct("repriced", "20")
    look()
    assert incidents()[0].opened_by_event == "repriced"
    assert incidents()[0].opened_at == NOW - timedelta(minutes=5)


def test_what_was_told_is_not_told_again_after_it_was_taken_back(make, send, correct):
    make()
    look()
    send(spend(NOW, "55", event_id="a"))
    look()
    correct("a", "-30")
    look()
    correct("a", "40")
    look()
    (incident,) = incidents()
    assert thresholds(incident) == [50]
    assert incident.timeline.filter(action__in=("opened", "raised")).count() == 1


def test_a_larger_amount_tells_only_what_was_not_told(make, send):
    budget = make()
    look()
    send(spend(NOW, "85"))
    look()
    budget = manage.change(budget, {"amount_usd": 1000, "name": "Everything"}, ACTOR, now=NOW)
    look()
    assert thresholds(incidents()[0]) == [50, 80]
    send(spend(NOW, "900"))
    look()
    assert thresholds(incidents()[0]) == [50, 80]
    send(spend(NOW, "15"))
    look()
    assert thresholds(incidents()[0]) == [50, 80, 100]


def test_another_scope_or_threshold_is_judged_at_once(make, send):
    budget = make(scope={"agent": ["lookup"]})
    send(spend(NOW, "85"))
    look()
    assert not incidents()
    budget = manage.change(budget, {"scope": {"agent": ["triage"]}}, ACTOR, now=NOW)
    look()
    assert thresholds(incidents()[0]) == [50, 80]
    manage.change(budget, {"thresholds": [10, 85]}, ACTOR, now=NOW)
    look()
    assert sorted(thresholds(incidents()[0])) == [10, 50, 80, 85]


def test_a_budget_that_is_changed_or_removed_while_it_is_judged_tells_nothing_wrong(make, send):
    for name, disturb in (("changed", lambda b: manage.change(b, {"amount_usd": 10**6}, ACTOR, now=NOW)),
                          ("removed", lambda b: manage.remove(b, ACTOR, now=NOW))):  # fmt: skip
        budget = make(name=name, scope={"agent": [name]})
        look()
        send(spend(NOW, "85", agent_id=name))
        BudgetPeriod.objects.filter(budget=budget).update(due=True)
        read = judge.cases(list(BudgetPeriod.objects.select_related("budget__workspace").filter(budget=budget)))
        disturb(budget)
        for case in read:
            tell.tell(case, NOW)
        look()
        assert not incidents()


def test_what_was_left_is_counted_anew_when_a_late_event_spends_it(make, send):
    october = NOW - 30 * DAY
    make(carry_over=50, thresholds=[100], now=NOW - 90 * DAY)
    look(NOW - 90 * DAY)
    send(spend(october, "60"), spend(NOW, "135"))
    look()
    assert not incidents()  # 100 and 40 of October's
    send(spend(october, "20"))
    look()
    assert incidents()[0].facts["limit_usd"] == "120.000000000000"


def test_a_blocking_budget_that_is_used_up_asks_whom_it_counts_to_stop(make, send, workspace):
    make(action="block", scope={"agent": ["triage"]})
    look()
    send(spend(NOW, "99"))
    look()
    assert asked(workspace, agent="triage") == []
    send(spend(NOW, "1"))
    look()
    assert asked(workspace, agent="triage", user="u") == ["budget"]
    assert asked(workspace, agent="lookup") == []
    stop = Stop.objects.get()
    assert (stop.until, stop.incident_id) == (statuses(workspace, NOW)[0].resets_at, Incident.objects.get().pk)


def test_a_blocking_template_stops_only_the_value_that_is_over(make, send, workspace):
    make(action="block", per="user", amount_usd=5)
    look()
    send(spend(NOW, "6", user_id="u-1"), spend(NOW, "4", user_id="u-2"))
    look()
    assert (asked(workspace, user="u-1"), asked(workspace, user="u-2"), asked(workspace)) == (["budget"], [], [])


@pytest.mark.parametrize("how", ["corrected", "raised", "notify", "paused", "removed"])
def test_it_asks_nobody_any_more_once_it_is_not_over(make, send, correct, workspace, how):
    budget = make(action="block")
    look()
    send(spend(NOW, "100", event_id="a"))
    look()
    assert asked(workspace, agent="triage") == ["budget"]
    changes = {"raised": {"amount_usd": 200}, "notify": {"action": "notify"}, "paused": {"paused": True}}
    if how == "corrected":
        correct("a", "-60")
    elif how == "removed":
        manage.remove(budget, ACTOR, now=NOW)
    else:
        manage.change(budget, changes[how], ACTOR, now=NOW)
    look()
    assert asked(workspace, agent="triage") == []
    state = {"corrected": State.RESOLVED, "removed": State.RESOLVED}.get(how, State.OPEN)
    assert Incident.objects.get().state == state


def test_a_rolling_block_ends_when_its_window_has_moved_on(make, send, workspace):
    make(action="block", period="rolling_24h")
    look()
    send(spend(NOW, "100"))
    look()
    assert asked(workspace, agent="triage") == ["budget"]
    for hours in (23, 25):
        later = NOW + timedelta(hours=hours)
        turn.turn(later)
        look(later)
    assert asked(workspace, agent="triage") == []


def test_when_the_period_is_over_so_is_its_incident_and_rows_that_say_nothing_go(make, send):
    make(period="daily", thresholds=[50])
    make(period="daily", amount_usd=10**6)
    look()
    send(spend(NOW, "60"))
    look()
    turn.turn(NOW + DAY)
    assert Incident.objects.get().state == State.RESOLVED
    assert BudgetPeriod.objects.count() == 2
    turn.forget(NOW + 9 * DAY)
    assert [row.crossings[0]["threshold"] for row in BudgetPeriod.objects.all()] == [50]


def test_channels_of_the_budget_are_those_of_the_incident(make, send, workspace):
    channel = Channel.objects.create(workspace=workspace, kind="email", name="finance")
    make(channels=[channel.pk])
    look()
    send(spend(NOW, "60"))
    look()
    assert Incident.objects.get().channels == [channel.pk]


def test_the_figures_of_an_incident_follow_the_spend(make, send):
    make()
    make(name="quiet", scope={"agent": ["lookup"]})
    look()
    send(spend(NOW, "60"), spend(NOW, "55", agent_id="lookup"))
    look()
    before = {one.facts["budget_name"]: one.changed_at for one in incidents()}
    send(spend(NOW, "7.5"))
    look()
    later = NOW + timedelta(minutes=1)
    assert turn.follow(later) == 1
    quiet, everything = sorted(incidents(), key=lambda one: one.amount)
    assert (everything.facts["spent_usd"], everything.amount) == ("122.500000000000", Decimal("122.5"))
    assert (everything.changed_at, quiet.changed_at) == (later, before["quiet"])
    assert turn.follow(later) == 0


def test_an_incident_belongs_to_the_owner_of_its_budget(make, send, workspace):
    lena = Member.objects.create(workspace=workspace, email=ACTOR, role="editor")
    make(owner=ACTOR)
    look()
    send(spend(NOW, "60"))
    look()
    assert incidents()[0].owner == lena


def test_what_is_taken_back_while_it_is_judged_is_judged_again(make, send, correct, workspace):
    budget = make(action="block", thresholds=[100])
    look()
    send(spend(NOW, "100", event_id="a"))
    watch.watch(NOW)
    rows = BudgetPeriod.objects.select_related("budget__workspace").filter(budget=budget)
    read = judge.cases(list(rows))
    correct("a", "-60")
    fold_all()
    watch.watch(NOW)
    for case in read:
        tell.tell(case, NOW)
    look()
    assert not incidents()
    assert asked(workspace, agent="triage") == []
    assert not rows.get().due


def test_an_amount_below_a_cent_is_said_with_all_its_digits(make, send):
    make(amount_usd="0.004", thresholds=[100])
    look()
    send(spend(NOW, "0.005"))
    look()
    assert incidents()[0].title == "All agents: 100 % of $0.004 spent"


def test_where_the_events_are_gone_and_only_their_sums_are_left_it_still_ends(make, send):
    budget = make(now=NOW - 90 * DAY)
    send(spend(NOW - 9 * DAY, "99"))
    UsageEvent.objects.all()._raw_delete("default")
    send(spend(NOW, "1"))
    look()
    (incident,) = incidents()
    assert thresholds(incident) == [50, 80, 100]
    assert not budget.periods.filter(due=True).exists()
