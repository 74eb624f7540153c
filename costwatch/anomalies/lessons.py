"""What a workspace wants, and what it said is expected."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from costwatch.alerts.models import Incident
from costwatch.anomalies.detectors import ALL
from costwatch.anomalies.models import AnomalySettings, Expected
from costwatch.anomalies.state import Lesson, Settings


def settings_of(workspace_id: int) -> Settings:
    """The wishes of a workspace, or the defaults."""
    row = AnomalySettings.objects.filter(workspace_id=workspace_id).first()
    return Settings(row.floor, row.sensitivity, frozenset(row.off)) if row else Settings()


def change_settings(workspace_id: int, settings: Settings) -> None:
    """From the next look on, these hold."""
    values = {"floor": settings.floor, "sensitivity": settings.sensitivity, "off": sorted(settings.off)}
    AnomalySettings.objects.update_or_create(workspace_id=workspace_id, defaults=values)


def lessons_of(workspace_id: int) -> list[Lesson]:
    """All that is expected here."""
    rows = Expected.objects.filter(workspace_id=workspace_id)
    return [_lesson(row) for row in rows]


def expected(workspace_id: int) -> Sequence[Expected]:
    """The same as rows, newest first, for people who may want to take one back."""
    return list(Expected.objects.filter(workspace_id=workspace_id).order_by("-taught_at", "-id"))


def learn(incident: Incident, by: str, now: datetime) -> Expected | None:
    """What the incident was about is expected from now on; None where no detector of ours had opened it."""
    facts = incident.facts
    detector = ALL.get(str(facts.get("detector")))
    if detector is None:
        return None
    level = None if detector.TOLERANCE is None else Decimal(facts["level"]) * detector.TOLERANCE
    return Expected.objects.create(
        workspace_id=incident.workspace_id,
        detector=detector.NAME,
        dimension=facts["dimension"],
        value=facts["value"],
        level=level,
        hours=_around(facts.get("hours")),
        incident_id=incident.pk,
        taught_by=by[:255],
        taught_at=now,
    )


def forget(workspace_id: int, number: int) -> Expected | None:
    """It is no longer expected; the row that went, None where there was none."""
    row = Expected.objects.filter(workspace_id=workspace_id, pk=number).first()
    return row if row and Expected.objects.filter(pk=row.pk).delete()[0] else None


def _lesson(row: Expected) -> Lesson:
    hours = None if row.hours is None else frozenset(row.hours)
    return Lesson(row.detector, row.dimension, row.value, row.level, hours)


def _around(hours: Sequence[int] | None) -> list[int] | None:
    """With the hour before and the hour after: what happens at nine today may happen at eight tomorrow."""
    return None if not hours else sorted({(hour + step) % 24 for hour in hours for step in (-1, 0, 1)})
