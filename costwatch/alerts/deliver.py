"""Messages on their way: each channel's in a thread of its own, so that a slow one delays no other.

`ring` looks what there is and returns at once; the threads claim, send, record, and go on while their channel has more.
The task is a doorbell: for some seconds after it this process looks by itself, whatever else stands in the queue.
"""

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Lock, Thread

from django.db import DatabaseError, InterfaceError, close_old_connections, connection, transaction

from costwatch.alerts import channels, queue, trouble
from costwatch.alerts.models import Channel
from costwatch.alerts.queue import Job, Outcome
from costwatch.alerts.transports import transport
from costwatch.alerts.transports.parts import Receipt, Undeliverable
from costwatch.lib.sealed import Unreadable

log = logging.getLogger("costwatch.deliver")
THREADS = 24
PULSE = 0.25  # seconds
FOR_FAILING = 8  # of them: channels that fail do not take the place of those that work
MOST_IN_A_ROW = 50


class Senders:
    """The threads of this process."""

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None
        self._lock = Lock()
        self._busy: dict[int, bool] = {}  # channel id → whether it is a failing one
        self._pulse: Thread | None = None
        self._until = 0.0

    def ring_for(self, seconds: float) -> None:
        """Ring with each PULSE for so long from now on, in a thread of its own."""
        with self._lock:
            self._until = time.monotonic() + seconds
            if self._pulse is None:
                self._pulse = Thread(target=self._beat, name="deliver-pulse", daemon=True)
                self._pulse.start()

    def ring(self) -> int:
        """Give every channel with something to send to a free thread; how many were given."""
        given = 0
        for channel_id, failing in queue.channels_with_work():
            given += self._give(channel_id, failing)
        return given

    def halt(self) -> None:
        """Look no more, and wait for the thread that looks."""
        self._until = 0.0
        if (pulse := self._pulse) is not None:
            pulse.join()

    def _beat(self) -> None:
        while True:
            try:
                close_old_connections()
                self.ring()
            except Exception as error:  # it must go on: nobody starts it again while it seems to run
                _say(error, "looking for messages")
                connection.close()
            time.sleep(PULSE)
            with self._lock:
                if time.monotonic() >= self._until:
                    self._pulse = None
                    break
        connection.close()

    def _give(self, channel_id: int, failing: bool) -> bool:
        with self._lock:
            free = len(self._busy) < THREADS and (not failing or sum(self._busy.values()) < FOR_FAILING)
            if channel_id in self._busy or not free:
                return False
            self._busy[channel_id] = failing
            if self._pool is None:
                self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="deliver")
            self._pool.submit(self._work, channel_id)
        return True

    def _work(self, channel_id: int) -> None:
        try:
            close_old_connections()
            for _ in range(MOST_IN_A_ROW):
                if not send_next(channel_id):
                    break
        except Exception as error:
            _say(error, f"delivering over channel {channel_id}")
        finally:
            connection.close()
            with self._lock:
                self._busy.pop(channel_id, None)


senders = Senders()


def send_next(channel_id: int) -> bool:
    """Send the channel's next message, in this thread; False where there is none, or it was not taken."""
    job = queue.claim(channel_id)
    if job is None:
        return False
    began = time.monotonic()
    result = attempt(job)
    outcome = written(job, result, time.monotonic() - began)
    return outcome.sent or outcome.failed


def written(job: Job, result: Receipt | Undeliverable, latency: float) -> Outcome:
    """Record an attempt and do what follows from it, all or nothing: what is given up here goes another way."""
    with transaction.atomic():
        outcome = queue.record(job, result, latency)
        trouble.follow(outcome)
    return outcome


def send_all() -> int:
    """Send all that can be sent now, one after the other, in this thread; how many attempts."""
    attempts = 0
    for channel_id, _ in queue.channels_with_work():
        while send_next(channel_id):
            attempts += 1
    return attempts


def attempt(job: Job) -> Receipt | Undeliverable:
    """Hand the message to the transport; whatever happens is an answer."""
    try:
        return transport(job.channel.kind).send(job.message, channels.config_of(job.channel))
    except Undeliverable as problem:
        return problem
    except Unreadable as problem:
        return Undeliverable(f"{problem} Enter the channel's secrets again.", dead=True)
    except Exception as error:
        log.exception("the transport %s failed", job.channel.kind)
        return Undeliverable(f"costwatch could not send it: {type(error).__name__}", rejected=True)


def _say(error: Exception, what: str) -> None:
    if isinstance(error, DatabaseError | InterfaceError):
        log.warning("the database does not answer, messages wait: %s", str(error).strip())
    else:
        log.error("%s failed", what, exc_info=error)


def test(channel: Channel) -> Receipt | Undeliverable:
    """Send a test message now and keep what was answered in the delivery log."""
    job = queue.test_job(channel)
    began = time.monotonic()
    result = attempt(job)
    queue.record(job, result, time.monotonic() - began)
    return result
