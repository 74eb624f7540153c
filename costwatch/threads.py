"""The threads that requests run in, and the turns in which they get them."""

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any


class Workers:
    """At most so many threads, of which the one that was done last goes first.

    Its memory is warm, and so is that of its database connection: taking turns, all of them were cold.
    """

    def __init__(self, most: int) -> None:
        self._room = threading.BoundedSemaphore(most)
        self._idle: list[ThreadPoolExecutor] = []

    def run(self, job: Callable[..., Any], *given: Any) -> Any:
        """What `job` returns, from a thread of ours; waits for one to be idle."""
        with self._room:
            try:
                one = self._idle.pop()
            except IndexError:
                one = ThreadPoolExecutor(1, thread_name_prefix="request")
            try:
                return one.submit(job, *given).result()
            finally:
                self._idle.append(one)


class Turns:
    """So many places, given to those who wait in the order in which they came.

    A semaphore gives a place to whoever asks when it becomes free, and that is a thread that runs, not one that sleeps:
    of 40 busy connections 7 were served and 33 never.
    """

    def __init__(self, count: int) -> None:
        self._lock = threading.Lock()
        self._free = count
        self._waiting: deque[threading.Lock] = deque()

    def take(self, seconds: float) -> bool:
        """Whether there was a place, or came to be one in so many seconds."""
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            if seconds <= 0:
                return False
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        if turn.acquire(timeout=seconds):
            return True
        with self._lock:
            if turn in self._waiting:
                self._waiting.remove(turn)
                return False
        return True  # it came at the last moment

    def give_back(self) -> None:
        """Who has waited longest gets the place."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1


class Places:
    """The threads that requests may occupy at once, all but `KEPT` of them with what may take long."""

    KEPT = 2  # for what takes milliseconds: a dozen people who look at months must not keep an agent's calls out

    def __init__(self, count: int, patience: float) -> None:
        self._all, self._long = Turns(count), Turns(max(1, count - self.KEPT))
        self._patience = patience
        self._moved = time.monotonic()

    def take(self, is_quick: bool = False) -> Callable[[], None] | None:
        """How to give the place back; None where there was none in time. Nobody waits where all are occupied and none
        gets free."""
        now = time.monotonic()
        until = now + (0 if now - self._moved > 2 * self._patience else self._patience)
        if is_quick:
            return self._end if self._has(until) else None
        if not self._long.take(until - now):
            return None
        if self._has(until):
            return self._end_long
        self._long.give_back()
        return None

    def _has(self, until: float) -> bool:
        has = self._all.take(until - time.monotonic())
        if has:
            self._moved = time.monotonic()
        return has

    def _end(self) -> None:
        self._moved = time.monotonic()
        self._all.give_back()

    def _end_long(self) -> None:
        self._end()
        self._long.give_back()
