"""Periodic work on incidents."""

from datetime import UTC, datetime

from celery import shared_task

from costwatch.alerts import incidents


@shared_task(name="alerts.wake", ignore_result=True)
def wake() -> None:
    """Every minute: a snooze that is over ends."""
    incidents.wake(datetime.now(UTC))
