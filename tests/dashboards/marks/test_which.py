"""Which incidents are marked where there are more than fit, and how much of their titles."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from costwatch.alerts import incidents
from costwatch.alerts.models import Incident, Severity
from costwatch.dashboards import charts
from costwatch.dashboards.marks.find import MOST, marks
from costwatch.dashboards.ranges import Range
from tests.dashboards.conftest import DAY
from tests.ledger.make import NOW

pytestmark = [pytest.mark.thorough, pytest.mark.django_db]
SPAN = Range("custom", date(2026, 11, 1), date(2026, 11, 18), NOW, ZoneInfo("Europe/Berlin"))


def found(workspace, span: Range = SPAN):
    return marks(workspace, span, charts.buckets_of(span, 1), {}, {})


def over(incident: Incident) -> None:
    incidents.act(incident, "resolve", "mara", NOW)


def test_what_is_over_makes_room_for_what_is_not_however_bad_it_was(workspace, opened):
    over(opened("was critical", severity=Severity.CRITICAL))
    for days in range(1, MOST + 1):
        opened(f"notice {days}", minutes=-days * DAY, severity=Severity.NOTICE)
    told = found(workspace)
    assert [mark.titles[0] for mark in told.shown] == [f"notice {days}" for days in range(MOST, 0, -1)]
    assert told.more


def test_of_those_that_are_over_the_worst_are_kept_and_of_equals_the_newest(workspace, opened):
    for days in range(MOST + 2):
        over(
            opened(f"n {days}", minutes=-days * DAY, severity=Severity.CRITICAL if days == MOST + 1 else Severity.ALARM)
        )
    assert [mark.titles[0] for mark in found(workspace).shown] == [
        f"n {days}" for days in (MOST + 1, *range(MOST - 2, -1, -1))]  # fmt: skip


@pytest.mark.parametrize(
    ("length", "shown"),
    [(59, "x" * 59), (60, "x" * 60), (61, "x" * 29 + "…" + "x" * 30), (150, "x" * 29 + "…" + "x" * 30)],
)
def test_a_title_is_cut_to_sixty_characters_with_both_its_ends(workspace, opened, length, shown):
    opened("x" * length)
    (mark,) = found(workspace).shown
    assert mark.words == shown


def test_as_many_as_fit_are_all_of_them(workspace, opened):
    for days in range(MOST):
        opened(f"n {days}", minutes=-days * DAY)
    assert (len(found(workspace).shown), found(workspace).more) == (MOST, False)


def test_days_to_come_are_not_in_the_address_of_all_incidents(workspace, opened):
    opened()
    later = Range("custom", date(2026, 11, 10), date(2026, 11, 30), NOW, ZoneInfo("Europe/Berlin"))
    assert found(workspace, later).url == "/incidents?first=2026-11-10&last=2026-11-18"
    old = Range("custom", date(2026, 10, 1), date(2026, 10, 5), NOW, ZoneInfo("Europe/Berlin"))
    assert found(workspace, old).url == "/incidents?first=2026-10-01&last=2026-10-05"


def test_an_incident_at_either_end_of_the_span_belongs_to_one_side(workspace, opened):
    midnight = (SPAN.start - NOW).total_seconds() / 60
    opened("first moment", minutes=midnight)
    opened("the moment before", minutes=midnight - 1 / 60)
    assert [mark.words for mark in found(workspace).shown] == ["first moment"]
    assert found(workspace).shown[0].label == "Sun 1 Nov"
