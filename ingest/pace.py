"""Requests with many events wait a moment at the door while folding and judging are behind, so that these catch up.

Two senders without a pause leave them less of two CPUs than they need, and what waited for them grew by a tenth of a
second and more each second: totals stayed true, but pages, budgets and loops came later and later.
"""

import time
from collections.abc import Callable
from threading import Lock

from costwatch.tasks import behind, is_at_work

PATH = "/api/v1/events"
MANY = 4_096  # bytes of a body: single events are smaller, and never wait
SOON = 3.0  # seconds; one or two are usual
LOOK_EVERY = 0.5  # seconds
FORGOTTEN = 2.0  # seconds after a look it says nothing any more
REST = 4.0  # of a request's own CPU, twice SOON behind: PostgreSQL takes as much, and half of all is for the others
MOST_LATE = 4.0  # the rest grows no further from five times SOON on
PATIENCE = 1.0  # seconds until a turn; who would wait longer is told to come again
MOST_WAITING = 24  # of a process's threads, which the health check needs too


class Pace:
    """The times at which one web process lets requests with many events in.

    At once, unless what comes after it is behind. Then each a rest after the one before: the longer, the more bytes
    that one had, the more CPU a byte has taken lately, and the further it is behind. So ingest slows down until all
    keep up. Nobody holds a lock while waiting or working.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._lock = Lock()
        self._looked = self._free_at = float("-inf")
        self._late = self._per_byte = 0.0
        self._waiting = 0

    def enter(self, path: str, size: int) -> bool:
        """Wait for the turn of a request with a body of `size` bytes; False if that would take too long."""
        if path != PATH or size < MANY:
            return True
        with self._lock:
            now = self._clock()
            late = self._late if now - self._looked < FORGOTTEN else 0.0
            wait = max(0.0, self._free_at - now) if late else 0.0
            if wait > PATIENCE or (wait and self._waiting >= MOST_WAITING):
                return False
            # no longer than the patience, or a lone sender of large requests would be refused
            self._free_at = now + wait + min(PATIENCE, size * self._per_byte * REST * late)
            self._waiting += bool(wait)
        if wait:
            try:
                self._sleep(wait)
            finally:
                with self._lock:
                    self._waiting -= 1
        return True

    def look(self) -> None:
        """See how far it is behind, if that is not known. Raises what the database raises: look before storing."""
        if self._clock() - self._looked >= LOOK_EVERY:
            self._looked = self._clock()
            late = min(MOST_LATE, max(0.0, behind() / SOON - 1))
            self._late = late if late and is_at_work() else 0.0  # to wait for nobody would help nobody

    def worked(self, size: int, cpu: float) -> None:
        """A request of `size` bytes has taken so many seconds of CPU."""
        self._per_byte += (cpu / size - self._per_byte) / 8  # of those stored together one works for all


pace = Pace()
