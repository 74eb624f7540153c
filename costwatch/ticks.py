"""Notes each good end of a periodic task in the database: what the scheduler, /readyz and doctor go by."""

from datetime import datetime, timedelta
from typing import Any

from celery import Task
from django.utils import timezone

from costwatch.models import Tick

WRITE_EVERY = timedelta(seconds=2)  # a task that runs each second need not write each second
_last_noted: dict[str, datetime] = {}


class RecordedTask(Task):  # type: ignore[type-arg]
    """The base of all tasks; those of the schedule leave a tick."""

    def on_success(self, retval: Any, task_id: str, args: Any, kwargs: Any) -> None:
        if any(entry["task"] == self.name for entry in self.app.conf.beat_schedule.values()):
            note(self.name, timezone.now())


def note(name: str, now: datetime) -> None:
    """The task came to a good end now."""
    if now - _last_noted.get(name, now - WRITE_EVERY) < WRITE_EVERY:
        return
    Tick.objects.update_or_create(name=name, defaults={"finished_at": now})
    _last_noted[name] = now


def finished() -> dict[str, datetime]:
    """Task name → its last good end."""
    return dict(Tick.objects.values_list("name", "finished_at"))


def newest_age(now: datetime) -> float | None:
    """Seconds since any periodic task last ended well; None if none ever did."""
    newest = max(finished().values(), default=None)
    return None if newest is None else (now - newest).total_seconds()
