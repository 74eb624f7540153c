"""The web application for any WSGI server; its environment is set before Django reads it."""

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "costwatch.settings")
# a frozen database must give 503 within 10 s: this, or 2 s for a kept connection and 3 s for a new one
os.environ.setdefault("COSTWATCH_DATABASE_TIMEOUT", "8")

from django.core.wsgi import get_wsgi_application

from costwatch import edge, env
from costwatch.settings import BODY_LIMIT

QUICK = frozenset({"/api/v1/guard", "/readyz", "/metrics"})


def _application() -> edge.App:
    django = get_wsgi_application()
    from django.db import connections

    from costwatch.accounts.keys import could_be_genuine  # models: only once Django is set up
    from costwatch.metrics import count_refusal
    from ingest.pace import pace

    threads = env.integer("COSTWATCH_WEB_THREADS", 8)
    inner = edge.never_exhausted(
        django, threads, done=connections.close_all, refused=count_refusal, is_quick=_takes_milliseconds
    )
    alone = env.integer("COSTWATCH_WEB_PROCESSES", 2) < 2
    return edge.whole_bodies(inner, BODY_LIMIT, could_be_genuine, alone=alone, enter=pace.enter, refused=count_refusal)


def _takes_milliseconds(environ: dict[str, Any]) -> bool:
    """Whether others wait for the answer: agents that send what they did or ask whether they may go on, and probes."""
    path = environ.get("PATH_INFO")
    return path in QUICK or (path == "/api/v1/events" and environ.get("REQUEST_METHOD") == "POST")


application = _application()
