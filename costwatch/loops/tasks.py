"""The detector's periodic work."""

from celery import shared_task

from costwatch.database import clock
from costwatch.loops import memory, neighbours, watch


@shared_task(name="loops.neighbours", ignore_result=True)
def look_around() -> None:
    """Every half a minute: circles across the runs of a session, and tasks that are started and fail again."""
    neighbours.look(clock.now())


@shared_task(name="loops.weeks", ignore_result=True)
def look_at_weeks() -> None:
    """Once a day: tasks whose runs get longer."""
    neighbours.look_at_weeks(clock.now())


@shared_task(name="loops.settle", ignore_result=True)
def settle() -> None:
    """Every five minutes: incidents of runs that are over are resolved, and old runs forgotten."""
    now = clock.now()
    watch.settle(now)
    memory.forget(now)
