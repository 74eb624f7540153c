"""A workspace whose channels may reach this machine, and a message as it is sent."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models import F

from costwatch.accounts.models import Workspace
from costwatch.alerts import channels, incidents
from costwatch.alerts.incidents import Report
from costwatch.alerts.message import Message
from costwatch.alerts.models import Channel, Delivery, Incident, Kind, Notice, Severity
from tests.alerts.sinks import Sink, http_sink

NOW = datetime.now(UTC)
INCIDENT = {
    "id": 412, "kind": "budget", "severity": "critical", "state": "open", "title": "Support: 80 % of $60.00 spent",
    "message": "Support has spent $48.10 of $60.00.", "subject": "Support", "opened_at": "2026-11-18T13:05:11Z",
    "amount_usd": "48.1", "url": "https://c.example.org/incidents/412",
    "facts": {"limit_usd": "60", "spent_usd": "48.1", "crossings": [{"threshold": 50}, {"threshold": 80}]},
}  # fmt: skip
HOSTILE = {**INCIDENT, "title": "<!channel> *x* & <https://evil.example|click>", "message": "_y_ <@U1> ~z~"}
MESSAGE = Message(
    "5f0c7a52-6f7e-4c39-9a4d-2b1f6a7d9c10", "incident.opened", "Larkfield", [INCIDENT], {}, INCIDENT["url"]
)


def later(seconds: float) -> None:
    """So many seconds pass: what was made is older, what waits for a time waits less."""
    by = timedelta(seconds=seconds)
    Delivery.objects.update(
        created_at=F("created_at") - by, next_at=F("next_at") - by, lease_until=F("lease_until") - by
    )
    Notice.objects.update(created_at=F("created_at") - by)


def of(*numbers: int, **values: Any) -> Message:
    """The message with so many incidents, by their numbers."""
    return replace(MESSAGE, incidents=[{**INCIDENT, "id": n, "title": f"budget {n}"} for n in numbers], **values)


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
