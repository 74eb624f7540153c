"""Who gets which digest, and which have been sent."""

from django.db import models
from django.db.models.functions import Now

from costwatch.accounts.models import Member, Workspace
from costwatch.alerts.models import Channel
from costwatch.digests.span import KINDS


class Subscription(models.Model):
    """A digest for a member, over a mail channel of their own, or for a channel; sent at an hour after the period."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=8, choices=[(kind, kind) for kind in KINDS])
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="+")
    member = models.ForeignKey(Member, null=True, on_delete=models.CASCADE, related_name="+")
    time_zone = models.CharField(max_length=64, blank=True, help_text="IANA name; empty = the workspace's")
    hour = models.PositiveSmallIntegerField(default=8)
    made_by = models.CharField(max_length=255)
    made_at = models.DateTimeField()

    class Meta:
        db_table = "digest_subscription"
        constraints = [models.UniqueConstraint(fields=["kind", "channel"], name="digest_subscription_once")]

    def __str__(self) -> str:
        return f"{self.kind} to {self.channel}"


class Issue(models.Model):
    """A digest that was handed to the outbox: there is one for each subscription and period."""

    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="issues")
    first_day = models.DateField()
    title = models.CharField(max_length=255)
    made_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "digest_issue"
        constraints = [models.UniqueConstraint(fields=["subscription", "first_day"], name="digest_issue_once")]

    def __str__(self) -> str:
        return self.title
