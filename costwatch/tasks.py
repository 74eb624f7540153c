"""The periodic look at what was committed: it is folded once, and all that watches the feed judges it."""

from celery import shared_task

from costwatch.budgets import watch as budgets
from costwatch.database import clock
from costwatch.ledger import feed
from costwatch.ledger.fold import fold_all
from costwatch.loops import watch as loops

SOME_SECONDS = 5.0


def behind() -> float:
    """How far folding and judging are behind: seconds since the oldest batch was received that budgets and loops have
    not seen yet, 0 without one."""
    return feed.behind((budgets.READER, loops.READER))


@shared_task(name="costwatch.watch", ignore_result=True)
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
