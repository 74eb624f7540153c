"""When digests are due, minute by minute over the days on which clocks change: once each, at the hour of the reader."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costwatch.accounts.models import Workspace
from costwatch.digests import send, subscriptions
from costwatch.digests import span as spans
from costwatch.digests.models import Issue

pytestmark = pytest.mark.thorough
LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
QUARTER, HOUR = timedelta(minutes=15), timedelta(hours=1)
ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Chatham",
    "America/Santiago",
]
zones = st.sampled_from([ZoneInfo(name) for name in ZONES])
moments = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))


def handed_over(start: datetime, days: int, every: timedelta = QUARTER) -> list[tuple[datetime, str, date]]:
    """What is due, looked at again and again, as the task does each minute; then it is noted as sent."""
    found = []
    for step in range(timedelta(days=days) // every):
        now = start + step * every
        for subscription, span in send.due(now):
            Issue.objects.create(subscription=subscription, first_day=span.first, title="x")
            found.append((now, subscription.kind, span.first))
    return found


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("zone", "first", "hour", "expected"),
    [
        # clocks go forward on Sunday 29 March at 2:00, back on Sunday 25 October at 3:00
        ("Europe/Berlin", "2026-03-28", 8, ["03-28T07:00", "03-29T06:00", "03-30T06:00"]),
        ("Europe/Berlin", "2026-03-28", 2, ["03-28T01:00", "03-29T01:00", "03-30T00:00"]),
        ("Europe/Berlin", "2026-10-24", 2, ["10-24T00:00", "10-25T00:00", "10-26T01:00"]),
        ("Europe/Berlin", "2026-10-24", 0, ["10-23T22:00", "10-24T22:00", "10-25T23:00"]),
        ("America/New_York", "2026-10-31", 8, ["10-31T12:00", "11-01T13:00", "11-02T13:00"]),
        # half an hour, on Sunday 4 October at 2:00
        ("Australia/Lord_Howe", "2026-10-03", 8, ["10-02T21:30", "10-03T21:00", "10-04T21:00"]),
        ("Asia/Kathmandu", "2026-10-03", 23, ["10-03T17:15", "10-04T17:15", "10-05T17:15"]),
        # midnight of Sunday 6 September does not exist: the day begins at one o'clock
        ("America/Santiago", "2026-09-05", 0, ["09-05T04:00", "09-06T04:00", "09-07T03:00"]),
    ],
)
def test_a_daily_digest_is_due_once_a_day_at_its_hour_whatever_the_clocks_do(
    workspace, ann, zone, first, hour, expected
):
    subscriptions.subscribe(workspace, "daily", LONG_AGO, by="ann", member=ann, hour=hour, time_zone=zone)
    day = date.fromisoformat(first)
    start = datetime.combine(day, datetime.min.time(), ZoneInfo(zone)).astimezone(UTC)
    found = handed_over(start, 3)
    told = [(now, told_of) for now, _, told_of in found if now >= datetime.fromisoformat(f"2026-{expected[0]}+00:00")]
    assert [f"{now:%m-%dT%H:%M}" for now, _ in told][: len(expected)] == expected
    assert [told_of for _, told_of in told][: len(expected)] == [day + timedelta(days=n - 1) for n in range(3)]
    assert len({told_of for _, _, told_of in found}) == len(found), "of each day one"


@pytest.mark.django_db
@pytest.mark.parametrize(("week_start", "expected"), [(1, "2026-11-23"), (6, "2026-11-21"), (7, "2026-11-22")])
def test_weeks_are_those_of_the_workspace(workspace, ann, week_start, expected):
    Workspace.objects.filter(pk=workspace.pk).update(week_start=week_start)
    subscriptions.subscribe(workspace, "weekly", LONG_AGO, by="ann", member=ann, hour=8)
    start = datetime.fromisoformat(f"{expected}T00:00:00+01:00").astimezone(UTC)
    found = handed_over(start, 7, HOUR)
    assert [(now.isoformat(), kind) for now, kind, _ in found] == [(f"{expected}T07:00:00+00:00", "weekly")]
    assert found[0][2] == date.fromisoformat(expected) - timedelta(days=7)


@pytest.mark.django_db
def test_each_kind_is_told_on_its_own_first_day(workspace, ann):
    for kind in ("daily", "weekly", "monthly"):
        subscriptions.subscribe(workspace, kind, LONG_AGO, by="ann", member=ann, hour=9)
    start = datetime(2026, 5, 31, 10, tzinfo=UTC)  # Sunday, after the digests of the day
    found = [(now, kind, day) for now, kind, day in handed_over(start, 2, HOUR) if now > start]
    monday = datetime(2026, 6, 1, 7, tzinfo=UTC)
    assert [entry for entry in found if entry[0] == monday] == [
        (monday, "daily", date(2026, 5, 31)),
        (monday, "weekly", date(2026, 5, 25)),
        (monday, "monthly", date(2026, 5, 1)),
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(("kind", "hours"), [("daily", 16), ("weekly", 72), ("monthly", 7 * 24)])
def test_one_that_could_not_go_in_time_is_left_out_and_not_sent_late(workspace, ann, kind, hours):
    subscriptions.subscribe(workspace, kind, LONG_AGO, by="ann", member=ann, hour=8)
    due = datetime(2026, 6, 1, 6, tzinfo=UTC)  # Monday, the first of the month
    last = due + timedelta(hours=hours) - timedelta(seconds=1)
    assert [len(list(send.due(at))) for at in (due - timedelta(seconds=1), due, last)] == [0, 1, 1]
    assert not list(send.due(last + timedelta(seconds=1)))


@given(moments, zones, st.sampled_from(["daily", "weekly", "monthly"]), st.sampled_from([1, 6, 7]))
def test_the_last_whole_period_is_over_and_the_one_after_it_is_not(now, zone, kind, week_start):
    found = spans.latest(kind, now, zone, week_start)
    assert found.end <= now < spans.holding(kind, found.end, zone, week_start).end
    assert spans.before(spans.holding(kind, now, zone, week_start), zone, week_start) == found
    assert found.start.astimezone(zone).date() == found.first
    assert (found.end - timedelta(microseconds=1)).astimezone(zone).date() == found.last
    days = (found.last - found.first).days + 1
    assert days == {"daily": 1, "weekly": 7}.get(kind, days) and days <= 31
    if kind == "weekly":
        assert found.first.isoweekday() == week_start
    if kind == "monthly":
        assert found.first.day == 1 and (found.last + timedelta(days=1)).day == 1


@given(moments, zones, st.sampled_from(["daily", "weekly", "monthly"]), st.integers(0, 23))
def test_it_is_due_on_the_day_after_at_the_hour_on_the_readers_clock(now, zone, kind, hour):
    found = spans.latest(kind, now, zone, 1)
    at = spans.due(found, hour, zone)
    assert at >= found.end
    local = at.astimezone(zone)
    assert local.date() == found.last + timedelta(days=1)
    skipped = (
        datetime(local.year, local.month, local.day, hour, tzinfo=zone).astimezone(UTC).astimezone(zone).hour != hour
    )
    assert local.hour == hour or skipped
    assert (local.minute, local.second) == (0, 0) or skipped


@given(moments, zones, st.sampled_from(["daily", "weekly", "monthly"]))
def test_any_day_of_a_period_is_an_address_of_it(now, zone, kind):
    found = spans.latest(kind, now, zone, 7)
    for day in (found.first, found.last, found.first + (found.last - found.first) // 2):
        assert spans.on(kind, day, zone, 7) == found


@pytest.mark.parametrize(("kind", "day", "label", "name"), [
    ("daily", date(2026, 1, 1), "Thu 1 Jan 2026", "day"),
    ("weekly", date(2026, 1, 1), "29 Dec – 4 Jan 2026", "week"),
    ("weekly", date(2026, 2, 25), "23 Feb – 1 Mar 2026", "week"),
    ("weekly", date(2026, 6, 3), "1–7 Jun 2026", "week"),
    ("monthly", date(2028, 2, 29), "February 2028", "month"),
])  # fmt: skip
def test_a_period_is_named_as_people_do(kind, day, label, name):
    found = spans.on(kind, day, ZoneInfo("Europe/Berlin"), 1)
    assert (found.label, found.name) == (label, name)
