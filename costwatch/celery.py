"""The Celery application: a doorbell. What there is to do stands in PostgreSQL; tasks are safe to run twice and never."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "costwatch.settings")
app = Celery("costwatch")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
