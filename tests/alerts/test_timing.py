"""When a message goes: groups, quiet hours, pauses. Pure."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costwatch.alerts.timing import GIVE_UP, is_quiet, next_message_at, pause

NOW = datetime(2026, 11, 18, 13, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def ago(*seconds: float) -> list[datetime]:
    return [NOW - timedelta(seconds=s) for s in seconds]


@pytest.mark.parametrize("sent,incidents,wait", [
    ([], 0, 0), (ago(1), 1, 0.8), (ago(5), 1, -3.2), (ago(1, 4, 7), 500, 0.8), (ago(1, 4, 7, 10), 50, 0.8),
    (ago(1, 4, 7, 10), 51, 59), (ago(1, 4, 7, 70), 500, 0.8), (ago(61, 64, 67, 70), 500, -1),
    (ago(-3_600, -3_590), 500, 0), (ago(-3_600, 1), 1, 0.8),
])  # fmt: skip
def test_a_channel_that_was_told_a_lot_is_left_alone_for_a_minute(sent, incidents, wait):
    assert next_message_at(sent, incidents, NOW) == NOW + timedelta(seconds=wait)


@pytest.mark.parametrize("per_minute", [450, 500, 900, 3_000])
def test_so_many_in_a_minute_are_at_most_five_messages(per_minute):
    sent, told, waiting, at = [], [], 0, NOW
    for step in range(1_400):  # tenths of a second
        at = NOW + timedelta(seconds=step / 10)
        waiting += (step + 1) * per_minute // 600 - step * per_minute // 600 if step < 600 else 0
        recent = [t for t in sent if t > at - timedelta(minutes=2)]
        last = max(sent, default=at)
        count = sum(n for t, n in zip(sent, told, strict=True) if t > last - timedelta(minutes=1))
        if waiting and next_message_at(recent, count + waiting, at) <= at:
            sent, told, waiting = [*sent, at], [*told, waiting], 0
    assert waiting == 0 and sum(told) == per_minute
    assert len(sent) <= 5


@given(st.integers(1, 30))
def test_fifty_budgets_never_wait_longer_than_a_few_seconds(messages):
    sent = ago(*[2 * n for n in range(messages)])
    assert next_message_at(sent, 50, NOW) <= NOW + timedelta(seconds=2)


@pytest.mark.parametrize("start,end,at,quiet", [
    (time(22), time(7), "2026-11-18T21:59", False), (time(22), time(7), "2026-11-18T22:00", True),
    (time(22), time(7), "2026-11-19T06:59", True), (time(22), time(7), "2026-11-19T07:00", False),
    (time(12), time(13), "2026-11-18T12:30", True), (time(12), time(13), "2026-11-18T13:00", False),
    (time(2), time(3), "2026-10-25T02:30", True), (time(8), time(8), "2026-11-18T08:00", False),
    (None, None, "2026-11-18T08:00", False),
])  # fmt: skip
def test_quiet_hours_go_by_the_clock_of_their_zone(start, end, at, quiet):
    moment = datetime.fromisoformat(at).replace(tzinfo=BERLIN)
    assert is_quiet(start, end, BERLIN, moment.astimezone(UTC)) is quiet


@given(st.integers(1, 1_000), st.none() | st.floats(-1e9, 1e12), st.floats(0, 1))
def test_a_pause_is_never_negative_nor_longer_than_a_day(attempts, asked, chance):
    wait = pause(attempts, asked, chance)
    assert timedelta(seconds=4) <= wait <= GIVE_UP
    if asked is not None:
        assert wait >= min(timedelta(seconds=min(max(asked, 0), 86_400)), GIVE_UP)


def test_pauses_double_up_to_half_an_hour():
    assert [pause(n, None, 0.5).total_seconds() for n in (1, 2, 3, 9, 20)] == [5, 10, 20, 1_280, 1_800]
