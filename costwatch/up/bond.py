"""Ties a process to its parent: it is told to stop when the parent dies, even by kill -9."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int, told: signal.Signals = signal.SIGTERM) -> None:
    """Have the kernel send that signal when the parent ends. Linux only; elsewhere a start clears what is left over."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(told))
    if os.getppid() != parent:  # it died before we asked
        os.kill(os.getpid(), told)
