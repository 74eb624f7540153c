"""Keeps the processes of an installation running and their lines in one log. One thread, no polling of children."""

import os
import selectors
import signal
import time
from collections.abc import Callable, Iterable
from typing import IO

from costwatch.trouble import Trouble
from costwatch.up.child import Child
from costwatch.up.log import Log

OWN = "costwatch"
LONGEST_LINE = 64 * 1024


class StopRequested(Exception):
    """SIGTERM or SIGINT arrived."""


class Supervisor:
    """Starts children, reads them, starts dead ones again, and stops all in reverse order."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.children: list[Child] = []
        self._selector = selectors.DefaultSelector()
        self._stop_requested = False
        self._stopping = False
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for wanted in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(wanted) != signal.SIG_IGN:  # nohup
                signal.signal(wanted, self._request_stop)

    def say(self, line: str) -> None:
        """A line of the supervisor's own."""
        self.log.say(OWN, line)

    def start(self, child: Child) -> Child:
        """Add the child and start it."""
        self.children.append(child)
        self._launch(child)
        return child

    def run_once(self, child: Child) -> int:
        """Run a step to its end while the rest goes on; its exit status."""
        self.start(child)
        return self.wait(child)

    def wait(self, child: Child) -> int:
        """Wait for a step that was started; its exit status."""
        while child.alive:
            self.pump(1.0)
        self.children = [other for other in self.children if other is not child]
        return child.process.returncode if child.process else 1

    def wait_for(self, ready: Callable[[], bool], child: Child, seconds: float) -> bool:
        """Whether ready() came true before the time was over and before the child died three times."""
        deadline = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > deadline or child.deaths >= 3 or (child.once and not child.alive):
                return False
            self.pump(0.02)
        return True

    def pump(self, seconds: float) -> None:
        """Pass output on, notice deaths, start what is due. Raises StopRequested."""
        if self._stop_requested and not self._stopping:
            raise StopRequested
        for key, _ in self._selector.select(self._until_next_start(seconds)):
            if key.fd == self._wake_read:
                os.read(self._wake_read, 4096)
            else:
                self._read(key.data, key.fileobj)  # type: ignore[arg-type]
        for child in list(self.children):
            self._look_after(child)

    def run(self) -> None:
        """Until StopRequested."""
        while True:
            self.pump(1.0)  # not for ever: a SIGCHLD can be lost

    def stop(self) -> None:
        """Stop everything, last started first, each in its own time and then by force."""
        self._stopping = True
        for child in reversed(self.children):
            child.next_start = None
        for group in self._stop_order():
            self._stop_together(group)
        self._drain()

    def _stop_order(self) -> Iterable[list[Child]]:
        """Those that use the database and broker together, then the servers, in reverse order of their start."""
        yield [child for child in self.children if not child.name.startswith(("postgres", "broker"))]
        yield [child for child in self.children if child.name == "broker"]
        yield [child for child in self.children if child.name == "postgres"]

    def _stop_together(self, group: list[Child]) -> None:
        for child in group:
            child.tell(child.stop_signal)
        deadline = time.monotonic() + max((child.grace for child in group), default=0)
        while any(child.alive for child in group) and time.monotonic() < deadline:
            self.pump(0.1)
        for child in group:
            if child.alive:
                self.say(f"{child.name} does not stop in {child.grace:.0f} s: ended by force")
            child.sweep()
            if child.process:
                child.process.wait()

    def _launch(self, child: Child) -> None:
        try:
            output = child.start()
        except OSError as error:
            raise Trouble(f"{child.name} cannot be started: {error}.") from None
        self._selector.register(output, selectors.EVENT_READ, child)

    def _look_after(self, child: Child) -> None:
        if child.next_start is not None and time.monotonic() >= child.next_start and not self._stopping:
            self._launch(child)
        elif child.process and child.next_start is None and not child.alive and not self._stopping:
            self._after_death(child)

    def _after_death(self, child: Child) -> None:
        child.sweep()
        if child.once:
            return
        status = child.process.returncode if child.process else 0
        how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        pause = child.plan_restart()
        self.say(f"{child.name} (process {child.pid}) {how}; started again in {pause:g} s")

    def _until_next_start(self, seconds: float) -> float:
        due = [child.next_start - time.monotonic() for child in self.children if child.next_start is not None]
        return max(0.0, min([seconds, *due]))

    def _read(self, child: Child, output: IO[bytes]) -> None:
        data = output.read(65536)
        if data == b"":
            self._selector.unregister(output)
            output.close()
            data = b"\n" if child.unread else b""
        *lines, child.unread = (child.unread + (data or b"")).split(b"\n")
        if len(child.unread) > LONGEST_LINE:
            lines, child.unread = [*lines, child.unread], b""
        for line in lines:
            text = line.decode(errors="replace").rstrip()
            if text and not any(words in text for words in child.hush):
                self.log.say(child.name, text)

    def _drain(self) -> None:
        """The last words of what has stopped."""
        for key in list(self._selector.get_map().values()):
            if key.fd != self._wake_read:
                self._read(key.data, key.fileobj)  # type: ignore[arg-type]

    def _request_stop(self, number: int, _frame: object) -> None:
        if self._stop_requested and not self._stopping:
            return
        self._stop_requested = True
