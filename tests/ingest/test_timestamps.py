"""API.md §3: the times of events, in which writings and within which bounds."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.ingest.make import NOW, entry, fault


@pytest.mark.parametrize(
    "written",
    ["2026-11-25T11:00:00Z", "2026-11-25t11:00:00z", "2026-11-25 11:00:00Z", "2026-11-25T12:00:00+01:00",
     "2026-11-25T16:45:00+05:45", "2026-11-24T21:00:00-14:00", "2026-11-25T11:00:00.000000Z", 1795604400,
     1795604400.0],
)  # fmt: skip
def test_the_same_moment_in_many_writings(written):
    got = entry(timestamp=written).timestamp
    assert got == datetime(2026, 11, 25, 11, tzinfo=UTC) and got.tzinfo is UTC


def test_fractions_of_seconds_are_kept_to_the_microsecond():
    assert entry(timestamp="2026-11-25T11:00:00.1234567Z").timestamp.microsecond == 123457
    assert entry(timestamp=1795604400.5).timestamp.microsecond == 500_000


@pytest.mark.parametrize("offset", [timedelta(minutes=5), timedelta(0), timedelta(days=-5 * 365)])
def test_five_minutes_ahead_and_five_years_back_are_accepted(offset):
    moment = NOW + offset
    assert entry(timestamp=moment.isoformat()).timestamp == moment
    assert entry(timestamp=moment.timestamp()).timestamp == moment


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ("2026-11-25T12:05:01Z", "5 minutes ahead"),
        ("2021-11-01T00:00:00Z", "5 years ago"),
        ("0001-01-01T00:00:00+14:00", "5 years ago"),
        ("9999-12-31T23:59:59-14:00", "5 minutes ahead"),
        (1795604400000, "seconds, not milliseconds"),
        (1795604400000000000, "seconds, not milliseconds"),
        (10**30, "seconds, not milliseconds"),
        (1e300, "seconds, not milliseconds"),
        (-1, "5 years ago"),
        (1795608301, "5 minutes ahead of our clock, 2026-11-25T12:00:00Z"),
        ("2026-11-25T11:00:00", "with its offset"),
        ("2026-02-30T00:00:00Z", "with its offset"),
        ("2026-11-25", "with its offset"),
        ("2026-03-29T02:30:00[Europe/Berlin]", "with its offset"),
        ("10000-01-01T00:00:00Z", "with its offset"),
        ("1795604400", "with its offset"),
        ("infinity", "with its offset"),
        ("epoch", "with its offset"),
        ("", "with its offset"),
        (["2026"], "with its offset"),
        (True, "with its offset"),
        ({}, "with its offset"),
    ],
)
def test_no_other_time_is_accepted(wrong, hint):
    field, message = fault(timestamp=wrong)
    assert field == "timestamp" and hint in message
