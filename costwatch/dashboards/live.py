"""Whether a page that refreshes itself would be another one: cheaper to find out than to make it."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.http import HttpRequest

from costwatch.accounts.models import Workspace
from costwatch.spend.filters import SpendFilter
from costwatch.spend.queries import query
from costwatch.spend.snapshot import snapshot

SEEN = "X-Seen"


def version(workspace: Workspace, spans: Sequence[SpendFilter], now: datetime, *told: Any) -> str:
    """A short text that changes with the sums of the spans, with the minute (up to it is compared), and with `told`."""
    with snapshot(workspace.lane):
        sums = [query(workspace, span).total for span in spans]
    found = repr((sums, now.replace(second=0, microsecond=0), told))
    return sha256(found.encode()).hexdigest()[:16]


def is_live(request: HttpRequest) -> bool:
    """Whether the page asks by itself, so that nobody is waiting for an answer."""
    return SEEN in request.headers


def is_seen(request: HttpRequest, version: str) -> bool:
    """Whether the page that asks is this one already."""
    return request.headers.get(SEEN) == version
