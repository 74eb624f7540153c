"""Budgets in words."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from costwatch.budgets.models import Budget
from costwatch.dashboards.budgets import words
from tests.dashboards.page import as_read

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(("number", "in_tokens", "told"), [
    ("1234.5", False, "$1,234.50"), ("-3", False, "−$3.00"), ("0.00123", False, "$0.00123"),
    ("1234567", True, "1.23M tokens"), ("-416000000", True, "−416M tokens"), ("0", True, "0 tokens"),
])  # fmt: skip
def test_amounts_carry_their_unit(number, in_tokens, told):
    assert words.amount(Decimal(number), in_tokens) == told


@pytest.mark.parametrize(("share", "told"), [
    ("0", "0.0 %"), ("0.0004", "< 0.1 %"), ("0.9999", "99.9 %"), ("1", "100 %"),
    ("1.549", "154 %"), ("12.345", "1,234 %"),
])  # fmt: skip
def test_what_is_not_used_up_is_never_a_hundred_percent(share, told):
    assert as_read(words.used(Decimal(share))) == told


@pytest.mark.parametrize(("period", "each", "name"), [
    ("daily", "a day", "day"), ("monthly", "a month", "month"),
    ("rolling_24h", "in any 24 hours", "window of 24 hours"), ("rolling_1d", "in any 1 day", "window of 1 day"),
])  # fmt: skip
def test_periods_have_words(period, each, name):
    assert (words.each(period), words.name(period)) == (each, name)


@pytest.mark.parametrize(("scope", "told"), [
    ({}, "all usage"),
    ({"agent": ["triage"]}, "agent triage"),
    ({"agent": ["a", "b"], "tag.customer!": ["Orbit"]}, "agent a or b; customer not Orbit"),
    ({"key": ["k"], "user": ["a", "b", "c", "d", "e"]}, "API key k; user a, b, c or 2 more"),
    ({"agent": [""]}, "agent Not attributed"),
])  # fmt: skip
def test_a_scope_is_a_sentence(scope, told):
    assert words.scope(scope) == told


@pytest.mark.parametrize(("period", "told"), [
    ("daily", "Thu 1 Oct 2026"), ("weekly", "week of 1 Oct 2026"), ("monthly", "October 2026"),
    ("quarterly", "Q4 2026"),
    ("yearly", "2026"),
])  # fmt: skip
def test_a_period_is_called_by_its_local_beginning(period, told):
    start = datetime(2026, 9, 30, 22, tzinfo=UTC)  # midnight in Berlin
    assert words.span(Budget(period=period), start, BERLIN) == told


@pytest.mark.parametrize(("span", "told"), [
    (timedelta(days=3, hours=23), "in 3 d"), (timedelta(hours=23, minutes=59), "in 23 h"),
    (timedelta(minutes=12), "in 12 min"),
    (timedelta(seconds=5), "in 1 min"),
])  # fmt: skip
def test_how_far_away_is_rounded_down(span, told):
    assert as_read(words.ahead(span)) == told


def test_what_is_told_is_listed():
    assert words.tells(Budget(thresholds=[50, 80, 100], forecast_thresholds=[100])) == (
        "at 50 %, 80 % and 100 % spent, and at 100 % forecast, each once"
    )
    assert words.tells(Budget(thresholds=[99.5])) == "at 99.5 % spent, each once"
    assert words.tells(Budget()) == "nothing: it has no thresholds"


def test_planned_amounts_are_named_by_their_months():
    budget = Budget(amount_usd=Decimal(5), planned={"2027-01": "7", "2026-12": "9000"})
    assert words.planned(budget) == "$9,000.00 in December 2026, $7.00 in January 2027"
