"""`python -m costwatch.demo`: fill an empty installation, then keep a small live stream running until told to stop."""

import os
import signal
import sys
import threading

import django


def main() -> None:
    """What `costwatch up --demo` runs as a process of its own."""
    django.setup()
    from costwatch.demo import fill, stream

    over = threading.Event()
    for wanted in (signal.SIGTERM, signal.SIGINT):
        signal.signal(wanted, lambda *_: over.set())
    if fill.fill_if_empty(stopped=over.is_set) and not over.is_set():
        # begin again with the memory of a process that has not just stored a quarter of a million calls
        os.execv(sys.executable, [sys.executable, "-m", "costwatch.demo"])  # noqa: S606
    stream.run(over.is_set)


if __name__ == "__main__":
    main()
