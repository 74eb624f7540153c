"""Escalation drift: a growing share of the sessions reaches what is expensive."""

from datetime import timedelta
from decimal import Decimal

import pytest

from costwatch.anomalies.detectors import escalation
from costwatch.anomalies.state import Reach, Settings
from costwatch.lib.periods import local_day, midnight
from tests.anomalies.memory import NOW, MemoryBooks


def weeks(shares, sessions=1000, cost="2"):
    """The share that reaches `reasoning`, newest week first."""
    books = MemoryBooks()
    for back, share in enumerate(shares):
        start = midnight(local_day(NOW, books.zone) - timedelta(days=7 * (back + 1)), books.zone)
        reached = int(share * sessions)
        books.weeks["agent", start] = Reach(sessions, {
            "triage": (sessions, Decimal("0.01") * sessions),
            "lookup": (sessions * 6 // 10, Decimal("0.02") * sessions),
            "reasoning": (reached, Decimal(cost) * reached),
        })  # fmt: skip
    return books


def test_a_share_that_doubles_is_told_with_its_interval():
    (found,) = escalation.look(weeks([0.11, 0.05, 0.06, 0.05, 0.055]), NOW, Settings())
    assert found.subject == ("escalation", "agent", "reasoning")
    assert found.title == "Agent reasoning is reached by 11 % of the sessions"
    assert "In the 4 weeks before it were 5.4 %" in found.message
    assert float(found.facts["share_low"]) > 0.07
    assert float(found.impact) == pytest.approx(2 * (110 - 53.75))


@pytest.mark.parametrize("shares", [[0.055] * 5, [0.06, 0.05, 0.05, 0.05, 0.05], [0.07, 0.05, 0.09, 0.05, 0.05],
                                    [0.02, 0.05, 0.05, 0.05, 0.05]])  # fmt: skip
def test_a_share_that_stays_varies_or_falls_is_not_told(shares):
    assert not escalation.look(weeks(shares), NOW, Settings())


def test_few_sessions_prove_nothing():
    assert not escalation.look(weeks([0.11, 0.05, 0.06, 0.05, 0.055], sessions=150), NOW, Settings())


def test_what_costs_no_more_than_the_rest_is_no_escalation():
    assert not escalation.look(weeks([0.11, 0.05, 0.06, 0.05, 0.055], cost="0.03"), NOW, Settings())


def test_the_interval_is_wilsons():
    low, high = escalation.interval(10, 100, 1.96)
    assert (round(low, 3), round(high, 3)) == (0.055, 0.174)
    assert escalation.interval(0, 50, 1.96)[0] == pytest.approx(0)
