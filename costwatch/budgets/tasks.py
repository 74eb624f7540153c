"""The periodic work on budgets."""

from celery import shared_task

from costwatch.budgets import ahead
from costwatch.budgets import turn as turning
from costwatch.database import clock

FORECAST_SECONDS = 20.0


@shared_task(name="budgets.turn", ignore_result=True)
def turn() -> None:
    """Every minute: periods that are over, and the figures of those that are not."""
    now = clock.now()
    turning.turn(now)
    turning.follow(now)
    turning.forget(now)


@shared_task(name="budgets.forecast", ignore_result=True)
def forecast() -> None:
    """Every minute: forecasts that are due, and thresholds on them."""
    ahead.look(clock.now(), FORECAST_SECONDS)
