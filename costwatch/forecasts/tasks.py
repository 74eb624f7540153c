"""The periodic work on forecasts."""

from celery import shared_task

from costwatch.database import clock
from costwatch.forecasts.issue import issue_due


@shared_task(name="forecasts.issue", ignore_result=True)
def issue() -> None:
    """Every ten minutes: a workspace whose local day began gets its forecast of the month."""
    issue_due(clock.now())
