"""Incidents of a workspace, opened when a test says."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from costwatch.alerts.incidents import Report, open_or_update
from costwatch.alerts.models import Incident, Kind, Severity
from tests.ledger.make import NOW


@pytest.fixture
def opened(workspace) -> Callable[..., Incident]:
    """Opens an incident so many minutes ago."""

    def open_one(
        title: str = "It loops.",
        minutes: float = 0,
        kind: Kind = Kind.LOOP,
        severity: Severity = Severity.ALARM,
        **more,
    ) -> Incident:
        at: datetime = NOW + timedelta(minutes=minutes)
        key = more.pop("key", f"{kind}:{title}:{minutes}")
        number = open_or_update(workspace.pk, Report(kind, key, severity, title, "Look.", "x", at, **more), NOW)
        return Incident.objects.get(pk=number)

    return open_one
