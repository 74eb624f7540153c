"""The periodic work of the anomalies' detectors."""

from celery import shared_task

from costwatch.anomalies import watch
from costwatch.database import clock


@shared_task(name="anomalies.watch", ignore_result=True)
def look() -> None:
    """Every minute: what is unlike the past becomes an incident, what is over ends."""
    watch.watch_all(clock.now())
