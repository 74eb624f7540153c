"""Incidents, their timelines and the stops they ask for; channels, and what is sent over them."""

from datetime import datetime
from uuid import uuid4

from django.db import models
from django.db.models.functions import Now

from costwatch.accounts.models import Member, Workspace


class Kind(models.TextChoices):
    """What an incident is about."""

    BUDGET = "budget"
    LOOP = "loop"
    ANOMALY = "anomaly"
    PRICING = "pricing"
    INGEST = "ingest"
    DELIVERY = "delivery"  # a channel that cannot be used any more


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
    channels = models.JSONField(default=list, help_text="ids chosen by the detector; none: the default channels")
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


class Stop(models.Model):
    """Everybody in a scope is asked to stop. `key` names it in its workspace: placed again, it is the same row.

    It stands until it is lifted or its time is over. Rows are deleted a month later (alerts/stops.py).
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=400)
    scope = models.JSONField(help_text="dimension → values, all of which must fit; {} is everybody")
    reason = models.CharField(max_length=8, help_text="the kind of the incident, or kill: by a person")
    message = models.TextField()
    incident = models.ForeignKey(Incident, null=True, on_delete=models.SET_NULL, related_name="+")
    until = models.DateTimeField(null=True)
    actor = models.CharField(max_length=255, blank=True, help_text="who placed it; empty: costwatch itself")
    placed_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True)
    changed_in = models.BigIntegerField(help_text="the transaction that changed it last")

    class Meta:
        db_table = "stop"
        constraints = [models.UniqueConstraint(fields=["workspace", "key"], name="stop_once")]
        indexes = [
            models.Index(fields=["workspace", "changed_in"], name="stop_changed"),
            models.Index(fields=["workspace", "placed_at"], name="stop_standing",
                         condition=models.Q(lifted_at=None)),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"

    @staticmethod
    def is_standing(now: datetime) -> models.Q:
        """The rows that ask somebody to stop."""
        return models.Q(lifted_at=None) & (models.Q(until=None) | models.Q(until__gt=now))


class Channel(models.Model):
    """Where messages about incidents go. `sealed` is its encrypted configuration, `shown` what people may see of it.

    A deleted channel stays as a row without its configuration: what was sent over it is part of the history.
    """

    class Kind(models.TextChoices):
        EMAIL = "email", "E-mail"
        SLACK = "slack", "Slack"
        WEBHOOK = "webhook", "Webhook"
        PAGERDUTY = "pagerduty", "PagerDuty"
        TEAMS = "teams", "Microsoft Teams"
        APPRISE = "apprise", "Apprise"

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    name = models.CharField(max_length=200)
    sealed = models.TextField(blank=True)
    shown = models.JSONField(default=dict)
    min_severity = models.CharField(max_length=16, choices=Severity.choices[1:], default=Severity.ALARM)
    kinds = models.JSONField(default=list, help_text="kinds of incidents; none: all")
    is_default = models.BooleanField(default=True, help_text="used where nobody has chosen channels")
    quiet_from = models.TimeField(null=True, help_text="from then on only what is critical is sent")
    quiet_until = models.TimeField(null=True)
    time_zone = models.CharField(max_length=64, blank=True, help_text="of the quiet hours; empty: the workspace's")
    escalate_to = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="+")
    escalate_minutes = models.PositiveIntegerField(null=True, help_text="without acknowledgement")
    renotify_minutes = models.PositiveIntegerField(null=True, help_text="what is still open is told again after these")
    created_at = models.DateTimeField(db_default=Now())
    disabled_at = models.DateTimeField(null=True)
    disabled_reason = models.TextField(blank=True)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "channel"
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="channel_name_once",
                                    condition=models.Q(deleted_at__isnull=True)),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.name


class Delivery(models.Model):
    """One message to one channel. Its body is fixed when it is made: every attempt sends the same under the same id."""

    class Type(models.TextChoices):
        OPENED = "incident.opened"
        UPDATED = "incident.updated"
        RESOLVED = "incident.resolved"
        ACKNOWLEDGED = "incident.acknowledged"
        DIGEST = "digest"
        TEST = "test"

    class State(models.TextChoices):
        WAITING = "waiting"
        SENT = "sent"
        FAILED = "failed"

    uid = models.UUIDField(unique=True, default=uuid4, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="deliveries")
    type = models.CharField(max_length=32, choices=Type.choices)
    body = models.JSONField(default=dict)
    size = models.PositiveIntegerField(default=0, help_text="incidents in it")
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    created_at = models.DateTimeField(db_default=Now())
    next_at = models.DateTimeField(db_default=Now(), help_text="not tried before")
    lease_until = models.DateTimeField(null=True, help_text="somebody is sending it")
    attempts = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    status = models.PositiveIntegerField(null=True, help_text="of the last answer")
    answer = models.TextField(blank=True)
    latency_ms = models.PositiveIntegerField(null=True)

    class Meta:
        db_table = "delivery"
        indexes = [
            models.Index(fields=["channel", "id"], name="delivery_waiting", condition=models.Q(state="waiting")),
            models.Index(fields=["channel", "created_at"], name="delivery_recent"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.uid}"


class Attempt(models.Model):
    """One try to send a message, and what came back."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="log")
    at = models.DateTimeField(db_default=Now())
    ok = models.BooleanField()
    status = models.PositiveIntegerField(null=True)
    answer = models.TextField(blank=True)
    latency_ms = models.PositiveIntegerField()

    class Meta:
        db_table = "delivery_attempt"
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.at:%F %T} {self.status or ''} {self.answer}"


class Notice(models.Model):
    """That a channel is to be told of a change of an incident: written in the change's own transaction.

    The next message to the channel takes it along (`delivery`); `dropped` where there is nothing to tell any more.
    """

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="notices")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="+")
    entry = models.ForeignKey(TimelineEntry, on_delete=models.CASCADE, related_name="+")
    type = models.CharField(max_length=32, choices=Delivery.Type.choices)
    facts = models.JSONField(default=dict, help_text="what this message says otherwise than the incident's facts")
    created_at = models.DateTimeField(db_default=Now())
    delivery = models.ForeignKey(Delivery, null=True, on_delete=models.CASCADE, related_name="notices")
    dropped = models.BooleanField(default=False)

    class Meta:
        db_table = "incident_notice"
        constraints = [models.UniqueConstraint(fields=["entry", "channel"], name="notice_once")]
        indexes = [
            models.Index(fields=["channel", "id"], name="notice_waiting",
                         condition=models.Q(delivery__isnull=True, dropped=False)),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.type} of {self.incident_id} to {self.channel_id}"
