"""Several callers at the same moment, each with a database connection of its own."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from django.db import connection


def at_once(work: Sequence[Callable[[], object]]) -> list[object]:
    """Run all in threads of their own, started together; the answers in order. What one raises is raised here."""
    start = Barrier(len(work))

    def one(job: Callable[[], object]) -> object:
        start.wait()
        try:
            return job()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(work)) as pool:
        return [future.result() for future in [pool.submit(one, job) for job in work]]
