"""When a message goes: grouped, not in quiet hours, again after a failure. Pure."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta, tzinfo

MINUTE = timedelta(minutes=1)
GAP = timedelta(seconds=1.8)
MANY_MESSAGES, MANY_INCIDENTS = 4, 51  # in a minute; 500 incidents in one are then told in at most five messages
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 1_800.0  # seconds
JITTER = 0.2
GIVE_UP = timedelta(hours=24)


def next_message_at(sent: Sequence[datetime], incidents: int, now: datetime) -> datetime:
    """When the next message may be made; `sent`: when the last ones were; `incidents`: how many different ones were
    told within the minute before the last of them, or wait.

    The first goes at once. What follows is collected for GAP; a channel that was told of a lot in a minute is left
    alone for another. What was sent later than now was sent before the clock was set back, and holds up nothing.
    """
    sent = [at for at in sent if at <= now]
    if not sent:
        return now
    last = max(sent)
    many = sum(last - MINUTE < at for at in sent) >= MANY_MESSAGES and incidents >= MANY_INCIDENTS
    return last + (MINUTE if many else GAP)


def is_quiet(start: time | None, end: time | None, zone: tzinfo, now: datetime) -> bool:
    """Whether it is within [start, end) by the clock of the zone; 22:00 to 07:00 goes over midnight."""
    if start is None or end is None or start == end:
        return False
    clock = now.astimezone(zone).time()
    return start <= clock < end if start < end else clock >= start or clock < end


def pause(attempts: int, retry_after: float | None, chance: float) -> timedelta:
    """How long to wait after so many attempts; `chance` is a random number from 0 to 1. What the other side asked for
    is honoured, at most for a day."""
    usual = min(FIRST_PAUSE * 2 ** min(max(attempts - 1, 0), 20), LONGEST_PAUSE)
    spread = usual * (1 + JITTER * (2 * chance - 1))
    asked = min(max(retry_after or 0.0, 0.0), GIVE_UP.total_seconds())
    return timedelta(seconds=max(spread, asked))
