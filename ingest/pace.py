"""Large requests make way for folding: none is refused for it, each waits its turn while folding is behind.

Two senders without a pause leave folding 3 % less of two CPUs than it needs, and what waited for it grew by a tenth of
a second each second: totals stayed true, but pages, budgets and loops came later and later.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import Lock

from costwatch.ledger.fold import behind

SOON = 3.0  # seconds until folding counts as behind; a healthy one takes a second or two
LOOK_EVERY = 0.5  # seconds
PATIENCE = 5.0  # seconds until one that waits for its turn is told to come again
LONGEST_REST = 1.0  # seconds; what takes longer waits for the database, not for a CPU


class Pace:
    """The way of large requests through one web process: free, or one by one, with a rest after each.

    The rest grows with what waits, up to the time that the work took: from twice SOON on this process uses half of a
    CPU at most, however many senders there are, and folding has the other half of each. That bounds what waits.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._gate = Lock()
        self._looked = -LOOK_EVERY
        self._behind = 0.0

    def look(self, now: datetime) -> None:
        """See how far folding is behind, if that is not known. Raises what the database raises: look before storing."""
        if self._clock() - self._looked >= LOOK_EVERY:
            self._looked = self._clock()
            self._behind = behind(now)

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """For the work on one request. False: its turn did not come in time, it is to be sent again later."""
        share = min(1.0, self._behind / SOON - 1)
        if share <= 0:
            yield True
        elif not self._gate.acquire(timeout=PATIENCE):
            yield False
        else:
            began = self._clock()
            try:
                yield True
            finally:
                self._sleep(min(LONGEST_REST, share * (self._clock() - began)))
                self._gate.release()


pace = Pace()
