"""A workspace whose channels may reach this machine."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import pytest

from costwatch.accounts.models import Workspace
from costwatch.alerts import channels, incidents
from costwatch.alerts.incidents import Report
from costwatch.alerts.models import Channel, Incident, Kind, Severity
from tests.alerts.sinks import Sink, http_sink


@pytest.fixture
def workspace(db: None) -> Workspace:
    return Workspace.objects.create(name="Larkfield", time_zone="Europe/Berlin")


@pytest.fixture
def local(settings: Any) -> Any:
    settings.WEBHOOK_ALLOW = ["127.0.0.1"]
    settings.PUBLIC_URL = "https://costwatch.example.org"
    return settings


@pytest.fixture
def sink(local: Any) -> Iterator[Callable[..., Sink]]:
    """Makes HTTP sinks that live as long as the test."""
    with ExitStack() as stack:
        yield lambda behave=None: stack.enter_context(http_sink(behave))


@pytest.fixture
def webhook(workspace: Workspace, sink: Callable[..., Sink]) -> Callable[..., tuple[Channel, Sink]]:
    """Makes a webhook channel with a sink behind it."""

    def make(name: str = "ops", behave: Any = None, **options: Any) -> tuple[Channel, Sink]:
        behind = sink(behave)
        channel, _ = channels.create(workspace, {"kind": "webhook", "name": name, "url": behind.url, **options})
        return channel, behind

    return make


@pytest.fixture
def opened(workspace: Workspace) -> Callable[..., Incident]:
    """Opens an incident."""

    def make(key: str = "k", **values: Any) -> Incident:
        now = datetime.now(UTC)
        report = {"kind": Kind.LOOP, "severity": Severity.ALARM, "title": f"loop {key}", "message": "It loops.",
                  "subject": "triage", "at": now, **values}  # fmt: skip
        return Incident.objects.get(pk=incidents.open_or_update(workspace.pk, Report(key=key, **report), now))

    return make
