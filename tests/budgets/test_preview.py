"""What a budget would have done: the same decisions as the watch makes, on days that are over."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from costwatch.budgets import preview as trying
from costwatch.budgets.manage import BadBudget
from costwatch.budgets.models import Budget
from costwatch.budgets.preview import preview
from tests.budgets.conftest import NOW, spend

pytestmark = pytest.mark.django_db
DAILY = {"period": "daily", "amount_usd": 10, "thresholds": [50, 100]}


def test_each_threshold_would_have_been_told_once_a_period(workspace, send):
    for days, cost in ((5, "6"), (4, "1"), (3, "12"), (2, "4.99")):
        send(spend(NOW - timedelta(days=days), cost), spend(NOW - timedelta(days=days), "0"))
    shown = preview(workspace, DAILY, NOW)
    assert [(one.at.astimezone().date(), one.threshold) for one in shown.crossings] == [
        (date(2026, 11, 12), 50), (date(2026, 11, 14), 50), (date(2026, 11, 14), 100)]  # fmt: skip
    assert shown.daily[0] == (date(2026, 11, 13), Decimal(6))
    assert (shown.matches, shown.problem, shown.crossing_count) == (True, None, 3)
    assert not Budget.objects.exists()


def test_a_template_tells_which_value(workspace, send):
    send(spend(NOW - timedelta(days=9), "6", user_id="u-1"), spend(NOW - timedelta(days=9), "60", user_id=None))
    shown = preview(workspace, DAILY | {"per": "user"}, NOW)
    assert [(one.value, one.threshold) for one in shown.crossings] == [("u-1", 50)]


def test_a_rolling_window_tells_once_in_its_length(workspace, send):
    send(*(spend(NOW - timedelta(hours=h), "3") for h in range(1, 60)))
    shown = preview(workspace, {"period": "rolling_24h", "amount_usd": 30, "thresholds": [100]}, NOW)
    gaps = [b.at - a.at for a, b in zip(shown.crossings, shown.crossings[1:], strict=False)]
    assert gaps == [timedelta(hours=24)] * 2


def test_a_scope_that_nothing_was_recorded_under_is_said_to_match_nothing(workspace, send):
    send(spend(NOW, agent_id="triage"))
    shown = preview(workspace, DAILY | {"scope": {"agent": ["triagge"]}}, NOW)
    assert not shown.matches
    assert "Known are triage" in shown.problem.message


def test_what_cannot_be_understood_is_refused(workspace):
    with pytest.raises(BadBudget) as refused:
        preview(workspace, {"period": "fortnightly", "amount_usd": 10}, NOW)
    assert refused.value.field == "period"


def test_of_many_values_those_are_replayed_that_may_have_reached_something(workspace, send, monkeypatch):
    monkeypatch.setattr(trying, "MOST_VALUES", 3)
    monkeypatch.setattr(trying, "FEWEST_VALUES", 1)
    send(*(spend(NOW - timedelta(days=2), str(n), user_id=f"u-{n}") for n in range(10)))
    shown = preview(workspace, DAILY | {"per": "user"}, NOW)
    assert [one.value for one in shown.crossings] == ["u-7", "u-8", "u-9"]
    assert shown.left_out == 2
    assert shown.daily == [(date(2026, 11, 16), Decimal(45))]
