"""The demo goes on living: the calls of its story, each stored when its time has come. A few a minute, fewer at night.

After a pause (the installation was stopped) it catches up. It ends when one of its API keys is revoked.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.db import InterfaceError, OperationalError, close_old_connections

from costwatch.accounts.models import ApiKey
from costwatch.demo import company
from costwatch.demo.fill import Demo, existing, key_ids, store
from costwatch.demo.generate import between
from costwatch.ledger.store import StorageUnavailable
from costwatch.spend import queries
from costwatch.spend.filters import SpendFilter

EVERY = 3.0  # seconds
LONGEST_STEP = timedelta(hours=6)  # of time to catch up on at once


def run(stopped: Callable[[], bool], pause: float = EVERY) -> None:
    """Send until stopped() says so. Where there is no demo to go on with, only wait for that."""
    demo, since = existing(), None
    while not stopped():
        try:
            if demo is not None and not _revoked(demo):
                now = datetime.now(UTC)
                since = step(demo, since or last_sent(demo, now), now)
                if since < now:
                    continue
        except (StorageUnavailable, OperationalError, InterfaceError):
            close_old_connections()  # the next step sends what this one could not
        time.sleep(pause)


def step(demo: Demo, since: datetime, now: datetime) -> datetime:
    """Store what was due from `since` on, at most up to `now`; up to where that is done. Raises StorageUnavailable."""
    until = min(now, since + LONGEST_STEP)
    if events := between(demo.story, since, until):
        store(demo.workspace, events, now)
    return until


def last_sent(demo: Demo, now: datetime) -> datetime:
    """The time of the newest call that the demo has stored."""
    sent = SpendFilter(demo.story.end, max(now, demo.story.end) + timedelta(minutes=5), {"key": company.KEYS})
    newest = queries.events(demo.workspace, sent, limit=1).items
    return newest[0]["timestamp"] if newest else demo.story.end


def _revoked(demo: Demo) -> bool:
    return ApiKey.objects.filter(id__in=key_ids(demo.workspace)).exclude(revoked_at=None).exists()
