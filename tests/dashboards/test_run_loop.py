"""Where the repeats of a run begin, what they cost, and when the alarm came."""

from decimal import Decimal

import pytest

from costwatch.alerts.models import Incident, Severity
from costwatch.dashboards.run_calls import calls
from costwatch.dashboards.run_loop import IN_A_ROW, loop
from tests.dashboards.test_run_calls import event
from tests.dashboards.test_run_folds import run


def incident(event_id: str, severity: Severity = Severity.ALARM) -> Incident:
    return Incident(severity=severity, opened_by_event=event_id)


def test_repeats_begin_with_the_first_of_several_in_a_row():
    found = loop(run("abAcAAAd"), None)
    assert found.begins.number == 5
    assert (found.calls_before, found.before) == (4, Decimal("0.10"))
    assert (found.repeated, found.wasted) == (4, Decimal("0.03") + Decimal("0.18"))


@pytest.mark.parametrize("kinds", ["", "abc", "aA" * 9, "a" + "A" * (IN_A_ROW - 1)])
def test_a_repeat_now_and_then_is_no_beginning(kinds):
    found = loop(run(kinds), None)
    assert found.begins is None
    assert found.moments == []


def test_what_came_before_the_calls_that_are_looked_at_is_not_known():
    assert loop(run("AAAAA"), None).begins is None
    assert loop(run("AAAAAbCCC"), None).begins is None, "they began before, so this is not where they begin"


def test_the_alarm_is_the_call_that_opened_the_incident():
    made = run("aAAAAA")
    found = loop(made, incident("e-3"))
    assert found.alarm == made[3]
    assert found.saved == Decimal("0.05") + Decimal("0.06")
    assert [moment.words for moment in found.moments] == ["call 2: repeats begin", "call 4: alarm"]
    assert [moment.at for moment in found.moments] == [made[1].at, made[3].at]


@pytest.mark.parametrize(
    ("severity", "words"),
    [(Severity.NOTICE, "notice"), (Severity.ALARM, "alarm"), (Severity.CRITICAL, "critical alarm")],
)
def test_an_alarm_is_called_what_it_is(severity, words):
    assert loop(run("aA"), incident("e-1", severity)).alarmed == words


def test_an_alarm_upon_a_call_of_another_page_or_upon_none_is_not_here():
    for event_id in ("e-99", ""):
        found = loop(run("aAAA"), incident(event_id))
        assert found.alarm is None
        assert found.saved == 0


def test_unpriced_repeats_count_and_cost_nothing_known():
    made = calls([event("1"), event("2", cost_usd=None), event("3")], {"2": "same call", "3": "same call"})
    found = loop(made, None)
    assert (found.repeated, found.wasted) == (2, Decimal("0.5"))
