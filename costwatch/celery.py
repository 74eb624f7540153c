"""The Celery application: a doorbell. What there is to do stands in PostgreSQL; tasks may run twice, or never."""

import os
from typing import Any

from celery import Celery, Task

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "costwatch.settings")
# tasks may be long; a server that is silent for minutes is gone all the same
os.environ.setdefault("COSTWATCH_DATABASE_TIMEOUT", "300")


class RecordedTask(Task):  # type: ignore[type-arg]
    """The base of all tasks; those of the schedule leave a tick in the database when they end well."""

    def on_success(self, retval: Any, task_id: str, args: Any, kwargs: Any) -> None:
        from costwatch import ticks  # needs Django to be ready

        if any(entry["task"] == self.name for entry in self.app.conf.beat_schedule.values()):
            ticks.note(self.name)


app = Celery("costwatch", task_cls=RecordedTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
