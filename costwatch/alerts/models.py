"""Incidents and their timelines."""

from django.db import models

from costwatch.accounts.models import Member, Workspace


class Kind(models.TextChoices):
    """What an incident is about."""

    BUDGET = "budget"
    LOOP = "loop"
    ANOMALY = "anomaly"
    PRICING = "pricing"
    INGEST = "ingest"


class Severity(models.TextChoices):
    """A notice stays on the pages, an alarm goes out, a critical one goes out loudly."""

    NOTICE = "notice"
    ALARM = "alarm"
    CRITICAL = "critical"

    @property
    def below(self) -> list[str]:
        """The severities that are less than this."""
        order = list(Severity)
        return [severity.value for severity in order[: order.index(self)]]


class State(models.TextChoices):
    """Where an incident stands. `resolved` and `expected` are over."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"
    EXPECTED = "expected"


PENDING = (State.OPEN, State.ACKNOWLEDGED, State.SNOOZED)


class Incident(models.Model):
    """One thing that somebody should look at. `dedupe_key` names it: whoever finds it again finds this row.

    `opened_at` is the time of the event that decided it, whatever its age; `recorded_at` when it was found. A notice
    that becomes an alarm is opened anew by the event that made it one.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    severity = models.CharField(max_length=16, choices=Severity.choices)
    state = models.CharField(max_length=16, choices=State.choices, default=State.OPEN)
    dedupe_key = models.CharField(max_length=255)
    title = models.CharField(max_length=255)
    message = models.TextField(help_text="what is the matter, in sentences that a person can act on")
    subject = models.CharField(max_length=255, help_text="whom it is about, e.g. the agent")
    run_id = models.CharField(max_length=200, blank=True)
    stops = models.BooleanField(default=False, help_text="asks its run to stop while it is open or acknowledged")
    amount = models.DecimalField(null=True, max_digits=30, decimal_places=12, help_text="dollars at stake")
    facts = models.JSONField(default=dict)
    opened_at = models.DateTimeField()
    opened_by_event = models.TextField(blank=True)
    recorded_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    snoozed_until = models.DateTimeField(null=True)
    owner = models.ForeignKey(Member, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        db_table = "incident"
        constraints = [models.UniqueConstraint(fields=["workspace", "dedupe_key"], name="incident_once")]
        indexes = [
            models.Index(fields=["workspace", "opened_at", "id"], name="incident_opened"),
            models.Index(fields=["workspace", "run_id"], name="incident_run"),
            models.Index(fields=["workspace", "state"], name="incident_pending",
                         condition=models.Q(state__in=["open", "acknowledged", "snoozed"])),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"#{self.pk} {self.title}"

    @property
    def is_pending(self) -> bool:
        """Whether it is not over."""
        return self.state in PENDING


class TimelineEntry(models.Model):
    """Something that happened to an incident; only ever added. `actor` is empty where nobody did it."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="timeline")
    at = models.DateTimeField()
    action = models.CharField(max_length=32)
    actor = models.CharField(max_length=255, blank=True)
    text = models.TextField()

    class Meta:
        db_table = "incident_timeline"
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.at:%F %T} {self.text}"
