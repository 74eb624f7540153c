"""One process of the installation: started in a group of its own, restarted with growing pauses, ended as a whole."""

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from typing import IO

from costwatch.up.bond import die_with_parent

PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
STEADY = 30.0  # seconds alive after which the next death counts as a first one


@dataclass
class Child:
    """What to run and how to end it; `once` marks a step that is not started again."""

    name: str
    command: list[str]
    env: dict[str, str]
    user: str | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 10.0
    once: bool = False
    hush: tuple[str, ...] = ()  # lines with one of these say nothing a person needs
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    deaths: int = 0
    next_start: float | None = None
    unread: bytes = field(default=b"", repr=False)

    def start(self) -> IO[bytes]:
        """Start it and return its output."""
        parent, told = os.getpid(), self.stop_signal
        identity = {"user": self.user, "group": self.user, "extra_groups": []} if self.user else {}
        self.process = subprocess.Popen(  # type: ignore[call-overload]
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self.env,
            cwd="/",
            start_new_session=True,
            preexec_fn=lambda: die_with_parent(parent, told),  # safe: the supervisor has no threads
            **identity,
        )
        self.started, self.next_start, self.unread = time.monotonic(), None, b""
        assert self.process.stdout is not None
        os.set_blocking(self.process.stdout.fileno(), False)
        return self.process.stdout

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        return self.process.pid if self.process else 0

    def tell(self, told: signal.Signals) -> None:
        """Signal the process itself, which passes it on as it sees fit."""
        if self.alive and self.process:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(told)

    def sweep(self) -> None:
        """End whatever is left of its group, such as web workers whose parent was killed."""
        if self.process is None:  # group 0 would be our own
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def plan_restart(self) -> float:
        """After a death: the pause before the next start, in seconds."""
        lived = time.monotonic() - self.started
        self.deaths = 1 if lived >= STEADY else self.deaths + 1
        pause = PAUSES[min(self.deaths, len(PAUSES)) - 1]
        self.next_start = time.monotonic() + pause
        return pause
