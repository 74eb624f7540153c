"""Celery beat that needs no broker: what cannot be published, or was published and not done, it runs itself.

The broker only wakes a worker. With the broker dead, or the worker, every task still runs within 10 s of its time. It
runs in a thread of its own: one that takes long must hold up neither the others nor what is published meanwhile.
"""

import logging
import time
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any

from celery import beat
from django.conf import settings
from django.db import close_old_connections, connections

from costwatch import ticks
from costwatch.database import clock

log = logging.getLogger("costwatch.scheduler")
PATIENCE = timedelta(seconds=6)  # after a task's own interval: then it is overdue
LOOK_EVERY = 2.0  # seconds between looks at what was done
BROKER_PAUSE = 5.0  # seconds without a try after the broker failed


class Scheduler(beat.Scheduler):
    """The schedule in memory; what was done is read from the database."""

    max_interval = 1
    producer = None  # a producer is taken from the pool at each publishing, so that no start waits for a broker

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._broker_silent_until = 0.0
        self._next_look = 0.0
        self._here: set[str] = set()
        super().__init__(*args, **kwargs)

    def setup_schedule(self) -> None:
        """The schedule goes by a clock that never jumps: set back by an hour, beat would do nothing for an hour."""
        super().setup_schedule()
        began, start = datetime.now(UTC), time.monotonic()
        for entry in self.schedule.values():
            entry.schedule.nowfun = lambda: began + timedelta(seconds=time.monotonic() - start)

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        """Publish the due task, or run it here and now."""
        if settings.BROKER_URL and time.monotonic() >= self._broker_silent_until:
            try:
                self.apply_async(entry, advance=False)
                return
            except beat.SchedulingError as error:
                log.warning("the broker does not answer, periodic work is done here: %s", error)
                self._broker_silent_until = time.monotonic() + BROKER_PAUSE
        self._run_here(entry.task)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """One step of beat, then a look at what is overdue."""
        pause = super().tick(*args, **kwargs)
        if time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + LOOK_EVERY
            self._run_overdue()
        return float(min(pause, 1.0))

    def _run_overdue(self) -> None:
        close_old_connections()
        try:
            done, now = ticks.finished(), clock.now()
        except Exception as error:
            log.warning("the database does not answer: %s", str(error).strip())
            return
        for entry in self.schedule.values():
            last = done.get(entry.task)
            if last is None or now - last > entry.schedule.run_every + PATIENCE:
                self._run_here(entry.task)

    def _run_here(self, name: str) -> None:
        if name not in self._here:
            self._here.add(name)
            Thread(target=self._run, args=(name,), name=name, daemon=True).start()

    def _run(self, name: str) -> None:
        try:
            self.app.tasks[name].apply(throw=True)
        except Exception as error:
            log.warning("%s failed: %s", name, str(error).strip())
        finally:
            connections.close_all()
            self._here.discard(name)
