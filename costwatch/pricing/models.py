"""The price book as stored: lines, their versions in time, names, schedules.

A price is never changed in place: what a version said stays readable under its id for as long as events name it.
"""

from django.db import models

from costwatch.accounts.models import Workspace


class PriceBook(models.Model):
    """The one row that tells every process whether its compiled book is still the stored one."""

    revision = models.PositiveBigIntegerField(default=0)
    digest = models.CharField(max_length=64, blank=True, help_text="of the catalogue that was read last")

    def __str__(self) -> str:
        return f"revision {self.revision}"


class CatalogueRelease(models.Model):
    """One reading of the price catalogue."""

    name = models.CharField(max_length=80)
    digest = models.CharField(max_length=64)
    imported_at = models.DateTimeField()
    data_as_of = models.DateTimeField(null=True, help_text="when the package was built")

    def __str__(self) -> str:
        return self.name


class PriceSchedule(models.Model):
    """Hours with prices of their own: windows of local time on some weekdays, holidays excepted."""

    name = models.CharField(max_length=80, unique=True)
    zone = models.CharField(max_length=64)
    windows = models.JSONField(help_text='[["01:00", "04:00"]]')
    weekdays = models.JSONField(help_text="0 = Monday")
    holidays = models.JSONField(help_text='["2026-10-01"], local dates')

    def __str__(self) -> str:
        return self.name


class PriceLine(models.Model):
    """What has one price at a time: a model at a provider, in a region, served in a variant, in some hours.

    With a workspace it is an override that holds there only: `provider` "" is any, `model` may be a pattern with *,
    `variant` "" is every tier.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, null=True, related_name="+")
    provider = models.CharField(max_length=80)
    model = models.CharField(max_length=200)
    region = models.CharField(max_length=40, blank=True)
    variant = models.CharField(max_length=40, default="standard", blank=True)
    schedule = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "provider", "model", "region", "variant", "schedule"],
                nulls_distinct=False,
                name="price_line_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.model} {self.region} {self.variant} {self.schedule}".strip()


class PriceVersion(models.Model):
    """The prices of a line from `valid_from` until `valid_until` (null = ever).

    Two versions of a line never overlap (an exclusion constraint, migrations/sql/0001_no_overlap.sql), except
    withdrawn ones: what the catalogue once said and no longer says. Without components it is free of charge or, with a
    `multiplier`, so much of the catalogue's price.
    """

    line = models.ForeignKey(PriceLine, on_delete=models.PROTECT, related_name="versions")
    valid_from = models.DateTimeField(null=True)
    valid_until = models.DateTimeField(null=True)
    release = models.ForeignKey(CatalogueRelease, on_delete=models.PROTECT, null=True)
    multiplier = models.DecimalField(max_digits=9, decimal_places=6, null=True)
    source = models.TextField(blank=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(valid_until__gt=models.F("valid_from"))
                | models.Q(valid_from=None)
                | models.Q(valid_until=None),
                name="price_version_lasts",
            ),
            models.CheckConstraint(
                condition=models.Q(multiplier=None) | models.Q(multiplier__gte=0, multiplier__lte=10),
                name="price_version_multiplier",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.line} from {self.valid_from or 'the beginning'}"


class PriceComponent(models.Model):
    """`price` USD for `per` units; above `threshold` prompt tokens it holds for the whole request."""

    version = models.ForeignKey(PriceVersion, on_delete=models.CASCADE, related_name="components")
    unit = models.CharField(max_length=40)
    threshold = models.PositiveBigIntegerField(default=0)
    price = models.DecimalField(max_digits=20, decimal_places=12)
    per = models.PositiveBigIntegerField()
    minimum = models.DecimalField(max_digits=20, decimal_places=6, null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "unit", "threshold"], name="price_component_once"),
            models.CheckConstraint(condition=models.Q(price__gte=0, per__gt=0), name="price_component_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.unit} {self.price} per {self.per}"


class ModelAlias(models.Model):
    """Another name of a model at a provider, for calls within its dates."""

    provider = models.CharField(max_length=80)
    name = models.CharField(max_length=200)
    model = models.CharField(max_length=200)
    valid_from = models.DateTimeField(null=True)
    valid_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "name", "valid_from"], nulls_distinct=False, name="model_alias_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.name} = {self.model}"


class TrustedReporter(models.Model):
    """A provider whose own word on what a call cost (`cost_usd`) counts in this workspace."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    provider = models.CharField(max_length=80)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "provider"], name="trusted_reporter_once")]

    def __str__(self) -> str:
        return self.provider


class RepriceOrder(models.Model):
    """What somebody wants repriced: counted first, applied once that is confirmed. The worker goes from start to end.

    `changes`: [day, model, events, old, new, priced] of what is done so far; money as text.
    """

    class State(models.TextChoices):
        COUNTING = "counting"
        COUNTED = "counted"
        APPLYING = "applying"
        APPLIED = "applied"
        FAILED = "failed"

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    start = models.DateTimeField()
    end = models.DateTimeField()
    of_models = models.JSONField(default=list, help_text="names as sent; none = all")
    reason = models.CharField(max_length=200)
    by = models.CharField(max_length=255)
    created_at = models.DateTimeField(auto_now_add=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.COUNTING)
    reached = models.DateTimeField(help_text="everything before is looked at")
    events = models.BigIntegerField(default=0)
    changes = models.JSONField(default=list)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["workspace", "-id"], name="reprice_order_newest")]

    def __str__(self) -> str:
        return self.reason
