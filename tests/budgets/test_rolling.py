"""Rolling budgets look back from each event, and tell a threshold once in the length of their window."""

import random
from datetime import timedelta

import pytest

from costwatch.alerts.models import Incident, State
from costwatch.budgets import turn
from costwatch.budgets.models import Budget, BudgetPeriod
from costwatch.ledger.models import FeedReader
from tests.budgets.conftest import NOW, incidents, look, spend, thresholds

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def test_only_what_lies_in_the_window_counts(make, send):
    make(period="rolling_24h", amount_usd=10, thresholds=[100], now=NOW - 9 * DAY)
    send(spend(NOW - 24 * HOUR, "6"), spend(NOW - HOUR, "3"))
    look()
    send(spend(NOW, "1"))
    look()
    assert not incidents()
    send(spend(NOW - 2 * HOUR, "0.5"), spend(NOW, "5.49"))
    look()
    assert not incidents()
    send(spend(NOW, "0.01", event_id="deciding"))
    look()
    assert incidents()[-1].opened_by_event == "deciding"
    assert incidents()[-1].facts["period_end"] == "2026-11-18T13:32:07Z"


def test_while_it_stays_over_it_tells_once_a_day(make, send):
    make(period="rolling_24h", amount_usd=10, thresholds=[50, 100], now=NOW - 9 * DAY)
    for hour in range(72):
        at = NOW - (72 - hour) * HOUR
        send(spend(at, "1", event_id=f"hour {hour}"))
        look(at)
        turn.turn(at)
    assert [one.opened_by_event for one in incidents()] == ["hour 4", "hour 28", "hour 52"]
    assert [thresholds(one) for one in incidents()] == [[50, 100]] * 3
    assert [one.state for one in incidents()] == [State.RESOLVED, State.RESOLVED, State.OPEN]


def test_after_it_has_fallen_it_tells_again_when_a_days_length_has_passed(make, send):
    make(period="rolling_24h", amount_usd=10, thresholds=[100], now=NOW - 9 * DAY)
    for hours in (60, 30, 3):
        at = NOW - hours * HOUR
        send(spend(at, "11"))
        look(at)
        turn.turn(at)
    assert [(NOW - one.opened_at) // HOUR for one in incidents()] == [60, 30, 3]


@pytest.mark.parametrize("seed", range(3))
def test_a_back_fill_in_portions_tells_what_life_would_have_told(make, send, seed):
    make(period="rolling_24h", amount_usd=20, thresholds=[50, 100], now=NOW - 9 * DAY)
    dice = random.Random(seed)
    events = sorted((NOW - timedelta(minutes=dice.randrange(6000)), n) for n in range(70))
    for at, n in events:
        send(spend(at, str(1 + n % 3), event_id=f"e-{n}"))
        look(at)
        turn.turn(at)
    lived = [(one.opened_by_event, thresholds(one)) for one in incidents()]
    assert lived
    Incident.objects.all().delete()
    BudgetPeriod.objects.all().delete()
    FeedReader.objects.update(position=0)
    look(NOW)
    assert [(one.opened_by_event, sorted(thresholds(one))) for one in incidents()] == lived
    assert Budget.objects.get().periods.filter(due=True).count() == 0


def test_each_value_of_a_template_has_a_window_of_its_own(make, send):
    make(period="rolling_7d", per="user", amount_usd=5, thresholds=[100])
    look()
    send(*(spend(NOW - n * DAY, "3", user_id=f"u-{n % 3}") for n in range(9)))
    look()
    assert {one.facts["value"] for one in incidents()} == {"u-0", "u-1", "u-2"}
