"""Periodic work on incidents and on what is sent about them."""

from celery import shared_task

from costwatch.alerts import channels, incidents, stops
from costwatch.alerts import deliver as sending
from costwatch.alerts import remind as reminding
from costwatch.database import clock

KEEP_LOOKING = 8.0  # seconds: a queue of other tasks delays no message


@shared_task(name="alerts.wake", ignore_result=True)
def wake() -> None:
    """Every minute: a snooze that is over ends; old stops are forgotten."""
    now = clock.now()
    incidents.wake(now)
    stops.prune(now)


@shared_task(name="alerts.deliver", ignore_result=True)
def deliver() -> None:
    """Every two seconds: what is to be sent goes to threads; the task itself waits for none of them."""
    sending.senders.ring_for(KEEP_LOOKING)


@shared_task(name="alerts.remind", ignore_result=True)
def remind() -> None:
    """Every ten seconds: what nobody acknowledged is told again, or to a second channel."""
    reminding.remind(clock.now())


@shared_task(name="alerts.tidy", ignore_result=True)
def tidy() -> None:
    """Every hour: old messages are forgotten, configurations sealed with an old secret key are sealed anew."""
    reminding.forget()
    channels.seal_anew()
