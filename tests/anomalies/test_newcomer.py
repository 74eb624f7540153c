"""A new model or agent: seen for the first time in a workspace with a past, and not cheap."""

from decimal import Decimal

from costwatch.anomalies.detectors import newcomer
from costwatch.anomalies.state import Settings
from tests.anomalies.memory import HOUR, NOW, TOP, MemoryBooks


def books(weeks=8):
    found = MemoryBooks()
    found.regular(weeks=weeks, agent="triage", model="mini")
    return found


def test_a_new_model_is_told_once_it_is_worth_the_floor():
    known = books()
    known.spend(TOP - 2 * HOUR, "6", agent="triage", model="huge")
    assert not newcomer.look(known, NOW, Settings())
    known.spend(TOP, "6", agent="triage", model="huge")
    (found,) = newcomer.look(known, NOW, Settings())
    assert (found.dimension, found.value, found.impact) == ("model", "huge", Decimal(12))
    assert found.title == "New model huge"
    assert found.start == TOP - 2 * HOUR
    assert "first time in the hour from Wed 18 Nov 12:00 and has spent $12.00" in found.message


def test_a_new_agent_is_told_too():
    known = books()
    known.spend(TOP, "20", agent="intern", model="mini")
    assert [(f.dimension, f.value) for f in newcomer.look(known, NOW, Settings())] == [("agent", "intern")]


def test_what_was_there_weeks_ago_is_no_newcomer():
    known = books()
    known.spend(TOP - 900 * HOUR, "0.01", agent="intern")
    known.spend(TOP, "20", agent="intern")
    assert not newcomer.look(known, NOW, Settings())


def test_a_workspace_without_a_past_has_no_newcomers():
    known = books(weeks=1)
    known.spend(TOP, "20", agent="intern")
    assert not newcomer.look(known, NOW, Settings())


def test_usage_without_a_name_is_no_newcomer():
    known = books()
    known.spend(TOP, "20", model="mini")
    assert not newcomer.look(known, NOW, Settings())
