"""The web application for any WSGI server; its environment is set before Django reads it."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "costwatch.settings")
# a frozen database must give 503 within 10 s: this, or 2 s for a kept connection and 3 s for a new one
os.environ.setdefault("COSTWATCH_DATABASE_TIMEOUT", "8")

from django.core.wsgi import get_wsgi_application

from costwatch import edge, env
from costwatch.settings import BODY_LIMIT


def _application() -> edge.App:
    django = get_wsgi_application()
    from django.db import connections

    from costwatch.accounts.keys import could_be_genuine  # models: only once Django is set up
    from costwatch.metrics import count_refusal
    from ingest.pace import pace

    threads = env.integer("COSTWATCH_WEB_THREADS", 8)
    inner = edge.never_exhausted(django, threads, done=connections.close_all, refused=count_refusal)
    alone = env.integer("COSTWATCH_WEB_PROCESSES", 2) < 2
    return edge.whole_bodies(inner, BODY_LIMIT, could_be_genuine, alone=alone, enter=pace.enter, refused=count_refusal)


application = _application()
