"""The periodic work on budgets."""

from datetime import UTC, datetime

from celery import shared_task

from costwatch.budgets import ahead, watch
from costwatch.budgets import turn as turning
from costwatch.ledger.fold import fold_all

SOME_SECONDS = 5.0
FORECAST_SECONDS = 20.0


@shared_task(name="budgets.watch", ignore_result=True)
def look() -> None:
    """Twice a second: fold, so that nothing waits for the next fold, and judge what was folded."""
    fold_all()
    watch.watch_all(datetime.now(UTC), SOME_SECONDS)


@shared_task(name="budgets.turn", ignore_result=True)
def turn() -> None:
    """Every minute: periods that are over, and the figures of those that are not."""
    now = datetime.now(UTC)
    turning.turn(now)
    turning.follow(now)
    turning.forget(now)


@shared_task(name="budgets.forecast", ignore_result=True)
def forecast() -> None:
    """Every minute: forecasts that are due, and thresholds on them."""
    ahead.look(datetime.now(UTC), FORECAST_SECONDS)
