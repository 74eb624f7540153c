"""Processes that stand still for a while, as on a machine whose disk or hypervisor hangs."""

import contextlib
from collections.abc import Iterator

import psutil


@contextlib.contextmanager
def frozen(parent: psutil.Process) -> Iterator[None]:
    """A process and all it started stand still inside, and go on after it, whatever happens.

    The parent first, so that none of its children is born after the look; one that has ended by itself is left out.
    """
    stopped = []
    try:
        for find in (lambda: [parent], lambda: parent.children(recursive=True)):
            for process in find():
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.suspend()
                    stopped.append(process)
        yield
    finally:
        for process in stopped:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()
