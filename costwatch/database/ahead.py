"""What a process keeps in memory is read again before it is too old, in a thread beside the requests: while they come
often enough, none of them waits for the database.
"""

import logging
from collections.abc import Callable, Hashable
from threading import Condition, Thread

from django.db import Error, close_old_connections, connection

IDLE = 2.0  # seconds without work after which the thread ends and its connection is closed

log = logging.getLogger(__name__)


class Ahead:
    """One thread, started by the first work after a fork or a pause."""

    def __init__(self) -> None:
        self._waiting: dict[Hashable, Callable[[], object]] = {}
        self._changed = Condition()
        self._thread: Thread | None = None

    def read(self, name: Hashable, work: Callable[[], object]) -> None:
        """Have `work` done soon; asked for again under the same name before that, it is done once.

        In a transaction nothing is done: what it wrote cannot be seen from outside of it.
        """
        if name in self._waiting or connection.in_atomic_block:
            return
        with self._changed:
            self._waiting[name] = work
            self._changed.notify()
            if self._thread is None:
                self._thread = Thread(target=self._work, name="ahead", daemon=True)
                self._thread.start()

    def halt(self) -> None:
        """End the thread when it has done what waits (in tests)."""
        with self._changed:
            thread, self._thread = self._thread, None
            self._changed.notify()
        if thread is not None:
            thread.join()

    def _work(self) -> None:
        while (name := self._next()) is not None:
            try:
                close_old_connections()
                self._waiting[name]()
            except Error as trouble:  # whoever needs it next asks by itself, and is told
                log.info("reading ahead failed: %s", str(trouble).strip())
                connection.close()
            except Exception:
                log.exception("reading ahead failed")
            finally:  # only now: what is asked for while it is done is done
                self._waiting.pop(name, None)
        connection.close()

    def _next(self) -> Hashable | None:
        """What is to be read next; None if there is nothing for a while, or it is over."""
        with self._changed:
            if not self._waiting and self._thread is not None:
                self._changed.wait(IDLE)
            if not self._waiting:
                self._thread = None
                return None
            return next(iter(self._waiting))


ahead = Ahead()
