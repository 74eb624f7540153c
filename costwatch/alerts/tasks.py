"""Periodic work on incidents."""

from datetime import UTC, datetime

from celery import shared_task

from costwatch.alerts import incidents, stops


@shared_task(name="alerts.wake", ignore_result=True)
def wake() -> None:
    """Every minute: a snooze that is over ends; old stops are forgotten."""
    now = datetime.now(UTC)
    incidents.wake(now)
    stops.prune(now)
