"""The Celery application: a doorbell. What there is to do stands in PostgreSQL; tasks may run twice, or never."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "costwatch.settings")
# tasks may be long; a server that is silent for minutes is gone all the same
os.environ.setdefault("COSTWATCH_DATABASE_TIMEOUT", "300")
app = Celery("costwatch", task_cls="costwatch.ticks:RecordedTask")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
