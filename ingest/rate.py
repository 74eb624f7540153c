"""How many requests a key may make: a token bucket per key in each process, which has its share of the limit. Pure.

Kept in memory on purpose: a counter in the database would cost more than the requests it guards against.
"""

from math import ceil
from typing import NamedTuple

BUCKETS = 10_000
BURST_SECONDS = 2  # a sender that was quiet may catch up so many seconds' worth at once


class Allowance(NamedTuple):
    """What is left to a key. `wait`: whole seconds until one more request is allowed, 0 = this one is."""

    limit: int
    remaining: int
    wait: int

    @property
    def headers(self) -> dict[str, str]:
        return {"RateLimit-Limit": str(self.limit), "RateLimit-Remaining": str(self.remaining),
                "RateLimit-Reset": str(max(self.wait, 1))}  # fmt: skip


class Buckets:
    """Requests per second and key; `limit` is for all `processes` together."""

    def __init__(self, limit: float, processes: int = 1) -> None:
        self.limit = limit
        self.rate = limit / processes
        self.most = max(1.0, self.rate * BURST_SECONDS)
        self._left: dict[int, tuple[float, float]] = {}

    def take(self, key: int, now: float) -> Allowance:
        """Count one request of `key` at `now` (monotonic seconds)."""
        left, since = self._left.get(key, (self.most, now))
        left = min(self.most, left + (now - since) * self.rate)
        wait = 0 if left >= 1 else ceil((1 - left) / self.rate)
        if not wait:
            left -= 1
        if len(self._left) >= BUCKETS and key not in self._left:
            self._left.clear()
        self._left[key] = left, now
        return Allowance(int(self.limit), int(left), wait)
