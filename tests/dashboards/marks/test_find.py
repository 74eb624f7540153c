"""Which incidents of a span are marked, in which bucket, and what a mark says."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from costwatch.accounts.models import Workspace
from costwatch.alerts import incidents
from costwatch.alerts.models import Incident, Kind, Severity
from costwatch.dashboards import charts
from costwatch.dashboards.marks import find
from costwatch.dashboards.marks.find import COLUMNS, Marks, marks
from costwatch.dashboards.ranges import Range
from tests.dashboards.conftest import DAY
from tests.ledger.make import NOW

pytestmark = pytest.mark.django_db

BERLIN = ZoneInfo("Europe/Berlin")


def span(first: str = "2026-11-01", last: str = "2026-11-18") -> Range:
    return Range("custom", date.fromisoformat(first), date.fromisoformat(last), NOW, BERLIN)


def found(workspace, days: Range | None = None, bucket: str = "", include=None, exclude=None) -> Marks:
    days = days or span()
    return marks(workspace, days, charts.buckets_of(days, 1, bucket), include or {}, exclude or {})


def test_an_incident_is_marked_in_the_bucket_in_which_it_was_opened(workspace, opened):
    one = opened("reasoning: caught in a loop", minutes=-6 * DAY)
    (mark,) = found(workspace).shown
    assert (mark.label, mark.count, mark.words) == ("Thu 12 Nov", 1, "reasoning: caught in a loop")
    assert mark.url == f"/incidents/{one.pk}"


def test_days_are_those_of_the_workspace(workspace, opened):
    opened(minutes=(datetime(2026, 11, 11, 23, 30, tzinfo=UTC) - NOW).total_seconds() / 60)
    assert [mark.label for mark in found(workspace).shown] == ["Thu 12 Nov"], "half past midnight in Berlin"
    assert [mark.label for mark in found(workspace, span("2026-11-12", "2026-11-12")).shown] == ["00:00"]
    assert not found(workspace, span("2026-11-11", "2026-11-11")).shown


@pytest.mark.parametrize(
    ("bucket", "label"), [("15m", "Wed 18 Nov 14:30"), ("hour", "Wed 18 Nov 14:00"), ("week", "week of 16 Nov 2026"),
                          ("month", "November 2026")],
)  # fmt: skip
def test_marks_follow_the_length_of_the_bars(workspace, opened, bucket, label):
    opened()
    (mark,) = found(workspace, bucket=bucket).shown
    places = charts.buckets_of(span(), 1, bucket)
    assert mark.label == label == places.labels[mark.place]


def test_several_in_one_bucket_are_one_mark_with_the_worst_first(workspace, opened):
    opened("mild", minutes=-10, severity=Severity.NOTICE)
    opened("worst", minutes=-20, severity=Severity.CRITICAL)
    opened("bad", minutes=-30)
    opened("over, though it was worse", minutes=-40, severity=Severity.CRITICAL)
    incidents.act(Incident.objects.get(title__startswith="over"), "resolve", "lena", NOW)
    (mark,) = found(workspace).shown
    assert mark.count == 4
    assert mark.titles == ["worst", "bad"]
    assert mark.words == "4 incidents: worst; bad; 2 more"
    assert (mark.severity, mark.over, mark.css) == (Severity.CRITICAL, False, "critical")
    assert mark.url == "/incidents?first=2026-11-18"


def test_several_in_one_week_or_hour_lead_to_their_days(workspace, opened):
    opened("a"), opened("b", minutes=-3)
    (of_week,) = found(workspace, span("2026-11-03", "2026-11-18"), "week").shown
    assert of_week.url == "/incidents?first=2026-11-16&last=2026-11-18"
    (of_hour,) = found(workspace, bucket="hour").shown
    assert of_hour.url == "/incidents?first=2026-11-18"


def test_what_is_over_says_so(workspace, opened):
    opened("was one")
    incidents.act(Incident.objects.get(), "expected", "lena", NOW)
    (mark,) = found(workspace).shown
    assert (mark.over, mark.css) == (True, "alarm over")


def test_only_what_concerns_spend_is_marked(workspace, opened):
    for kind in Kind:
        opened(kind.value, kind=kind, minutes=-DAY * list(Kind).index(kind))
    assert sorted(mark.words for mark in found(workspace).shown) == ["anomaly", "budget", "loop"]


def test_nobody_elses_are_marked(workspace, opened):
    opened()
    assert not found(Workspace.objects.create(name="Somebody else", time_zone="Europe/Berlin")).shown


def test_there_are_at_most_so_many_marks_and_the_worst_are_kept(workspace, opened):
    for days in range(16):
        opened(f"n {days}", minutes=-days * DAY, severity=Severity.CRITICAL if days == 15 else Severity.ALARM)
    told = found(workspace)
    assert [mark.label for mark in told.shown][:2] == ["Tue 3 Nov", "Thu 12 Nov"], "the critical one, and the newest"
    assert len(told.shown) == find.MOST
    assert told.more
    assert told.url == "/incidents?first=2026-11-01&last=2026-11-18"
    assert [mark.place for mark in told.shown] == sorted(mark.place for mark in told.shown)


def test_of_very_many_the_newest_are_read_and_it_says_that_there_are_more(workspace, opened, monkeypatch):
    monkeypatch.setattr(find, "LOOKED_AT", 3)
    for days in range(5):
        opened(f"n {days}", minutes=-days * DAY)
    told = found(workspace)
    assert [mark.label for mark in told.shown] == ["Mon 16 Nov", "Tue 17 Nov", "Wed 18 Nov"]
    assert told.more


def test_the_marks_cost_one_query_that_reads_no_facts(workspace, opened, django_assert_num_queries):
    for days in range(5):
        opened(f"n {days}", minutes=-days * DAY, facts={"long": "x" * 1000})
    with django_assert_num_queries(1) as asked:
        assert len(found(workspace).shown) == 5
    statement = asked.captured_queries[0]["sql"]
    assert "LIMIT" in statement
    assert '"facts"' not in statement
    assert all(f'"{name}"' in statement for name in COLUMNS)


def test_under_conditions_only_what_is_about_them_is_marked(workspace, opened):
    opened("about a", facts={"agent": "a"})
    opened("about b", minutes=-DAY, facts={"agent": "b"})
    opened("about everything", minutes=-2 * DAY, kind=Kind.BUDGET)
    told = found(workspace, include={"agent": ("a", "c")})
    assert [mark.words for mark in told.shown] == ["about a"]
    told = found(workspace, exclude={"agent": ("a",)})
    assert [mark.words for mark in told.shown] == ["about everything", "about b"]


def test_the_sentence_counts_incidents_and_says_nothing_of_none(workspace, opened):
    assert found(workspace).sentence == ""
    opened("a")
    assert found(workspace).sentence == " Marked: 1 incident, linked below the chart."
    opened("b"), opened("c", minutes=-DAY)
    assert found(workspace).sentence == " Marked: 3 incidents, linked below the chart."
