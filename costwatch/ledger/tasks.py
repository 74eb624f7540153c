"""The ledger's periodic work. Each task does what the tables say: safe to run twice, at once, and never."""

from celery import shared_task

from costwatch.database import clock
from costwatch.ledger import feed, orders, partitions, sheets

SOME_SECONDS = 5.0
SOME_DAYS = 100


@shared_task(name="ledger.partitions", ignore_result=True)
def make_partitions() -> None:
    """Every hour: the coming days have partitions before their first event; what all have read of the feed goes."""
    partitions.make_ahead(clock.now())
    feed.prune()


@shared_task(name="ledger.reprice", ignore_result=True)
def reprice() -> None:
    """Every two seconds: go on with what somebody wants repriced, for some seconds."""
    orders.work(SOME_SECONDS)


@shared_task(name="ledger.sheets", ignore_result=True)
def make_sheets() -> None:
    """Every two minutes: days that are over, or that something was added to, have their rows as columns too."""
    sheets.make(SOME_DAYS)
