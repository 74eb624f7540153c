"""The web server: the application is loaded once and its worker processes are forked from it.

That saves their memory and the import in each. Where forking is not the way (macOS), each loads its own.
"""

import argparse
import gc
import os
import sys

from django.urls import get_resolver
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels

from costwatch import edge, env
from costwatch.up.bond import die_with_parent
from costwatch.up.cpus import one_each


def serve(host: str, port: int) -> None:
    """Serve until told to stop."""
    processes = env.integer("COSTWATCH_WEB_PROCESSES", 2)
    if sys.platform.startswith("linux"):
        load()
        os.register_at_fork(after_in_child=lambda: die_with_parent(os.getppid()))
        one_each(processes)
    Granian(
        "costwatch.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=processes,
        # these only wait, for bodies and for the threads in which Django runs (edge.py)
        blocking_threads=edge.WAITING_BODIES + 2 * env.integer("COSTWATCH_WEB_THREADS", 8),
        respawn_failed_workers=True,
        respawn_interval=0.1,
        workers_kill_timeout=10,
        log_level=LogLevels.error,
    ).serve()


def load() -> None:
    """The application as a process has it before its first request: every view imported, all of it kept for good.

    What is kept for good is not looked through again for garbage: that first look took 40 ms of one request.
    """
    import costwatch.wsgi  # noqa: F401

    get_resolver().url_patterns  # noqa: B018 - imports every view
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000)  # a batch makes thousands of objects and no cycles; looking for them took 3 % of it


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    arguments = parser.parse_args()
    serve(arguments.host, arguments.port)
