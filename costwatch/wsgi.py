"""The web application for any WSGI server; its environment is set before Django reads it."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "costwatch.settings")
# a frozen database must give 503 within 10 s: this, or 2 s for a kept connection and 3 s for a new one
os.environ.setdefault("COSTWATCH_DATABASE_TIMEOUT", "8")

from django.core.wsgi import get_wsgi_application

from costwatch import edge, env
from costwatch.settings import BODY_LIMIT

application = edge.never_exhausted(
    edge.whole_bodies(get_wsgi_application(), BODY_LIMIT), env.integer("COSTWATCH_WEB_THREADS", 8)
)
