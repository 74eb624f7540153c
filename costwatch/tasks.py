"""The periodic look at what was committed: it is folded once, and all that watches the feed judges it."""

from datetime import timedelta

from celery import shared_task
from django.db.models.functions import Now

from costwatch.budgets import watch as budgets
from costwatch.database import clock
from costwatch.ledger import feed
from costwatch.ledger.fold import fold_all
from costwatch.loops import watch as loops
from costwatch.models import Tick

NAME = "costwatch.watch"
SOME_SECONDS = 5.0
A_MINUTE = timedelta(minutes=1)


def behind() -> float:
    """How far folding and judging are behind: seconds since the oldest batch was received that budgets and loops have
    not seen yet, 0 without one."""
    return feed.behind((budgets.READER, loops.READER))


def is_at_work() -> bool:
    """Whether anybody folds and judges: a look has ended well within the last minute."""
    return Tick.objects.filter(name=NAME, finished_at__gt=Now() - A_MINUTE).exists()


@shared_task(name=NAME, ignore_result=True)
def look() -> None:
    """Twice a second. While one look is busy with a backlog the next one does the other work: each reader of the feed
    is at work once, and one that fails does not keep the other from its turn. Where events come in without a pause
    there is always something to fold: a look that went on with it would judge nothing."""
    fold_all(SOME_SECONDS)
    now = clock.now()
    try:
        budgets.watch_all(now, SOME_SECONDS)
    finally:
        loops.watch_all(now, SOME_SECONDS)
