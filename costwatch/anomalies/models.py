"""What a workspace wants to be told of, what it said is expected, and the spells that last."""

from decimal import Decimal

from django.db import models

from costwatch.accounts.models import Workspace
from costwatch.anomalies.state import SENSITIVITIES


class AnomalySettings(models.Model):
    """Wishes of a workspace; one without a row has the defaults."""

    workspace = models.OneToOneField(Workspace, on_delete=models.CASCADE, related_name="+")
    floor = models.DecimalField(max_digits=12, decimal_places=2, default=Decimal(10), help_text="dollars")
    sensitivity = models.CharField(max_length=8, choices=[(name, name) for name in SENSITIVITIES], default="normal")
    off = models.JSONField(default=list, help_text="detectors that do not look")

    class Meta:
        db_table = "anomaly_settings"

    def __str__(self) -> str:
        return f"from ${self.floor}, {self.sensitivity}"


class Expected(models.Model):
    """Something a member called expected: up to `level` (null: whatever it is), at `hours` of the day (null: any)."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    detector = models.CharField(max_length=16)
    dimension = models.CharField(max_length=80)
    value = models.CharField(max_length=200, blank=True)
    level = models.DecimalField(null=True, max_digits=30, decimal_places=12)
    hours = models.JSONField(null=True)
    incident_id = models.BigIntegerField(null=True, help_text="of which it was said")
    taught_by = models.CharField(max_length=255)
    taught_at = models.DateTimeField()

    class Meta:
        db_table = "anomaly_expected"
        indexes = [models.Index(fields=["workspace", "detector"], name="anomaly_expected_detector")]

    def __str__(self) -> str:
        return f"{self.detector} {self.dimension} {self.value}"


class Spell(models.Model):
    """Something unusual while it lasts. `incident_key` is that of another spell where it is the same matter.

    `buckets`: bucket kind → start → [spent, usual], for what a spell of many hours comes to.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    detector = models.CharField(max_length=16)
    dimension = models.CharField(max_length=80)
    value = models.CharField(max_length=200, blank=True)
    started_at = models.DateTimeField()
    lasts_until = models.DateTimeField()
    incident_key = models.CharField(max_length=255)
    buckets = models.JSONField(default=dict)
    looked_at = models.DateTimeField(help_text="when its drivers were last worked out")
    over = models.BooleanField(default=False)

    class Meta:
        db_table = "anomaly_spell"
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "detector", "dimension", "value", "started_at"], name="anomaly_spell_once"
            )
        ]
        indexes = [
            models.Index(fields=["workspace"], name="anomaly_spell_lasting", condition=models.Q(over=False)),
        ]

    def __str__(self) -> str:
        return f"{self.detector} {self.dimension} {self.value} since {self.started_at:%F %T}"


class Look(models.Model):
    """How far a workspace's time has been looked at. `changed_from`: usage arrived since that is dated so early."""

    workspace = models.OneToOneField(Workspace, on_delete=models.CASCADE, related_name="+")
    made_at = models.DateTimeField()
    looked_until = models.DateTimeField(null=True)
    watching_since = models.DateTimeField(null=True, help_text="since then there was a look every few minutes")
    changed_from = models.DateTimeField(null=True)
    filled_at = models.DateTimeField(null=True, help_text="when usage of past days last arrived")

    class Meta:
        db_table = "anomaly_look"

    def __str__(self) -> str:
        return f"{self.workspace_id} until {self.looked_until}"
