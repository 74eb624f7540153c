"""Other settings tried on the past: what they would have told, beside what was told, and nothing is written."""

from datetime import timedelta
from decimal import Decimal

import pytest

from costwatch.alerts.models import Incident
from costwatch.anomalies.models import Spell
from costwatch.anomalies.state import Settings
from costwatch.dashboards.anomalies.trial import trial
from tests.anomalies.conftest import call
from tests.anomalies.memory import HOUR, NOW, TOP

pytestmark = [pytest.mark.usefixtures("steady"), pytest.mark.thorough]
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def lived(look, send):
    """A spike of $30 four days ago and one of $14 two days ago, looked at as they came."""
    for before, usd in ((4 * DAY, "30"), (2 * DAY, "14")):
        send(call(TOP - before + 5 * MINUTE, usd))
    look(TOP - DAY, since=TOP - 5 * DAY)


def told(found):
    return [(row.at.date(), row.change) for row in found.rows]


def test_the_settings_that_held_tell_what_was_told(workspace, lived):
    before = (Incident.objects.count(), Spell.objects.count())
    found = trial(workspace, Settings(), NOW)
    assert told(found) == [((TOP - 2 * DAY).date(), "same"), ((TOP - 4 * DAY).date(), "same")]
    assert (found.told, found.new, found.lost, found.is_short) == (2, 0, 0, False)
    assert {row.url for row in found.rows} == {f"/incidents/{one.pk}" for one in Incident.objects.all()}
    assert (Incident.objects.count(), Spell.objects.count()) == before


def test_a_higher_floor_tells_less_and_a_lower_one_more(workspace, lived, send):
    found = trial(workspace, Settings(floor=Decimal(20)), NOW)
    assert told(found) == [((TOP - 2 * DAY).date(), "lost"), ((TOP - 4 * DAY).date(), "same")]
    send(call(TOP - 3 * DAY + 5 * MINUTE, "7"))
    found = trial(workspace, Settings(floor=Decimal(4)), NOW)
    assert ((TOP - 3 * DAY).date(), "new") in told(found) and found.lost == 0


def test_a_detector_that_is_off_would_have_told_nothing(workspace, lived):
    found = trial(workspace, Settings(off=frozenset({"spend"})), NOW)
    assert [row.change for row in found.rows] == ["lost", "lost"] and found.told == 0


def test_where_the_time_is_not_enough_it_says_how_far_it_came(workspace, lived):
    found = trial(workspace, Settings(), NOW, seconds=0.0)
    assert found.is_short and found.since < found.until <= found.since + 2 * HOUR
    assert found.rows == []
