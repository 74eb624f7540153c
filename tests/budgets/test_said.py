"""The sentences, facts and figures of a budget's incident, worked out by hand."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costwatch.alerts.models import Severity
from costwatch.budgets import say
from costwatch.budgets.evaluate import Rule
from costwatch.lib.periods import Period
from costwatch.spend.sums import Sums
from tests.budgets.conftest import NOW, incidents, look, spend

pytestmark = pytest.mark.thorough
BERLIN = Rule("monthly", ZoneInfo("Europe/Berlin"), 1, Decimal(100))
NOVEMBER = Period(datetime(2026, 10, 31, 23, tzinfo=UTC), datetime(2026, 11, 30, 23, tzinfo=UTC))


ANEW = "It begins anew on Tue 1 Dec 2026 00:00 Europe/Berlin."
OVER = "The period was over by then: a late event or a correction, for the record."
BACK = "It looks back over {}, and tells each threshold once in that time."


def budget(**values):
    known = {"pk": 7, "name": "Support", "per": "", "period": "monthly", "in_tokens": False, "is_rolling": False,
             "action": "notify", "scope": {}}  # fmt: skip
    return SimpleNamespace(**{**known, **values})


def crossed(*thresholds):
    return [say.crossing(Decimal(str(t)), NOW + timedelta(minutes=n), f"e{n}") for n, t in enumerate(thresholds)]


@pytest.mark.parametrize(("amount", "in_tokens", "told"), [
    ("5", False, "$5.00"), ("0", False, "$0.00"), ("1234567.891", False, "$1,234,567.89"), ("0.004", False, "$0.004"),
    ("0.01", False, "$0.01"), ("0.009999999999", False, "$0.009999999999"),
    ("0.000000000001", False, "$0.000000000001"),
    ("999999999999.99", False, "$999,999,999,999.99"), ("0.015", False, "$0.02"),
    ("1000000", True, "1,000,000 tokens"), ("0", True, "0 tokens"),
])  # fmt: skip
def test_amounts_for_people(amount, in_tokens, told):
    assert say.amount(budget(in_tokens=in_tokens), Decimal(amount)) == told


@pytest.mark.parametrize(("values", "value", "thresholds", "basis", "title"), [
    ({}, "", [50], "actual", "Support: 50 % of $100.00 spent"),
    ({}, "", [50, 99.5], "actual", "Support: 99.5 % of $100.00 spent"),
    ({}, "", [100, 80], "forecast", "Support: 100 % of $100.00 forecast"),
    ({"per": "user"}, "u-1", [1000], "actual", "Support, user u-1: 1000 % of $100.00 spent"),
    ({"per": "tag.customer"}, "Orbit", [33.33], "actual", "Support, customer Orbit: 33.33 % of $100.00 spent"),
    ({"in_tokens": True}, "", [50], "actual", "Support: 50 % of 100 tokens spent"),
])  # fmt: skip
def test_a_title_names_whom_the_highest_threshold_and_the_limit(values, value, thresholds, basis, title):
    assert say.title(budget(**values), value, crossed(*thresholds), Decimal(100), basis) == title


@pytest.mark.parametrize(("thresholds", "basis", "late", "severity"), [
    ([50], "actual", False, Severity.ALARM), ([99.99], "actual", False, Severity.ALARM),
    ([50, 100], "actual", False, Severity.CRITICAL), ([150], "actual", False, Severity.CRITICAL),
    ([150], "forecast", False, Severity.ALARM), ([150], "actual", True, Severity.NOTICE),
])  # fmt: skip
def test_the_amount_itself_gone_is_critical_and_a_correction_calls_nobody(thresholds, basis, late, severity):
    assert say.severity(crossed(*thresholds), basis, late) == severity


@pytest.mark.parametrize(("values", "sums", "late", "spent", "ending"), [
    ({}, Sums(), False, "$80.00 of $100.00", ANEW),
    ({}, Sums(unpriced_calls=1), False, "at least $80.00 of $100.00", ANEW),
    ({}, Sums(unknown_calls=1), True, "at least $80.00 of $100.00", OVER),
    ({"in_tokens": True}, Sums(unknown_calls=1), False, "80 tokens of 100 tokens", ANEW),
    ({"is_rolling": True, "period": "rolling_24h"}, Sums(), False, "$80.00 of $100.00", BACK.format("24 hours")),
    ({"is_rolling": True, "period": "rolling_30d"}, Sums(), False, "$80.00 of $100.00", BACK.format("30 days")),
    ({"is_rolling": True, "period": "rolling_1d"}, Sums(), False, "$80.00 of $100.00", BACK.format("1 day")),
    ({"is_rolling": True, "period": "rolling_1h"}, Sums(), True, "$80.00 of $100.00", OVER),
])  # fmt: skip
def test_a_message_says_how_much_when_and_when_it_begins_anew(values, sums, late, spent, ending):
    said = say.message(budget(**values), "", BERLIN, NOVEMBER, Decimal(100), Decimal(80), sums, crossed(50, 80), late)
    reached = "80 % was reached on Wed 18 Nov 2026 14:33 Europe/Berlin."
    assert said == f"Support has spent {spent} (80.0 %). {reached} {ending}"


@given(st.decimals("0.01", 10**6, places=6), st.decimals("0.01", 10**6, places=6))
def test_a_share_is_rounded_down_so_that_a_hundred_percent_is_all_of_it(spent, limit):
    share = Decimal(say._share(spent, limit))
    assert share <= spent / limit * 100 < share + Decimal("0.11")
    assert (share >= 100) is (spent >= limit)


@pytest.mark.parametrize(("on", "ending"), [
    (date(2026, 11, 25), " At this pace it is used up on Wed 25 Nov 2026."), (None, ""),
])  # fmt: skip
def test_a_forecast_says_how_it_ends_and_when_the_money_is_gone(on, ending):
    said = say.forecast_message(budget(), "", BERLIN, NOVEMBER, Decimal(100), Decimal("120.456"), on)
    assert (
        said
        == "Support is forecast to spend $120.46 of $100.00 (120.4 %) by Tue 1 Dec 2026 00:00 Europe/Berlin." + ending
    )


@pytest.mark.parametrize(("action", "scope", "per", "names"), [
    ("block", {"model": ["m"]}, "", "model"), ("block", {"model": ["m"], "provider": ["p"]}, "", "provider and model"),
    ("block", {}, "operation", "operation"), ("block", {"agent": ["a"]}, "", None),
    ("notify", {"model": ["m"]}, "", None),
])  # fmt: skip
def test_a_blocking_budget_of_calls_says_what_the_guard_must_be_told(action, scope, per, names):
    said = say.must_be_said(budget(action=action, scope=scope, per=per))
    assert said.startswith(f"Asks to stop only who says the {names} of its next call") if names else said == ""


def test_a_key_names_budget_value_beginning_and_basis():
    berlin = datetime(2026, 11, 1, tzinfo=ZoneInfo("Europe/Berlin"))
    assert say.key(7, "u:1", berlin) == "budget:7:u:1:2026-10-31T23:00:00Z"
    assert say.key(7, "", berlin, "forecast") == "budget:7::2026-10-31T23:00:00Z:forecast"


@pytest.mark.parametrize(("threshold", "told"), [("50", 50), ("99.5", 99.5), ("33.33", 33.33), ("1E+2", 100)])
def test_thresholds_are_numbers_as_people_wrote_them(threshold, told):
    made = say.crossing(Decimal(threshold), NOW, "e")
    assert (made["threshold"], type(made["threshold"])) == (told, type(told))
    assert made == {"threshold": told, "at": "2026-11-18T13:32:07Z", "event_id": "e", "basis": "actual"}


@pytest.mark.parametrize(("sums", "share"), [
    (Sums(calls=10, cost=Decimal(5)), 1.0),
    (Sums(calls=9, cost=Decimal(9), unpriced_calls=1, upper_bound=Decimal(1)), 0.9),
    (Sums(), None),
])  # fmt: skip
def test_coverage_says_how_much_of_the_sum_is_priced(sums, share):
    assert say.coverage(sums)["priced_share"] == share


@pytest.mark.django_db
def test_the_facts_of_an_incident_are_those_of_the_contract(make, send):
    made = make(name="Each", per="user", amount_usd="2.5", period="daily", thresholds=[40, 99.5], action="block")
    look()
    send(
        spend(NOW, "1.25", user_id="u-1", event_id="first"), spend(NOW, None, user_id="u-1", upper_bound=Decimal("0.5"))
    )
    look()
    (incident,) = incidents()
    assert incident.facts == {
        "budget": made.pk, "budget_name": "Each", "per": "user", "value": "u-1", "basis": "actual", "period": "daily",
        "period_start": "2026-11-17T23:00:00Z", "period_end": "2026-11-18T23:00:00Z",
        "limit_usd": "2.500000000000", "spent_usd": "1.250000000000", "action": "block", "late": False,
        "coverage": {"calls": 2, "priced_calls": 1, "unpriced_calls": 1, "usage_unknown_calls": 0,
                     "unpriced_upper_bound_usd": "0.500000000000", "priced_share": 0.714285},
        "crossings": [{"threshold": 40, "at": "2026-11-18T13:32:07Z", "event_id": "first"}],
    }  # fmt: skip
    assert (incident.subject, incident.amount) == ("Each: u-1", Decimal("1.25"))
