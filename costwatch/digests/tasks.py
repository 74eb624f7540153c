"""The periodic work of digests."""

from celery import shared_task

from costwatch.database import clock
from costwatch.digests import send


@shared_task(name="digests.send", ignore_result=True)
def send_due() -> None:
    """Every minute: what is due is handed to the outbox, once."""
    send.send_due(clock.now())
